"""The run folder: the one place that knows its file names.

A run folder holds what is needed to repeat the run and to audit its result. No file is ever
half-written.
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from covid_keras.datasets import splits
from covid_keras.datasets.archive import packed_stamps
from covid_keras.datasets.hashes import file_hashes, warn_of_copies
from covid_keras.datasets.label_files import SPLITS
from covid_keras.datasets.records import image_root
from covid_keras.recipes import config
from covid_keras.recipes.config import Recipe
from covid_keras.runs.environment import command, commit, date, environment
from covid_keras.runs.kept import Kept
from covid_keras.runs.rules import check_settings
from covid_keras.runs.stamps import NO_EXTERNAL_TEST, NOT_A_DEVICE, stamps_of
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import (
    is_empty,
    make_folder,
    read_json,
    read_json_value,
    sha256,
    visible,
    write_json,
    write_text,
)
from covid_keras.utils.shape import check_shape
from covid_keras.utils.text import csv_text, plain_cell

NEW_OR_RESUME = "give another --out, or --resume to continue it"


def _file(name: str) -> property:
    """Return a property: the path of a file or folder in the run folder."""
    return property(lambda run: run.path / name)


def _folder(name: str) -> property:
    """Return a property: a folder of other predictions in the run folder, with the same names."""
    return property(lambda run: Run(run.path / name))


@dataclass(frozen=True)
class Run:
    """A run folder: its paths, and its small files read and written. It is path-like.

    Args:
        path: the folder.

    Example:
        >>> import covid_keras
        >>> run = covid_keras.Run(Path(run))
        >>> run.classes()
        ('bright', 'dark')
        >>> run.recipe().training.steps
        12
    """

    path: Path

    recipe_file = _file("recipe.json")
    environment_file = _file("environment.json")
    fingerprint_file = _file("fingerprint.json")
    split_file = _file("split.csv")
    log_file = _file("log.csv")
    last_checkpoint = _file("checkpoints/last.npz")
    best_checkpoint = _file("checkpoints/best.npz")
    model_file = _file("model.keras")
    metrics_file = _file("metrics.json")
    external_file = _file("external.json")
    test_log = _file("test_log.csv")
    plan_file = _file("plan.json")
    figures = _file("figures")
    gradcam = _file("gradcam")
    explained = _file("explained")
    maps_file = _file("gradcam/maps.json")
    ablations = _file("ablations")
    shortcuts = _file("shortcuts")
    report_file = _file("report.html")
    card_file = _file("card.md")
    test_time_augmentation = _folder("test_time_augmentation")
    metadata_baseline = _folder("metadata_baseline")

    @classmethod
    def of(cls, model: Path) -> "Run":
        """Return the run that a run folder, or the model.keras in one, belongs to.

        Raises:
            InputError: another .keras file, which no recipe describes.
        """
        if model.suffix != ".keras":
            return cls(model)
        file = model if model.name == "model.keras" else model.resolve()
        if file.name != "model.keras":
            raise InputError(f"{model}: expected a run folder, or the model.keras in one")
        return cls(file.parent)

    def __fspath__(self) -> str:
        """Return the folder, so that `Path(run)` and `open` take a run."""
        return str(self.path)

    def __str__(self) -> str:
        """Return path, recipe and stamps, in a few lines."""
        members = self.members
        run = members[0] if members else self
        lines = [str(self.path)]
        if members:
            lines.append(f"runs: {', '.join(str(m.path.relative_to(self.path)) for m in members)}")
        if run.recipe_file.exists():
            recipe = run.recipe()
            lines.append(f"recipe: {recipe.name}, {recipe.model.name} on {recipe.data.dataset}")
        if run.fingerprint_file.exists():
            lines += [f"!! {stamp}" for stamp in run.stamps()]
        return "\n".join(lines)

    def _repr_pretty_(self, printer, cycle: bool) -> None:
        """Show `str(self)` in a notebook."""
        printer.text(str(self))

    def predictions_file(self, split: str) -> Path:
        """Return the file of the predictions on a split or an external data set."""
        return self.path / f"predictions_{split}.csv"

    def maps(self, method: str) -> Path:
        """Return the folder of the maps of a method; that of Grad-CAM is `gradcam`."""
        return self.path / method

    def uncertainty_file(self, split: str) -> Path:
        """Return the file of the uncertainty of the predictions on a split."""
        return self.path / f"uncertainty_{split}.csv"

    @property
    def members(self) -> list["Run"]:
        """Return the runs in fold_N, seed_N and seed_N/fold_N; empty for a single run."""
        if self.recipe_file.exists():
            return []
        patterns = ("fold_*/recipe.json", "seed_*/recipe.json", "seed_*/fold_*/recipe.json")
        files = [file for pattern in patterns for file in self.path.glob(pattern)]
        return [Run(file.parent) for file in sorted(files)]

    def augmented_samples(self) -> dict[str, int]:
        """Return {set with test-time augmentation: samples per image}."""
        folder = self.test_time_augmentation
        if not folder.fingerprint_file.exists():
            return {}
        known = read_json(folder.fingerprint_file)
        check_shape(known, {"samples": {str: int}}, str(folder.fingerprint_file))
        predicted = folder.predicted()
        counts = known["samples"]
        return {name: count for name, count in counts.items() if name in predicted}

    def recipe(self) -> Recipe:
        """Return the recipe as it ran. Raises InputError if this is not a run folder."""
        self.check_exists()
        if not self.recipe_file.exists():
            raise InputError(f"{self.path}: not a run folder: no recipe.json in it")
        known = self.environment_file.exists()
        version = str(read_json_value(self.environment_file, "covid_keras")) if known else ""
        if version.startswith("0.1."):
            raise InputError(
                f"{self.path}: expected a run of covid_keras 0.2 or newer. Received: one of"
                f" {version}; train it again, or use that version"
            )
        return config.from_json(read_json(self.recipe_file), str(self.recipe_file))

    def split(self, *names: str) -> pd.DataFrame:
        """Return the records with the splits that were used, or only those of these splits."""
        records = splits.read_split(self.split_file)
        return records[records["split"].isin(names)] if names else records

    def classes(self) -> tuple[str, ...]:
        """Return the class names in the order of the network's outputs."""
        return tuple(read_json_value(self.fingerprint_file, "classes", list))

    def has_val(self) -> bool:
        """Return whether some of the images are val."""
        return "val" in read_json_value(self.fingerprint_file, "images", dict)

    def lacks_val(self) -> bool:
        """Return whether the run is trained, has val images, and has not predicted them."""
        predicted = self.predictions_file("val").exists()
        return self.model_file.exists() and self.has_val() and not predicted

    def fold(self) -> str:
        """Return the number of the fold that is the test split, "" without cross-validation."""
        data = self.recipe().data
        return str(data.fold) if data.split == "kfold" else ""

    def data(self) -> Path:
        """Return the data set as it was given: a folder or a CSV."""
        return Path(read_json_value(self.environment_file, "data", str))

    def data_root(self) -> Path:
        """Return the folder that the split's image paths are relative to."""
        return image_root(self.data())

    def log_look(self, name: str, images: int) -> int:
        """Add a measurement on the set `name` to test_log.csv; return how many there are now."""
        look = {"date": date(), "set": name, "images": images}
        look |= {"commit": commit(), "command": command()}
        table = pd.concat([self.look_table(), pd.DataFrame([look])])
        write_text(self.test_log, csv_text(table))
        return self.looks()[name]

    def looks(self) -> dict[str, int]:
        """Return {set: how often the run was measured on it}."""
        looks = self.look_table()
        return looks["set"].value_counts(sort=False).to_dict() if len(looks) else {}

    def look_dates(self, name: str) -> list[str]:
        """Return when the run was measured on the set, in ISO format, the first time first."""
        looks = self.look_table()
        return sorted(looks.loc[looks["set"] == name, "date"]) if len(looks) else []

    def look_table(self) -> pd.DataFrame:
        """Return test_log.csv as text, a row for each measurement; empty without any."""
        if not self.test_log.exists():
            return pd.DataFrame()
        try:
            table = pd.read_csv(self.test_log, dtype=str, keep_default_na=False)
        except ValueError as error:  # of pandas, empty or with rows of other lengths
            raise InputError(
                f"{self.test_log}: cannot read: {' '.join(str(error).split())}"
            ) from None
        if "set" not in table:
            raise InputError(f"{self.test_log}: expected the column set. Received: {[*table]}")
        return table.map(plain_cell)

    def predicted(self) -> list[str]:
        """Return the sorted names of the splits and external data sets with predictions."""
        files = visible(self.path, "predictions_*.csv")
        return sorted(file.stem.removeprefix("predictions_") for file in files)

    def stamps(self) -> list[str]:
        """Return the stamps of every output of this run, most serious first."""
        external = [name for name in self.predicted() if name not in SPLITS]
        missing = [] if external else [NO_EXTERNAL_TEST]
        return [*self.known_stamps(), *missing, NOT_A_DEVICE]

    def known_stamps(self) -> list[str]:
        """Return the stamps that follow from the recipe and the split, and never change."""
        return read_json_value(self.fingerprint_file, "stamps", list)

    def check_exists(self) -> None:
        """Raise InputError if there is no such folder."""
        if not self.path.is_dir():
            raise InputError(f"{self.path}: expected a run folder. Received: no such folder")

    def check(self) -> None:
        """Raise InputError unless the files are those that belong together, with valid settings.

        fingerprint.json holds the SHA-256 of recipe, classes and split, and of the trained network.
        """
        recipe = self.recipe()
        try:
            check_settings(recipe)
            if min(recipe.training.steps, recipe.training.eval_every) < 1:
                raise InputError("training.steps, training.eval_every: expected 1 or more")
        except InputError as error:
            raise InputError(f"{self.recipe_file}: {error}") from None
        expected = read_json_value(self.fingerprint_file, "hashes", dict)
        received = _hashes(read_json(self.recipe_file), self.classes(), self.split_file)
        files = {"recipe": self.recipe_file, "split": self.split_file}
        if self.model_file.exists():
            received["network"], files["network"] = sha256(self.model_file), self.model_file
        for part, found in received.items():
            if expected.get(part) != found:
                raise InputError(
                    f"{files.get(part, self.fingerprint_file)}: expected the {part} of this run, by"
                    f" fingerprint.json {str(expected.get(part))[:12]}. Received: {found[:12]}"
                )

    def tie_model(self, file: Path, kept: Kept) -> None:
        """Note the trained network's hash and step, before the file becomes model.keras."""
        fingerprint = read_json(self.fingerprint_file) | {"kept": asdict(kept)}
        fingerprint["hashes"]["network"] = sha256(file)
        write_json(self.fingerprint_file, fingerprint)

    def discard(self) -> None:
        """Remove a run that failed before its first checkpoint."""
        shutil.rmtree(self.path, ignore_errors=True)


def create(path: Path, recipe: Recipe, records: pd.DataFrame, classes: tuple, data: Path) -> Run:
    """Create a run folder: recipe, environment, split and fingerprint.

    Args:
        path: a new or empty folder.
        recipe: settled, as it will run.
        records: with their splits.
        classes: names in the order of the network's outputs.
        data: the data set's folder or CSV.

    Raises:
        InputError: the folder is not empty, or cannot be written to.
    """
    check_new(path, NEW_OR_RESUME)
    make_folder(path)
    run = Run(path)
    stamps = stamps_of(recipe, records) + packed_stamps(image_root(data))
    fingerprint = {"classes": list(classes), "stamps": stamps} | splits.fingerprint(records)
    try:
        hashes = file_hashes(image_root(data), records["image"].tolist())
        warn_of_copies(records, hashes)
        splits.write_split(records.assign(**{splits.HASH: hashes}), run.split_file)
        fingerprint["hashes"] = _hashes(config.to_json(recipe), classes, run.split_file)
        write_json(run.fingerprint_file, fingerprint)
        write_json(run.environment_file, environment(data))
        write_json(run.recipe_file, config.to_json(recipe))
    except InputError:
        run.discard()
        raise
    return run


def _hashes(recipe: dict, classes: Sequence[str], split_file: Path) -> dict[str, str]:
    """Return the SHA-256 of the parts that belong together from the beginning."""
    values = {"recipe": recipe, "classes": list(classes)}
    texts = {part: json.dumps(value, sort_keys=True) for part, value in values.items()}
    hashes = {part: hashlib.sha256(text.encode()).hexdigest() for part, text in texts.items()}
    return hashes | {"split": sha256(split_file)}


def check_new(path: Path, advice: str) -> None:
    """Raise InputError with this advice unless `path` is an empty folder or does not exist."""
    if path.exists() and not (path.is_dir() and is_empty(path)):
        raise InputError(f"{path}: run folder exists: {advice}")
    if path.suffix in (".keras", ".json", ".csv"):
        raise InputError(f"{path}: expected a folder for the run. Received: the name of a file")


def describe_predictions(folder: Run, run: Run, stamps: list[str], **notes: object) -> None:
    """Write environment.json and fingerprint.json of a folder that holds only predictions.

    Their classes and data are those of `run`; `notes` are more entries of fingerprint.json.
    """
    write_json(folder.environment_file, environment(run.data()))
    fingerprint = {"classes": list(run.classes()), "stamps": stamps}
    write_json(folder.fingerprint_file, fingerprint | notes)
