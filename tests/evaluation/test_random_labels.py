"""Labels that mean nothing: chance by patient, high scores by image, and the reason is said.

Each of 48 phantom patients of twelve slices gets a label by lot, half of them each. Nothing can be
learnt from one patient about another; what scores more than chance has recognised the patient.
"""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_records import made_records
from scipy.stats import t

from covid_keras.audit.audit import audit
from covid_keras.cli.main import main
from covid_keras.datasets.splits import hold_out
from covid_keras.evaluation.baselines import WHOLE
from covid_keras.phantom import make_phantom

PATIENTS, SLICES = 48, 12
SEEDS = range(20)
"""Of the labels and of the splits."""
STAMP = "IMAGE-LEVEL SPLIT: one patient may be in train and test; scores are too high"
SETTINGS = {
    "data.positive": "yes",
    "model.weights": "random",
    "model.name": "shufflenet_v2_x0_5",
    "input.resize": 64,
    "input.crop": 64,
    "input.box": "none",
    "augmentation.flip": False,
    "augmentation.mixup": 0,
    "training.batch": 32,
    "training.steps": 160,
    "training.schedule": (10, 120, 150, 155, 160),
    "training.optimizer": "adam",
    "training.learning_rate": 0.003,
    "training.eval_every": 80,
    "training.gradcam": 0,
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def phantom(tmp_path_factory) -> Path:
    """The images; their labels and splits are written beside them by `draw`."""
    folder = tmp_path_factory.mktemp("random") / "phantom"
    return make_phantom(folder, patients=PATIENTS, slices=SLICES, size=128)


def draw(root: Path, group: str, seed: int) -> Path:
    """A CSV with a random label for each patient; 10 % val and 40 % test, by patient or image."""
    images = sorted(path.relative_to(root).as_posix() for path in root.glob("images/*.png"))
    patients = pd.Series(images).str.extract(r"(phantom.-\d+)_")[0]
    lots = np.random.default_rng(seed).permutation(PATIENTS) % 2
    label = dict(zip(sorted(set(patients)), np.array(["no", "yes"])[lots], strict=True))
    records = made_records(images, patients.map(label), patient=patients)
    grouped = records if group == "patient" else records.assign(patient="")
    split = hold_out(grouped, seed, val=0.1, test=0.4)["split"]
    file = root / f"{group}_{seed}.csv"
    records.assign(split=split).to_csv(file, index=False)
    return file


def shared_patients(found) -> int:
    """How many patients the audit found in several splits."""
    said = [re.match(r"(\d+) patients in several splits", f.text) for f in found.findings]
    return sum(int(match[1]) for match in said if match)


def interval(values: list[float]) -> tuple[float, float]:
    """Student's 95 % interval of the mean over label seeds."""
    mean, error = np.mean(values), np.std(values, ddof=1) / np.sqrt(len(values))
    reach = t.ppf(0.975, len(values) - 1) * error
    return mean - reach, mean + reach


def test_the_audits_thumbnails_know_the_patient_and_nothing_else(phantom):
    area: dict[str, list[float]] = {"patient": [], "image": []}
    for seed in SEEDS:
        for group, areas in area.items():
            found = audit("folder", draw(phantom, group, seed), out=phantom.parent / "out")
            assert found.failed == (group == "image")
            shared = shared_patients(found)
            assert shared > 0.9 * PATIENTS if group == "image" else shared == 0
            areas += [rule.auc for rule in found.data.baselines if rule.name == WHOLE]
    by_patient, by_image = interval(area["patient"]), interval(area["image"])
    assert len(area["patient"]) == len(area["image"]) == len(SEEDS)
    assert 0.4 < by_patient[0] < 0.5 < by_patient[1] < 0.6
    assert by_image[0] > 0.85 and min(area["image"]) > 0.8


def trained(root: Path, group: str, out: Path) -> tuple[dict, float]:
    """metrics.json of a network through train and evaluate, and its last accuracy on train."""
    data = ["--dataset", "folder", "--data", str(draw(root, group, seed=0)), "--out", str(out)]
    settings = [f"--set={key}={value}" for key, value in SETTINGS.items()]
    assert main(["train", "ct-bit", *data, *settings, f"--set=data.group={group}"]) == 0
    assert main(["evaluate", str(out)]) == 0
    with (out / "log.csv").open() as file:
        log = list(csv.DictReader(file))
    return json.loads((out / "metrics.json").read_text()), float(log[-1]["accuracy"])


def test_a_network_knows_the_patient_and_nothing_else(phantom, tmp_path):
    (by_patient, fit), (by_image, fit_by_image) = (
        trained(phantom, group, tmp_path / group) for group in ("patient", "image")
    )
    assert min(fit, fit_by_image) > 0.9, "both know their training images"
    honest, leaked = (m["splits"]["test"]["metrics"]["macro_auc"] for m in (by_patient, by_image))
    assert "patients; logit" in honest["method"] and "patients; logit" in leaked["method"]
    assert honest["low"] < 0.5 < honest["high"]
    assert leaked["low"] > max(0.75, honest["high"])
    assert by_image["stamps"][0] == STAMP
    assert not [stamp for stamp in by_patient["stamps"] if stamp.startswith("IMAGE-LEVEL")]
