"""What a run folder says about itself: the facts that the HTML page and the model card share."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from covid_keras.utils.errors import InputError
from covid_keras.utils.files import read_json

NOT_A_DEVICE = "not a medical device"
MADE_BY = {
    "recipe.json": "train",
    "environment.json": "train",
    "fingerprint.json": "train",
    "split.csv": "train",
    "log.csv": "train",
    "predictions_val.csv": "evaluate",
    "predictions_test.csv": "evaluate",
    "metrics.json": "evaluate",
    "figures": "evaluate",
    "gradcam": "explain",
}
"""The command that writes each part of a run folder."""
OWN_SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class RunSummary:
    """The parts of a run folder; {} or empty where a file is not there."""

    folder: Path
    recipe: dict
    environment: dict
    fingerprint: dict
    metrics: dict
    counts: pd.DataFrame
    """One row a split and class: split, label, images, patients (str; "not known" without ids)."""
    figures: tuple[Path, ...]
    gradcam: tuple[Path, ...]
    """The panels to show: of those drawn during training, the last only."""
    missing: tuple[str, ...]
    """Sentences: what is not there yet and which command makes it."""

    @property
    def stamps(self) -> tuple[str, ...]:
        """What every output must say first; always ends with "not a medical device"."""
        stamps = [*self.fingerprint.get("stamps", ()), *self.metrics.get("stamps", ())]
        kept = [stamp for stamp in stamps if stamp.lower() != NOT_A_DEVICE]
        return (*dict.fromkeys(kept), NOT_A_DEVICE)

    @property
    def members(self) -> tuple[str, ...]:
        """The runs that an ensemble is the mean of; none for a run."""
        return tuple(self.fingerprint.get("members", ()))

    @property
    def seeds(self) -> str:
        """How many trainings stand behind the numbers."""
        if self.members:
            return f"This is the mean of {len(self.members)} runs"
        return "One run is one seed"

    @property
    def command(self) -> str:
        """The command of the training, "" where it is not known."""
        return self.environment.get("command", "")

    @property
    def splits(self) -> dict[str, dict]:
        """{split: what `evaluate` returned}."""
        return self.metrics.get("splits", {})

    @property
    def external(self) -> tuple[str, ...]:
        """Names of evaluated sets that are not the run's own splits."""
        return tuple(name for name in self.splits if name not in OWN_SPLITS)


def read_run(folder: str | Path) -> RunSummary:
    """Read a run folder; what is missing is listed, not invented.

    Raises:
        InputError: the folder does not exist, or a file in it is damaged.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: expected a run folder. Received: no such folder")
    fingerprint = _object(folder / "fingerprint.json")
    made = {} if fingerprint.get("members") else MADE_BY  # nothing trains or explains an ensemble
    gradcam = sorted((folder / "gradcam").glob("*.png"))
    steps = [path for path in gradcam if path.stem.startswith("step")]
    return RunSummary(
        folder=folder,
        recipe=_object(folder / "recipe.json"),
        environment=_object(folder / "environment.json"),
        fingerprint=fingerprint,
        metrics=_object(folder / "metrics.json"),
        counts=_counts(folder / "split.csv"),
        figures=tuple(sorted((folder / "figures").glob("*.png"))),
        gradcam=tuple(path for path in gradcam if path not in steps[:-1]),
        missing=tuple(
            f"{name}: not there yet: run covid-keras {command} {folder.name}"
            for name, command in made.items()
            if not (folder / name).exists()
        ),
    )


def flatten(values: Mapping, prefix: str = "") -> dict[str, str]:
    """{"training": {"batch": 64}} to {"training.batch": "64"}, for tables.

    None is "not known"; what is empty is "none".
    """
    flat = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        elif isinstance(value, list | tuple):
            flat[f"{prefix}{key}"] = ", ".join(map(str, value)) or "none"
        elif value is None:
            flat[f"{prefix}{key}"] = "not known"
        else:
            flat[f"{prefix}{key}"] = "none" if value in ("", {}) else str(value)
    return flat


def _object(path: Path) -> dict:
    """A JSON object, {} where there is no file."""
    if not path.exists():
        return {}
    value = read_json(path)
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected a JSON object. Received: {type(value).__name__}")
    return value


def _counts(path: Path) -> pd.DataFrame:
    columns = ["split", "label", "images", "patients"]
    if not path.exists():
        return pd.DataFrame(columns=columns)
    try:
        text = path.read_text(encoding="utf-8")
        table = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
        rows = [
            [split, label, f"{len(part):,}", _patients(part["patient"])]
            for (split, label), part in sorted(table.groupby(["split", "label"]), key=_place)
        ]
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: expected records as CSV. Received: {error}") from None
    return pd.DataFrame(rows, columns=columns)


def _place(group: tuple[tuple[str, str], pd.DataFrame]) -> tuple[int, str]:
    (split, label), _ = group
    return (*OWN_SPLITS, split).index(split), label


def _patients(ids: pd.Series) -> str:
    return f"{ids.nunique():,}" if (ids != "").all() else "not known"
