"""What each command does. Heavy imports stand inside the functions that need them."""

import shlex
from argparse import Namespace
from pathlib import Path

from covid_keras import recipes as recipe_book
from covid_keras import start
from covid_keras.errors import InputError
from covid_keras.progress import on_progress

TSNE_IMAGES = 1000
"""At most this many images of each split are drawn in the t-SNE figure."""


def recipes(options: Namespace) -> None:
    """List the recipes."""
    for recipe in recipe_book.RECIPES.values():
        print(f"{recipe.name:<14}{recipe.title}\n{'':<14}{recipe.citation}")
    print("\nnext: covid-keras train NAME")


def models(options: Namespace) -> None:
    """List the networks, or show all that is known of one."""
    from covid_keras.models import table

    if options.name:
        print(table.card(options.name))
        return
    print(table.table())
    print("\nnext: covid-keras models NAME")


def data_list(options: Namespace) -> None:
    """List the data sets, or show one card."""
    from covid_keras.data import catalogue

    if options.name:
        print(catalogue.get(options.name))
        return
    print("\n".join(catalogue.get(name).line() for name in catalogue.names()))
    print("\nnext: covid-keras data list NAME")


def data_verify(options: Namespace) -> int:
    """Check a data set on disk; 1 where there is a problem."""
    from covid_keras.data.verify import verify

    report = verify(options.name, options.data, on_progress=on_progress("verify"))
    for problem in report.problems:
        print(problem)
    print(report.table())
    return 1 if report.problems else 0


def data_phantom(options: Namespace) -> None:
    """Make a phantom."""
    from covid_keras.data.phantom import MAKERS

    name = f"phantom-{options.kind}"
    given = {"patients": options.patients, "slices": options.slices}
    given = {key: value for key, value in given.items() if value is not None}
    if options.kind != "ct" and "slices" in given:
        raise InputError(f"--slices {options.slices}: only for --kind ct")
    progress = on_progress("phantom")
    MAKERS[name](options.out, **given, seed=options.seed, on_progress=progress)
    print(f"wrote {options.out}: synthetic images, not patients")
    recipe = {"phantom-ct": "ct-bit", "phantom-xray": "xray-3class"}[name]
    _next("train", recipe, "--dataset", name, "--data", options.out, "--quick")


def data_fetch(options: Namespace) -> int:
    """Download a data set, or say what a person has to do."""
    from covid_keras.data.fetch import fetch

    out = options.out or Path("data") / options.name
    fetched = fetch(options.name, out)
    for file in fetched.files:
        print(f"wrote {file}")
    if fetched.instruction:
        print(fetched.instruction)
        return 1
    _next("data", "verify", options.name, "--data", out)
    return 0


def audit(options: Namespace) -> int:
    """Audit a data set; 1 where a finding makes scores on its split meaningless."""
    from covid_keras.audit import text
    from covid_keras.audit.audit import audit as look
    from covid_keras.audit.leaks import read_accepted
    from covid_keras.audit.write import write

    out = options.out or Path("audits") / options.name
    accepted = read_accepted(options.accept) if options.accept else ()
    progress = on_progress("audit")
    found = look(
        options.name,
        options.data,
        out / "scan",
        splits=options.splits,
        accepted=accepted,
        seed=options.seed,
        on_progress=progress,
    )
    print(text.screen(found))
    print(f"wrote {' and '.join(map(str, write(found, out)))}")
    if found.failed:
        return 1
    _next("train", "RECIPE", "--dataset", options.name, "--data", options.data)
    return 0


def train(options: Namespace) -> None:
    """Train a recipe into a run folder."""
    from covid_keras.runs import RunFolder

    run = RunFolder(options.out or start.default_run(options))
    if options.resume:
        start.check_resume(run, options)
    else:
        start.start(run, options)
    _say_stamps(run)
    print(f"run folder: {run.path}", flush=True)
    from covid_keras.inference import load_trained
    from covid_keras.training.fit import train as fit

    try:
        fit(run, resume=options.resume)
    except KeyboardInterrupt:
        print()
        _next("train", options.recipe, "--out", run.path, "--resume")
        raise
    except InputError:
        if not (options.resume or run.last_checkpoint.exists()):
            run.discard()
        raise
    val = run.split()
    _predict(run, load_trained(run.path), "val", val[val["split"] == "val"], run.data_root())
    print(f"wrote {run.model_file}, {run.predictions_file('val').name} and {run.log_file.name}")
    _next("evaluate", run.path)


def evaluate(options: Namespace) -> None:
    """Predict a split or another data set, and measure."""
    from covid_keras.evaluation import summary_table
    from covid_keras.evaluation.tables import beside_lines, wrapped
    from covid_keras.inference import load_trained
    from covid_keras.report import measure
    from covid_keras.runs import RunFolder

    name = options.dataset or options.split
    _check_evaluate(options, name)
    trained = load_trained(options.model)
    run = RunFolder(options.model)
    images = _predict_set(run, trained, options)
    if options.ablations:
        from covid_keras.explain.ablation import ablate

        ablate(run, trained, options.masks)
    if name == "test" and not run.pixel_free.path.exists():
        from covid_keras.audit.pixel_free import write_rule

        write_rule(run, on_progress("headers"))
    looks = 0 if name in ("train", "val") else run.log_look(name, images)
    metrics = measure.measure(run, options.prevalence)
    print(summary_table(metrics["splits"][name], metrics["stamps"], name))
    print("\n".join(wrapped(beside_lines(metrics, name))))
    if looks:
        print(f"{name} was measured {looks} times by now" if looks > 1 else f"first look at {name}")
    print(f"wrote {run.predictions_file(name)}, {run.metrics_file.name} and figures/")
    _next("explain", run.path)


def _check_evaluate(options: Namespace, name: str) -> None:
    from covid_keras.evaluation import prevalence

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


def _predict_set(run, trained, options: Namespace) -> int:
    """Predict the split or the other data set that the options name; returns how many images."""
    from covid_keras.data import image_root
    from covid_keras.views import check_views, predict_views

    if options.augmented is not None:
        check_views(trained, options.augmented)
    if options.dataset:
        name, root = options.dataset, image_root(options.data)
        records = _external(trained, options)
    else:
        name, root, records = options.split, run.data_root(), run.split()
        records = records[records["split"] == name]
    plain = _predict(run, trained, name, records, root)
    if options.augmented is not None:
        predict_views(run, trained, name, plain, records, root, options.augmented)
    return len(records)


def _external(trained, options: Namespace):
    """The other data set's records, under the run's class names."""
    from covid_keras.data import classes_of, load_records, renamed, told_apart

    records = load_records(options.dataset, options.data)
    classes = classes_of(options.dataset, records)
    records, _ = told_apart(records, classes, trained.recipe.data.positive)
    before = records["label"]
    records = renamed(records, trained.classes, options.map)
    _say_map(before, options.map)
    return records


def _say_map(before, pairs: list[str]) -> None:
    """Print what became of another data set's labels."""
    names = dict(pair.split("=", 1) for pair in pairs)
    for label, count in before.value_counts(sort=False).items():
        ours = names.get(label, label)
        said = f"counts as {ours}" if ours else "is left out"
        print(f"label {label} {said}: {count:,} images")


def compare(options: Namespace) -> None:
    """Two runs on the same images."""
    from covid_keras.evaluation import read_predictions
    from covid_keras.evaluation.compare import comparison_table
    from covid_keras.runs import RunFolder

    folders = RunFolder(options.first), RunFolder(options.second)
    both = [read_predictions(run.predictions_file(options.split)) for run in folders]
    for stamp in dict.fromkeys(stamp for run in folders for stamp in run.stamps()):
        print(f"!! {stamp.upper()}")
    images = len(both[0].labels)
    print(f"\n{options.split}: {images:,} images; first {options.first}, second {options.second}\n")
    print(comparison_table(*both, ("first", "second")))


def ensemble(options: Namespace) -> None:
    """The mean of several runs."""
    from covid_keras.ensemble import gains, join
    from covid_keras.evaluation import summary_table
    from covid_keras.evaluation.tables import gain_lines, wrapped
    from covid_keras.report import measure
    from covid_keras.runs import RunFolder

    folder = RunFolder(options.out)
    joined = join([RunFolder(path) for path in options.models], folder)
    metrics = measure.measure_mean(folder)
    for name, why in joined.left_out.items():
        print(f"{name} is left out: {why}")
    for name, lead in gains(joined, folder).items():
        print(summary_table(metrics["splits"][name], metrics["stamps"], name))
        print("\n".join(wrapped(gain_lines(options.models, lead))))
    print(f"wrote {folder.path}: predictions, uncertainty, metrics.json and figures/")
    _next("compare", options.models[0], folder.path)


def explain(options: Namespace) -> None:
    """Grad-CAM rows, a picture of test images and t-SNE of a run."""
    from covid_keras.explain import figures
    from covid_keras.inference import load_trained
    from covid_keras.models import zoo
    from covid_keras.runs import RunFolder

    if options.count < 1:
        raise InputError(f"--count: expected 1 or more. Received: {options.count}")
    run = RunFolder(options.model)
    trained = load_trained(options.model)
    if zoo.get(trained.recipe.model.name).gradcam_layer:
        print(f"wrote {figures.gradcam_figure(run, trained, options.count)}", flush=True)
    else:
        print(zoo.NO_FEATURE_MAP.format(trained.recipe.model.name), flush=True)
    print(f"wrote {figures.examples_figure(run, trained)}", flush=True)
    print(f"wrote {figures.features_figure(run, trained, TSNE_IMAGES)}")
    _next("report", run.path)


def report(options: Namespace) -> None:
    """The HTML page and the model card of a run."""
    from covid_keras.report import write_card, write_report

    print(f"wrote {write_report(options.model)}")
    print(f"wrote {write_card(options.model)}")
    _next("export", options.model, "--out", f"saved_models/{options.model.name}")


def export(options: Namespace) -> None:
    """Export a run as a SavedModel, or for another runtime."""
    from covid_keras.export.formats import EXPORTERS
    from covid_keras.inference import load_trained

    EXPORTERS[options.format](load_trained(options.model), options.out)
    if options.format == "savedmodel":
        print(f"wrote {options.out}: image bytes to class names and probabilities")
        _next("predict", options.out, "IMAGE")
    else:
        print(f"wrote {options.out}: cropped and resized images to probabilities")


def predict(options: Namespace) -> None:
    """Class probabilities of new files."""
    from covid_keras.predict import predict_files

    count = predict_files(options.model, options.inputs, options.out, options.gradcam)
    print(f"wrote {options.out}: {count:,} predictions; not a medical device")


NEED_KERAS = (train, evaluate, explain, export, predict)
"""Commands that import Keras and its backend."""


def _predict(run, trained, name: str, records, root: Path):
    """Write predictions_<name>.csv and uncertainty_<name>.csv; returns the predictions."""
    from covid_keras.evaluation import read_predictions, write_predictions
    from covid_keras.evaluation.uncertainty import write_uncertainty
    from covid_keras.inference import probabilities

    outputs = probabilities(trained, trained.slices(records, root), name)
    write_predictions(run.predictions_file(name), records, outputs, trained.classes)
    predictions = read_predictions(run.predictions_file(name))
    write_uncertainty(run.uncertainty_file(name), predictions)
    return predictions


def _next(*words: object) -> None:
    """Say which command comes next, as it can be pasted into a shell."""
    print("next: covid-keras", shlex.join(map(str, words)))


def _say_stamps(run) -> None:
    for stamp in run.stamps():
        print(f"  {stamp}")
