"""docs/how-to/measure.md: the tables of other programs, written by these programs and measured.

A block runs in the Python OTHER_PYTHON, by default Debian's, if that has what it imports; R runs as
Rscript. Tests of what is not installed are skipped.
"""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doc_blocks import ROOT, blocks
from scipy.special import softmax
from sklearn.metrics import roc_auc_score

from covid_keras.cli.main import main
from covid_keras.utils.files import read_json

PYTHON = os.environ.get("OTHER_PYTHON", "/usr/bin/python3")
START = """
import warnings; warnings.simplefilter("ignore")
import numpy as np, pandas as pd
table, features = pd.read_csv("all.csv"), np.load("features.npy")
sick = table.label.to_numpy()
"""
UNTRAINED = """
import torchxrayvision as xrv
class Untrained(xrv.models.DenseNet):
    pathologies = xrv.datasets.default_pathologies
    def __init__(self, weights):
        super().__init__(num_classes=len(self.pathologies))
"""
"""The published weights cannot be downloaded in a test."""
R_START = """
train <- read.csv("train.csv"); test <- read.csv("predictions.csv")
train$age <- 40 + 20 * train$label + seq_len(nrow(train)) %% 30
test$age <- 40 + 20 * test$label + seq_len(nrow(test)) %% 30
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def work(tmp_path, monkeypatch) -> Path:
    """Run the page's first block, and keep its table and features for other programs."""
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(page_blocks()["LogisticRegression"], names)
    names["table"].to_csv("all.csv", index=False)
    np.save("features.npy", names["features"])
    return tmp_path


def page_blocks() -> dict[str, str]:
    """Return {a word: the block of the page that has it}."""
    words = ("LogisticRegression", "import torch\n", "monai", "torchxrayvision", "glm(")
    found = blocks(ROOT / "docs" / "how-to" / "measure.md")
    return {w: next(b.text for b in found if w in b.text and b.language != "bash") for w in words}


def run_python(modules: str, code: str) -> None:
    """Run `code` in the Python that has other programs; skip the test if it lacks `modules`."""
    if not shutil.which(PYTHON):
        pytest.skip(f"no {PYTHON}: set OTHER_PYTHON")
    if subprocess.run([PYTHON, "-c", f"import pandas, {modules}"], capture_output=True).returncode:
        pytest.skip(f"{PYTHON} has no {modules}: set OTHER_PYTHON")
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, env=clean)
    assert done.returncode == 0, done.stderr


def measured_auc(*arguments: str) -> float:
    """Measure a table by the command; return the AUC in metrics.json."""
    assert main(["measure", *arguments, "--out", "measured"]) in (0, None)
    return read_json(Path("measured/metrics.json"))["splits"]["test"]["metrics"]["macro_auc"][
        "value"
    ]


def test_pytorch(work):
    run_python("torch", START + page_blocks()["import torch\n"])
    table = pd.read_csv("pytorch.csv")
    scores = softmax(table[["logit_0", "logit_1"]].to_numpy(), axis=1)[:, 1]
    assert measured_auc("pytorch.csv") == pytest.approx(roc_auc_score(table["label"], scores))


def test_monai(work):
    run_python("torch, monai", START + "import torch\n" + page_blocks()["monai"])
    table = pd.read_csv("predictions.csv")
    expected = roc_auc_score(table["label"], table["score"])
    found = measured_auc("monai.csv", "--labels", "predictions.csv")
    assert found == pytest.approx(expected, abs=1e-6)


def test_torchxrayvision(work):
    code = START + "import torch\n" + UNTRAINED + page_blocks()["torchxrayvision"]
    code = code.replace("network = xrv.models.DenseNet(", "network = Untrained(")
    run_python("torch, torchxrayvision", code)
    assert measured_auc("xrv.csv", "--columns", "score=Pneumonia") == 0.5, "equal images"


def test_r(work):
    if not shutil.which("Rscript"):
        pytest.skip("no Rscript")
    Path("fit.R").write_text(R_START + page_blocks()["glm("])
    subprocess.run(["Rscript", "fit.R"], check=True, capture_output=True)
    table = pd.read_csv("r.csv")
    expected = roc_auc_score(table["label"], table["score"])
    assert measured_auc("r.csv") == pytest.approx(expected) and expected > 0.6
