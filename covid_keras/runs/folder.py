"""The run folder: the one place that knows its file names.

A run folder holds what is needed to run again and to audit the result. Files appear in the order
in which a run makes them; none is ever half-written.
"""

import csv
import importlib.metadata
import io
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

import covid_keras
from covid_keras.datasets import splits
from covid_keras.datasets.archive import packed_stamps
from covid_keras.datasets.label_files import SPLITS
from covid_keras.datasets.records import image_root
from covid_keras.datasets.source_baseline import CONFOUNDED, source_baseline
from covid_keras.recipes import config
from covid_keras.recipes.config import Recipe
from covid_keras.utils.backend import backend
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import make_folder, read_json, read_json_value, write_json, write_text

PACKAGES = (
    "tensorflow",
    "jax",
    "keras",
    "numpy",
    "pandas",
    "opencv-python-headless",
    "scikit-learn",
)
"""Whose versions a run records, where they are installed."""

NEW_OR_RESUME = "give another --out, or --resume to go on"
LOOKS = "date,set,images,commit,command\n"
"""Header of test_log.csv."""


@dataclass(frozen=True)
class Run:
    """Paths of one run, and reading and writing of its small files."""

    path: Path

    def __fspath__(self) -> str:
        return str(self.path)

    @property
    def recipe_file(self) -> Path:
        return self.path / "recipe.json"

    @property
    def environment_file(self) -> Path:
        return self.path / "environment.json"

    @property
    def fingerprint_file(self) -> Path:
        return self.path / "fingerprint.json"

    @property
    def split_file(self) -> Path:
        return self.path / "split.csv"

    @property
    def log_file(self) -> Path:
        return self.path / "log.csv"

    @property
    def last_checkpoint(self) -> Path:
        return self.path / "checkpoints" / "last.npz"

    @property
    def best_checkpoint(self) -> Path:
        return self.path / "checkpoints" / "best.npz"

    @property
    def model_file(self) -> Path:
        return self.path / "model.keras"

    @property
    def metrics_file(self) -> Path:
        return self.path / "metrics.json"

    @property
    def figures(self) -> Path:
        return self.path / "figures"

    @property
    def gradcam(self) -> Path:
        return self.path / "gradcam"

    @property
    def report_file(self) -> Path:
        return self.path / "report.html"

    @property
    def card_file(self) -> Path:
        return self.path / "card.md"

    @property
    def ablations(self) -> Path:
        return self.path / "ablations"

    def predictions_file(self, split: str) -> Path:
        return self.path / f"predictions_{split}.csv"

    @property
    def test_time_augmentation(self) -> "Run":
        """A folder with predictions of its own: the mean over augmented samples of each image."""
        return Run(self.path / "test_time_augmentation")

    def augmented_samples(self) -> dict[str, int]:
        """Return {set with test-time augmentation: number of samples of each image}."""
        folder = self.test_time_augmentation
        if not folder.fingerprint_file.exists():
            return {}
        samples = read_json_value(folder.fingerprint_file, "samples")
        predicted = folder.predicted()
        return {name: count for name, count in samples.items() if name in predicted}

    @property
    def metadata_baseline(self) -> "Run":
        """A folder with predictions of its own: the metadata baseline on test."""
        return Run(self.path / "metadata_baseline")

    def uncertainty_file(self, split: str) -> Path:
        return self.path / f"uncertainty_{split}.csv"

    @property
    def members(self) -> list["Run"]:
        """The runs in fold_N, seed_N and seed_N/fold_N; empty for a single run."""
        if self.recipe_file.exists():
            return []
        found = [*self.path.glob("fold_*/recipe.json"), *self.path.glob("seed_*/recipe.json")]
        found += self.path.glob("seed_*/fold_*/recipe.json")
        return [Run(file.parent) for file in sorted(found)]

    def recipe(self) -> Recipe:
        """The recipe as it ran. Raises InputError where this is no run folder."""
        if not self.path.is_dir():
            raise InputError(f"{self.path}: expected a run folder. Received: no such folder")
        if not self.recipe_file.exists():
            raise InputError(f"{self.path}: not a run folder: no recipe.json in it")
        return config.from_json(read_json(self.recipe_file), str(self.recipe_file))

    def split(self) -> pd.DataFrame:
        """The records with their splits as they were trained on."""
        return splits.read_split(self.split_file)

    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the model's outputs."""
        return tuple(read_json_value(self.fingerprint_file, "classes"))

    def data(self) -> Path:
        """The data set as it was given: a folder or a CSV."""
        return Path(read_json_value(self.environment_file, "data"))

    def data_root(self) -> Path:
        """The folder that the split's image paths are relative to."""
        return image_root(self.data())

    @property
    def test_log(self) -> Path:
        return self.path / "test_log.csv"

    def log_look(self, name: str, images: int) -> int:
        """Add a line to test_log.csv: measured on the set `name`; returns how often by now."""
        before = self.test_log.read_text(encoding="utf-8") if self.test_log.exists() else LOOKS
        date = datetime.now(UTC).isoformat(timespec="seconds")
        row = io.StringIO()
        csv.writer(row, lineterminator="\n").writerow([date, name, images, _commit(), command()])
        write_text(self.test_log, before + row.getvalue())
        return self.looks()[name]

    def looks(self) -> dict[str, int]:
        """{set: how often the run was measured on it}."""
        if not self.test_log.exists():
            return {}
        with self.test_log.open(encoding="utf-8", newline="") as file:
            return dict(Counter(row["set"] for row in csv.DictReader(file)))

    def predicted(self) -> list[str]:
        """Names of the splits and external data sets that there are predictions of, sorted."""
        files = self.path.glob("predictions_*.csv")
        return sorted(file.stem.removeprefix("predictions_") for file in files)

    def stamps(self) -> list[str]:
        """What every output of this run must say about itself, most serious first."""
        external = [name for name in self.predicted() if name not in SPLITS]
        missing = [] if external else ["NO EXTERNAL TEST"]
        return [*self.known_stamps(), *missing, "NOT A MEDICAL DEVICE"]

    def known_stamps(self) -> list[str]:
        """Stamps that follow from the recipe and the split, and stay."""
        return read_json_value(self.fingerprint_file, "stamps")

    def discard(self) -> None:
        """Remove a run that failed before there was anything to go on with."""
        shutil.rmtree(self.path, ignore_errors=True)


def create(path: Path, recipe: Recipe, records: pd.DataFrame, classes: tuple, data: Path) -> None:
    """Start a run folder: recipe, environment, split and fingerprint.

    Args:
        data: the data set's folder or CSV.

    Raises:
        InputError: the folder exists, or cannot be written to.
    """
    check_new(path, NEW_OR_RESUME)
    make_folder(path)
    run = Run(path)
    stamped = {
        "classes": list(classes),
        "stamps": stamps(recipe, records) + packed_stamps(image_root(data)),
    }
    try:
        splits.write_split(records, run.split_file)
        write_json(run.fingerprint_file, stamped | splits.fingerprint(records))
        write_json(run.environment_file, environment(data))
        write_json(run.recipe_file, config.to_json(recipe))
    except InputError:
        run.discard()
        raise


def check_new(path: Path, instead: str) -> None:
    """Raise InputError, with what to do instead, unless `path` is nothing or an empty folder."""
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise InputError(f"{path}: run folder exists: {instead}")


def write_beside(folder: Run, run: Run, stamps: list[str], **said: object) -> None:
    """Say in a folder that has predictions only what they are: environment.json, and
    fingerprint.json with the classes of `run`, the stamps, and `said`."""
    write_json(folder.environment_file, environment(run.data()))
    classes = list(run.classes())
    write_json(folder.fingerprint_file, {"classes": classes, "stamps": stamps} | said)


def stamps(recipe: Recipe, records: pd.DataFrame) -> list[str]:
    """Warnings that follow from the recipe and the split alone, most serious first."""
    found = []
    if recipe.data.dataset.startswith("phantom"):
        found.append("PHANTOM: synthetic images, not patients")
    if splits.is_image_level(records):
        found.append("IMAGE-LEVEL SPLIT: one patient may be in train and test; scores are too high")
    baseline = source_baseline(records)
    if baseline and baseline.balanced >= CONFOUNDED:
        found.append(f"SOURCE-CONFOUNDED: {baseline}")
    if recipe.scaled:
        found.append("SCALED to run without a GPU: not the paper's settings")
    elif recipe.changes:
        found.append("CHANGED: not the paper's settings")
    return found


def command() -> str:
    """What was typed to start this process, as far as it can be known."""
    program = Path(sys.argv[0])
    script = program.suffix == ".py" and program.stem != "__main__"
    return shlex.join([*(("python", sys.argv[0]) if script else ("covid-keras",)), *sys.argv[1:]])


def environment(root: Path | None) -> dict:
    """Where and with what this process runs, on the data in `root`; None is the phantom."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command(),
        "data": str(root.resolve()) if root else "phantom",
        "covid_keras": covid_keras.__version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "backend": backend(),
        "packages": _versions(),
    }


def _versions() -> dict[str, str]:
    installed = {}
    for name in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            installed[name] = importlib.metadata.version(name)
    return installed


def _commit() -> str | None:
    """The commit of the source tree, with "+changes" if it differs, or None outside of one."""
    folder = Path(__file__).parent
    ask = ["git", "-C", str(folder), "describe", "--always", "--dirty=+changes", "--abbrev=40"]
    try:
        answer = subprocess.run(ask, capture_output=True, text=True, timeout=10, check=False)
    except FileNotFoundError:
        return None
    return answer.stdout.strip() or None
