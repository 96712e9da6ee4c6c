"""A trained network to predict with: a run, or an export of it. Keras is imported for runs only."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from covid_keras.export import Outputs
from covid_keras.export.load import load_export
from covid_keras.export.notes import is_export
from covid_keras.metrics.input_check import InputCheck
from covid_keras.metrics.point import UNFITTED, OperatingPoint
from covid_keras.recipes.config import Recipe
from covid_keras.runs.evidence import Evidence, evidence
from covid_keras.runs.input_check_file import read_input_check
from covid_keras.runs.run import Run
from covid_keras.utils.backend import import_keras
from covid_keras.utils.errors import InputError

if TYPE_CHECKING:
    from covid_keras.runs.inference import Trained


@dataclass(frozen=True)
class Model:
    """What answers need: the network, how its images are prepared, and its evidence."""

    recipe: Recipe
    classes: tuple[str, ...]
    stamps: tuple[str, ...]
    evidence: Evidence
    network: Callable[[np.ndarray], Outputs]
    """From uint8 samples (B, h, w, 1) to probabilities, before scaling, and features."""
    input_check: InputCheck | None
    """None of a run with too few images of val."""
    trained: "Trained | None" = None
    """The layers; None of an export."""

    @property
    def point(self) -> OperatingPoint:
        """Return the run's operating point; `UNFITTED` for a run without val."""
        found = self.evidence.operating_point
        return UNFITTED if found is None else OperatingPoint(**found, images=0)


def load_model(path: Path, layers: bool = False) -> Model:
    """Load a run folder, the model.keras in one, or an export folder.

    Args:
        layers: whether Grad-CAM needs the layers and a feature map.

    Raises:
        InputError: it is none of these, or is damaged, or has no such layers.
    """
    if not path.exists():
        raise InputError(f"{path}: expected a run folder or an export. Received: no such file")
    if not is_export(path):
        return _run_model(path, layers)
    if layers:
        raise InputError(f"{path}: Grad-CAM needs the run folder; an export has no layers")
    notes, network = load_export(path)
    named = notes.recipe, notes.classes, notes.stamps
    check = read_input_check(path)
    return Model(*named, notes.evidence, lambda images: network(images.astype(np.float32)), check)


def _run_model(path: Path, layers: bool) -> Model:
    trained = _trained(path.resolve(), _state(path))
    from covid_keras.models import registry

    name, network = trained.recipe.model.name, trained.network
    if layers and (reason := registry.why_no_feature_map(name, network)):
        raise InputError(reason)
    run = Run.of(path)
    named = trained.recipe, trained.classes, tuple(trained.stamps)
    network, check = (lambda images: Outputs(**trained.answer(images))), read_input_check(run.path)
    return Model(*named, evidence(run), network, check, trained)


@lru_cache(maxsize=2)
def _trained(path: Path, state: tuple) -> "Trained":
    """Load a run once, for calls in a loop; `state` is other when it has changed."""
    import_keras()
    from covid_keras.runs.inference import load_trained

    return load_trained(path)


def _state(path: Path) -> tuple:
    """Return when the files of a run were written, and what it has predicted (its stamps)."""
    run = Run.of(path)
    files = (run.recipe_file, run.split_file, run.fingerprint_file, run.model_file)
    return *(file.stat().st_mtime_ns for file in files if file.exists()), *run.predicted()
