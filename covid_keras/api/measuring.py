"""What `evaluate`, `compare` and `ensemble` do. Heavy imports stand inside the functions."""

import logging
from argparse import Namespace
from pathlib import Path

from covid_keras.utils.errors import InputError
from covid_keras.utils.text import say_next

_log = logging.getLogger(__name__)


def evaluate(options: Namespace) -> None:
    """Predict a split or another data set, and measure."""
    from covid_keras.evaluation import measure
    from covid_keras.metrics.results import Metrics
    from covid_keras.runs.folder import Run
    from covid_keras.runs.inference import load_trained

    name = options.dataset or options.split
    _check_evaluate(options, name)
    trained = load_trained(options.model)
    run = Run(options.model)
    images = _predict_asked(run, trained, options)
    looks = 0 if name in ("train", "val") else run.log_look(name, images)
    if options.ablations:
        from covid_keras.evaluation.ablations import ablate

        ablate(run, trained, options.masks)
    if name == "test":
        _write_baseline(run)
    metrics = measure.measure(run, options.prevalence)
    print(Metrics.of_set(metrics, name))
    if looks:
        print(f"{name} was measured {looks} times by now" if looks > 1 else f"first look at {name}")
    print(f"wrote {run.predictions_file(name)}, {run.metrics_file.name} and figures/")
    say_next("explain", run.path)


def _check_evaluate(options: Namespace, name: str) -> None:
    from covid_keras.metrics import prevalence

    if (options.dataset is None) != (options.data is None):
        raise InputError("--dataset and --data go together: an external test needs both")
    if options.map and not options.dataset:
        raise InputError("--map: only for another data set, with --dataset and --data")
    if options.ablations and name != "test":
        raise InputError("--ablations: only of the run's own test split")
    if options.masks and not options.ablations:
        raise InputError("--masks: only with --ablations")
    if options.prevalence is not None:
        prevalence.check(options.prevalence)


def _write_baseline(run) -> None:
    """Write the metadata baseline of test; warn if a train image is missing."""
    from covid_keras.evaluation.metadata_baseline import write_metadata_baseline

    if run.metadata_baseline.predictions_file("test").exists():
        return
    try:
        write_metadata_baseline(run)
    except InputError as error:
        _log.warning("the metadata baseline is left out: %s", error)


def _predict_asked(run, trained, options: Namespace) -> int:
    """Predict the split or the other data set that the options name; returns how many images."""
    from covid_keras.datasets.records import image_root
    from covid_keras.evaluation.masks import with_masks
    from covid_keras.evaluation.test_time_augmentation import check_samples, predict_augmented

    if options.augmented is not None:
        check_samples(trained, options.augmented)
    if options.dataset:
        name, root = options.dataset, image_root(options.data)
        records = _external(trained, options)
        _check_external(run, name, records, root)
        stale = run.test_time_augmentation  # perhaps of other images, under the same name
        stale.predictions_file(name).unlink(missing_ok=True)
        stale.uncertainty_file(name).unlink(missing_ok=True)
    else:
        name, root, records = options.split, run.data_root(), run.split()
        records = records[records["split"] == name]
    if options.masks:
        with_masks(records, options.masks)
    plain = predict_set(run, trained, name, records, root)
    if options.augmented is not None:
        predict_augmented(run, trained, name, plain, records, root, options.augmented)
    return len(records)


def _external(trained, options: Namespace):
    """The other data set's records, under the run's class names."""
    from covid_keras.datasets.records import classes_of, load_records, renamed, told_apart

    records = load_records(options.dataset, options.data)
    classes = classes_of(options.dataset, records)
    records, _ = told_apart(records, classes, trained.recipe.data.positive)
    before = records["label"]
    records = renamed(records, trained.classes, options.map)
    _say_map(before, options.map)
    return records


def _check_external(run, name: str, records, root: Path) -> None:
    """Raise InputError where the network was trained on these images, or on copies of them."""
    own = run.split()
    own = own[own["split"].isin(("train", "val"))]
    shared = len(set(own["image"]) & set(records["image"]))
    same_set = run.recipe().data.dataset == name != "folder"
    if shared and (same_set or root.resolve() == run.data_root().resolve()):
        raise InputError(
            f"--data {root}: expected another data set, for an external test. Received: the run's"
            f" own, with {shared:,} images that it was trained on"
        )


def _say_map(before, pairs: list[str]) -> None:
    """Print what became of another data set's labels."""
    names = dict(pair.split("=", 1) for pair in pairs)
    for label, count in before.value_counts(sort=False).items():
        ours = names.get(label, label)
        said = f"counts as {ours}" if ours else "is left out"
        print(f"label {label} {said}: {count:,} images")


def compare(options: Namespace) -> None:
    """Two runs on the same images."""
    from covid_keras.metrics.text import comparison_table
    from covid_keras.runs.folder import Run
    from covid_keras.runs.predictions import read_predictions

    folders = Run(options.first), Run(options.second)
    both = [read_predictions(run.predictions_file(options.split)) for run in folders]
    for stamp in dict.fromkeys(stamp for run in folders for stamp in run.stamps()):
        print(f"!! {stamp.upper()}")
    images = len(both[0].labels)
    print(f"\n{options.split}: {images:,} images; first {options.first}, second {options.second}\n")
    print(comparison_table(*both, ("first", "second")))


def ensemble(options: Namespace) -> None:
    """The mean of several runs."""
    from covid_keras.evaluation import measure
    from covid_keras.evaluation.ensemble import gains, join
    from covid_keras.metrics.results import Metrics
    from covid_keras.metrics.text import gain_lines, wrapped
    from covid_keras.runs.folder import Run, check_new
    from covid_keras.utils.files import atomic_folder

    check_new(options.out, "give another --out")
    with atomic_folder(options.out) as temporary:
        folder = Run(temporary)
        joined = join([Run(path) for path in options.models], folder)
        for name in joined.sets:
            if name != "val":
                folder.log_look(name, len(joined.sets[name][0].labels))
        metrics = measure.measure_mean(folder)
        leads = gains(joined, folder)
    for name, why in joined.left_out.items():
        print(f"{name} is left out: {why}")
    for name, lead in leads.items():
        print(Metrics.of_set(metrics, name))
        print("\n".join(wrapped(gain_lines(options.models, lead))))
    print(f"wrote {options.out}: predictions, uncertainty, metrics.json and figures/")
    say_next("report", options.out)


def predict_val(run) -> None:
    """Write the predictions of val, by the run's model.keras."""
    from covid_keras.runs.inference import load_trained

    val = run.split()
    val = val[val["split"] == "val"]
    predict_set(run, load_trained(run.path), "val", val, run.data_root())


def predict_set(run, trained, name: str, records, root: Path):
    """Write predictions_<name>.csv and uncertainty_<name>.csv; returns the predictions."""
    from covid_keras.runs.inference import probabilities
    from covid_keras.runs.predictions import read_predictions, write_predictions, write_uncertainty

    outputs = probabilities(trained, trained.slices(records, root), name)
    write_predictions(run.predictions_file(name), records, outputs, trained.classes)
    predictions = read_predictions(run.predictions_file(name))
    write_uncertainty(run.uncertainty_file(name), predictions)
    return predictions
