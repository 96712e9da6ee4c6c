"""The facts of a run folder that the HTML page and the model card share."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from covid_keras.datasets.label_files import SPLITS
from covid_keras.metrics.map_sentences import map_summary
from covid_keras.metrics.sentences import beside, beside_lines
from covid_keras.metrics.shortcut_sentences import shortcuts
from covid_keras.runs.kept import Kept
from covid_keras.runs.map_methods import METHODS
from covid_keras.runs.metrics_file import read_metrics
from covid_keras.runs.run import Run
from covid_keras.runs.training import training_facts
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import read_json, visible
from covid_keras.utils.shape import Shape, check_shape
from covid_keras.utils.text import plain_cell, shell, short_path

NOT_A_DEVICE = "not a medical device"
NOT_KNOWN = "not known"
_FINGERPRINT = {"stamps?": [str], "classes?": [str], "members?": [str]}
_RECIPE = {"changes?": [str], "training?": {}, "augmentation?": {}}
"""The values of these files that pages read as more than text."""


@dataclass(frozen=True)
class RunSummary:
    """The parts of a run folder; {} or empty where a file is missing."""

    folder: Run
    recipe: dict
    environment: dict
    fingerprint: dict
    metrics: dict
    counts: pd.DataFrame
    """One row per split and class: split, label, images, patients ("not known" without ids)."""
    figures: tuple[Path, ...]
    panels: dict[str, tuple[Path, ...]]
    """{method: its panels to show}: of those drawn during training, only the last. The default
    method is the first; those without a panel are left out."""
    missing: tuple[tuple[str, str], ...]
    """(file name, the command that writes it) of each missing part."""

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.path.resolve().name

    @property
    def title(self) -> str:
        """What the folder holds, and its name."""
        if self.measured:
            return f"Predictions of another program: {self.measured}"
        kind = "Ensemble" if "members" in self.fingerprint else "Run"
        return f"{kind} {self.name}"

    @property
    def lead(self) -> str:
        """Which network it is, on which data, and the recipe, which may name others."""
        if not self.recipe:
            return ""
        recipe = f"ecipe {self.recipe['name']}: {self.recipe['title']}"
        if not (training := self.metrics.get("training")):
            return f"R{recipe}"
        return f"{training['network']} on {training['dataset']}, by the r{recipe}"

    @property
    def measured(self) -> str:
        """Of measured predictions of another program: the name of their table; else ""."""
        return self.fingerprint.get("measured", "")

    @property
    def place(self) -> str:
        """The folder as a word of a command, to paste into a shell where the page was written."""
        return shell(short_path(str(self.folder.path.resolve())))

    @property
    def stamps(self) -> tuple[str, ...]:
        """Warnings that every output begins with; the last is "not a medical device"."""
        stamps = [*self.fingerprint.get("stamps", ()), *self.metrics.get("stamps", ())]
        kept = [stamp for stamp in stamps if stamp.lower() != NOT_A_DEVICE]
        return (*dict.fromkeys(kept), NOT_A_DEVICE)

    def stamp(self, start: str) -> str:
        """Return the stamp that starts with `start` (upper case), "" if there is none."""
        return next((stamp for stamp in self.stamps if stamp.upper().startswith(start)), "")

    def setting(self, key: str) -> str:
        """Return a setting of recipe.json, such as "training.batch", as text; "" if missing."""
        return flatten(self.recipe).get(key, "")

    @property
    def kept(self) -> str:
        """Which step's weights are tested, and why; "" if not known."""
        kept = self.fingerprint.get("kept")
        return str(Kept(**kept)) if kept else ""

    @property
    def seeds(self) -> str:
        """How many training runs the numbers rest on."""
        members = self.fingerprint.get("members", ())
        return f"This is the mean of {len(members)} runs" if members else "One run is one seed"

    @property
    def results(self) -> dict[str, dict]:
        """{evaluated set: its metrics}, the run's own splits first."""
        results = self.metrics.get("splits", {})
        return {name: results[name] for name in (*SPLITS, *self.external) if name in results}

    @property
    def main_set(self) -> str:
        """The set that the page begins with: test, else the first; "" if none was measured."""
        return next(iter([*self.held_out, *self.results]), "")

    @property
    def external(self) -> tuple[str, ...]:
        """Names of evaluated sets that are not the run's own splits."""
        return tuple(name for name in self.metrics.get("splits", {}) if name not in SPLITS)

    @property
    def held_out(self) -> dict[str, dict]:
        """The results of test and external sets, which had no part in training and selection."""
        return {name: r for name, r in self.results.items() if name not in ("train", "val")}

    def comparisons(self, name: str) -> list[str]:
        """Return lines on baselines, ablations and test-time augmentation of an evaluated set."""
        return beside_lines(beside(self.metrics, name))

    @property
    def maps(self) -> list[str]:
        """Whether the maps beat the centre prior, in sentences on each set."""
        sets = self.metrics.get("maps", {}).values()
        return [line for methods in sets if methods for line in map_summary(methods)]

    @property
    def class_names(self) -> list[str]:
        """Class names in the order of the model's outputs; [] if not known."""
        results = (result["classes"] for result in self.results.values())
        return self.fingerprint.get("classes") or next(results, [])

    @property
    def shortcuts(self) -> list[str]:
        """What probes of the features and the matched test found, in sentences."""
        return [sentence.text for sentence in shortcuts(self.metrics, "test")]

    @property
    def classes(self) -> str:
        """Class names as text; "" if not known."""
        return ", ".join(self.class_names)

    def class_place(self, name: str) -> int:
        """Return the place of a class, which gives it its colour; the last if it is not known."""
        names = self.class_names
        return names.index(name) if name in names else len(names)


def read_run(folder: str | Path) -> RunSummary:
    """Read a run folder; list what is missing.

    Raises:
        InputError: the folder does not exist, or a file in it is damaged.
    """
    run = Run(Path(folder))
    run.check_exists()
    fingerprint = _object(run.fingerprint_file, _FINGERPRINT)
    fingerprint |= _short({k: v for k, v in fingerprint.items() if k == "members"})
    panels = {method: _panels(run, method) for method in METHODS}
    return RunSummary(
        folder=run,
        recipe=_short(_object(run.recipe_file, _RECIPE)),
        environment=_short(_object(run.environment_file, {})),
        fingerprint=fingerprint,
        metrics=_metrics(run),
        counts=_counts(run.split_file),
        figures=tuple(visible(run.figures, "*.png")),
        panels={method: paths for method, paths in panels.items() if paths},
        missing=()
        if {"members", "measured"} & set(fingerprint)
        else _missing(run, fingerprint.get("images", SPLITS)),
    )


def _panels(run: Run, method: str) -> tuple[Path, ...]:
    drawn = visible(run.maps(method), "*.png")
    steps = [path for path in drawn if path.stem.startswith("step")]
    return tuple(path for path in drawn if path not in steps[:-1])


def flatten(values: Mapping, prefix: str = "") -> dict[str, str]:
    """Return {"training": {"batch": 64}} as {"training.batch": "64"}, for tables.

    None becomes "not known", an empty value "none".
    """
    flat = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        elif isinstance(value, list | tuple):
            flat[f"{prefix}{key}"] = ", ".join(map(str, value)) or "none"
        elif value is None:
            flat[f"{prefix}{key}"] = NOT_KNOWN
        else:
            flat[f"{prefix}{key}"] = "none" if value in ("", {}) else str(value)
    return flat


def _short(value: object) -> object:
    """Return JSON values with every path shortened."""
    if isinstance(value, dict):
        return {key: _short(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_short(part) for part in value]
    return short_path(value) if isinstance(value, str) else value


def _object(path: Path, shape: Shape) -> dict:
    """Read a JSON object of this shape; {} if there is no file."""
    value = read_json(path) if path.exists() else {}
    check_shape(value, shape, str(path))
    return value


def _metrics(run: Run) -> dict:
    """Read metrics.json; {} without it. What a run was trained on is added where it is missing."""
    if not run.metrics_file.exists():
        return {}
    metrics = read_metrics(run.metrics_file)
    if "training" not in metrics and run.recipe_file.exists():  # measured by an older version
        metrics["training"] = training_facts([run])
    return metrics


def _missing(run: Run, splits: Container[str]) -> tuple[tuple[str, str], ...]:
    training = (run.recipe_file, run.environment_file, run.fingerprint_file)
    predictions = [run.predictions_file(name) for name in ("val", "test") if name in splits]
    made_by = {
        "train": (*training, run.split_file, run.log_file),
        "evaluate": (*predictions, run.metrics_file, run.figures),
        "explain": (run.explained,),
    }
    parts = ((path, command) for command, paths in made_by.items() for path in paths)
    return tuple((path.name, command) for path, command in parts if not path.exists())


def _counts(path: Path) -> pd.DataFrame:
    """Count the images and patients of split.csv; the splits in the order of `SPLITS`."""
    rows = []
    if path.exists():
        try:
            table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
            records = table.map(plain_cell)
            others = sorted({*records["split"]} - {*SPLITS})
            splits = pd.Categorical(records["split"], [*SPLITS, *others])
            for (split, label), ids in records.groupby([splits, "label"], observed=True)["patient"]:
                patients = None if ids.eq("").any() else ids.nunique()
                rows.append([split, label, number(len(ids)), number(patients)])
        except (KeyError, ValueError) as error:
            raise InputError(f"{path}: expected records as CSV. Received: {error}") from None
    return pd.DataFrame(rows, columns=["split", "label", "images", "patients"])


def joined(*parts: object, by: str = "; ") -> str:
    """Join the parts that are not empty or False."""
    return by.join(filter(None, parts))


def named(values: Mapping[str, str]) -> str:
    """Return "name: value" of the values that are not empty, joined."""
    return joined(*(f"{name}: {value}" for name, value in values.items() if value))


def number(value: int | None) -> str:
    """Return "1,200" for 1200, "not known" for None."""
    return NOT_KNOWN if value is None else f"{value:,}"
