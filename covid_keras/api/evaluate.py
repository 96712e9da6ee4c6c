"""Predict a set of images with a trained run, and measure the predictions."""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from covid_keras.datasets.label_files import SPLITS
from covid_keras.datasets.records import image_root
from covid_keras.evaluation.ablations import ablate, with_masks
from covid_keras.evaluation.baselines import write_metadata_baseline
from covid_keras.evaluation.feature_probes import probe_features
from covid_keras.evaluation.known_columns import check_columns
from covid_keras.evaluation.matched_test import match_test
from covid_keras.evaluation.members import measure_members
from covid_keras.evaluation.run_metrics import measure_run
from covid_keras.evaluation.sets import (
    default_name,
    external_records,
    keep_apart,
    predict_set,
    warn_of_replaced,
)
from covid_keras.evaluation.test_time_augmentation import check_samples, predict_augmented
from covid_keras.metrics import prevalence as at_prevalence
from covid_keras.metrics.claims import parse
from covid_keras.metrics.results import Metrics
from covid_keras.runs.inference import load_trained
from covid_keras.runs.run import Run
from covid_keras.utils.errors import InputError
from covid_keras.utils.locks import locked

_log = logging.getLogger(__name__)


def evaluate(
    run: str | os.PathLike,
    *,
    split: str = "test",
    dataset: str | None = None,
    data: str | Path | None = None,
    name: str | None = None,
    label_map: Mapping[str, str] | None = None,
    prevalence: float | None = None,
    ablations: bool = False,
    masks: str | Path | None = None,
    augmented: int | None = None,
    probes: bool = False,
    negative_control: str | None = None,
    match: Sequence[str] = (),
    figures: Literal["pdf"] | None = None,
    require: Sequence[str] = (),
) -> Metrics:
    """Predict a split, or another data set as external test; write metrics.json and figures.

    Args:
        run: a trained run, or its folder; a folder of folds or seeds evaluates each of them.
        split: "train", "val" or "test" of the run's own data.
        dataset: another data set, a name of the catalogue; needs `data`.
        data: the other data set's folder or CSV.
        name: what the other data set is called in the run folder; None is `dataset`, or the name
            of the folder of your own images.
        label_map: {a label of the other data set: a class of the run, or "" to leave it out}.
        prevalence: PPV and NPV of the last class at this prevalence, in (0, 1).
        ablations: also predict the test images with parts blacked out.
        masks: folder with lung masks named like the images, for `ablations`.
        augmented: also average over so many augmented samples of each image.
        probes: also test whether source, sex, age, scanner and view can be read from the features
            of the test images.
        negative_control: with `probes`, a column that no image can tell; it must probe at chance.
        match: also score test images that are matched one to one in these columns, such as age and
            sex.
        figures: "pdf" writes the figures as PDF too, beside PNG and SVG.
        require: claims to judge, such as "auc.low > 0.8" or "no-leaks"; the verdicts are `claims`.

    Returns:
        The metrics of the set, with 95 % intervals; of folds or seeds mean, lowest and highest, and
        of folds the scores of all answers together as `pooled`.

    Raises:
        InputError: an unfinished run, contradicting arguments, or an image that cannot be read.

    Example:
        >>> import covid_keras
        >>> metrics = covid_keras.evaluate(run)
        >>> 0 <= metrics["accuracy"]["value"] <= 1
        True
    """
    run = Run(Path(run))
    claims = [parse(text, filter(None, [name])) for text in require]
    if dataset:
        name = name or default_name(dataset, data)
    _check(dataset, data, name, label_map)
    analyses = {"ablations": ablations, "probes": probes, "match": match}
    _check_analyses(analyses, masks, negative_control, own_test=not dataset and split == "test")
    if prevalence is not None:
        at_prevalence.check(prevalence)
    if members := run.members:
        options = {"split": split, "dataset": dataset, "data": data, "name": name}
        options |= {"label_map": label_map, "prevalence": prevalence, "ablations": ablations}
        options |= {"masks": masks, "augmented": augmented, "figures": figures}
        options |= {"probes": probes, "negative_control": negative_control, "match": match}
        measured = [evaluate(member, **options)["set"] for member in members]
        with locked(run.path):
            return Metrics.of_set(measure_members(run, {measured[0]: claims}), measured[0])
    trained = load_trained(run.path)
    if prevalence is not None and not trained.recipe.data.positive:
        classes = ", ".join(trained.classes)
        raise InputError(
            "prevalence: expected a run with a positive class (train --positive CLASS)."
            f" Received: one of the classes {classes}, none of them named as it"
        )
    if augmented is not None:
        check_samples(trained, augmented)
    check_columns(run, [*match, *filter(None, [negative_control])])
    with locked(run.path):
        if dataset:
            root = image_root(data)
            records = external_records(run, trained, dataset, Path(data), label_map or {})
            keep_apart(run, name, records, root)
            stale = run.test_time_augmentation  # may be of other images under the same name
            stale.predictions_file(name).unlink(missing_ok=True)
            stale.uncertainty_file(name).unlink(missing_ok=True)
        else:
            name, root, records = split, run.data_root(), run.split(split)
            if records.empty:
                raise InputError(f"split: expected one that {run.path} has. Received: {split}")
            warn_of_replaced(run)
        if masks:
            with_masks(records, Path(masks))
        plain = predict_set(run, trained, name, records, root)
        if augmented is not None:
            predict_augmented(run, trained, name, plain, records, root, augmented)
        if name not in ("train", "val"):
            looks = run.log_look(name, len(records))
            _log.info("%s: evaluation number %d of this run on %s", run.path, looks, name)
        if ablations:
            ablate(run, trained, Path(masks) if masks else None)
        if probes:
            probe_features(run, trained, negative_control)
        if match:
            match_test(run, match)
        if name == "test" and not run.metadata_baseline.predictions_file("test").exists():
            try:
                write_metadata_baseline(run)
            except InputError as error:  # a train image is missing
                _log.warning("the metadata baseline is left out: %s", error)
        return Metrics.of_set(measure_run(run, prevalence, figures, {name: claims}), name)


def _check(dataset, data, name, label_map) -> None:
    """Raise InputError where the arguments contradict each other."""
    if (dataset is None) != (data is None):
        raise InputError(
            "dataset and data: expected both or neither (--dataset folder: images of your own)."
            " Received: one of them"
        )
    if (label_map or name) and not dataset:
        raise InputError("label_map, name: only for another data set (dataset and data)")
    if name is not None and (name in SPLITS or name.startswith(".") or "/" in name or not name):
        raise InputError(
            "name: expected a plain name that is no split, to call the data set by (--name)."
            f" Received: {name!r}"
        )


def _check_analyses(analyses, masks, negative_control, own_test: bool) -> None:
    """Raise InputError where an analysis of the own test split is asked of another set, or its
    option without it."""
    for name, asked in analyses.items():
        if asked and not own_test:
            raise InputError(f"{name}: expected the run's own test split. Received: another set")
    if masks and not analyses["ablations"]:
        raise InputError("masks: only with ablations")
    if negative_control and not analyses["probes"]:
        raise InputError("negative_control: only with probes")
