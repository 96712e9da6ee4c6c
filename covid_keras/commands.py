"""What each command does. Heavy imports stand inside the functions that need them."""

import shlex
from argparse import Namespace
from datetime import datetime
from pathlib import Path

from covid_keras import recipes as recipe_book
from covid_keras.errors import InputError
from covid_keras.recipes import base
from covid_keras.recipes.base import Recipe

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
    from covid_keras.progress import Progress

    report = verify(options.name, options.data, on_progress=_on_progress(Progress, "verify"))
    for problem in report.problems:
        print(problem)
    print(report.table())
    return 1 if report.problems else 0


def data_phantom(options: Namespace) -> None:
    """Make a phantom."""
    from covid_keras.data.phantom import MAKERS
    from covid_keras.progress import Progress

    name = f"phantom-{options.kind}"
    given = {"patients": options.patients, "slices": options.slices}
    given = {key: value for key, value in given.items() if value is not None}
    if options.kind != "ct" and "slices" in given:
        raise InputError(f"--slices {options.slices}: only for --kind ct")
    progress = _on_progress(Progress, "phantom")
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
    from covid_keras.progress import Progress

    out = options.out or Path("audits") / options.name
    accepted = read_accepted(options.accept) if options.accept else ()
    progress = _on_progress(Progress, "audit")
    found = look(
        options.name,
        options.data,
        out / "scan",
        splits=options.splits,
        accepted=accepted,
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

    run = RunFolder(options.out or _default_run(options))
    if options.resume:
        _check_resume(run, options)
    else:
        _start(run, options)
    _say_stamps(run)
    print(f"run folder: {run.path}", flush=True)
    from covid_keras.inference import load_trained, probabilities
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
    _predict_split(run, load_trained(run.path), "val", probabilities)
    print(f"wrote {run.model_file}, {run.predictions_file('val').name} and {run.log_file.name}")
    _next("evaluate", run.path)


def evaluate(options: Namespace) -> None:
    """Predict a split or another data set, and measure."""
    from covid_keras.data import classes_of, load_records, renamed, told_apart
    from covid_keras.evaluation import read_predictions, summary_table
    from covid_keras.evaluation.tables import ablation_lines
    from covid_keras.inference import load_trained, probabilities
    from covid_keras.report import measure
    from covid_keras.runs import RunFolder

    trained = load_trained(options.model)
    run = RunFolder(options.model)
    if (options.dataset is None) != (options.data is None):
        raise InputError("--dataset and --data go together: an external test needs both")
    if options.dataset:
        name = options.dataset
        records = load_records(name, options.data)
        positive = trained.recipe.data.positive
        records, _ = told_apart(records, classes_of(name, records), positive)
        before = records["label"]
        records = renamed(records, trained.classes, options.map)
        _say_map(before, options.map)
        _predict(run, trained, name, records, options.data, probabilities)
    else:
        name = options.split
        _predict_split(run, trained, name, probabilities)
    if options.ablations:
        if name != "test":
            raise InputError("--ablations: only of the run's own test split")
        from covid_keras.explain.ablation import ablate

        ablate(run, trained)
    looks = run.log_look(name, len(read_predictions(run.predictions_file(name)).labels))
    metrics = measure.measure(run, options.prevalence)
    print(summary_table(metrics["splits"][name], metrics["stamps"], name))
    if name == "test":
        print("\n".join(ablation_lines(metrics["ablations"])))
    print(f"{name} was measured {looks} times by now" if looks > 1 else f"first look at {name}")
    print(f"wrote {run.predictions_file(name)}, {run.metrics_file.name} and figures/")
    _next("explain", run.path)


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


def _start(run, options: Namespace) -> None:
    """Make the run folder: data, recipe and split are settled here."""
    from covid_keras import runs
    from covid_keras.data import (
        catalogue,
        classes_of,
        image_root,
        load_records,
        make_split,
        told_apart,
    )
    from covid_keras.models import zoo
    from covid_keras.training.check import check_data, check_outputs, check_recipe, check_steps

    if run.path.exists() and any(run.path.iterdir()):
        raise InputError(f"{run.path}: run folder exists: give another --out, or --resume")
    named, root, quick = _data(options)
    recipe = _recipe(options, named, quick)
    recipe = base.sized(recipe, zoo.get(recipe.model.name).input_size)
    check_recipe(recipe)
    recipe = base.override(recipe, {"model.preprocessing": _preprocessing(recipe.model)})
    dataset = recipe.data.dataset
    records = load_records(dataset, root)
    records, classes = told_apart(records, classes_of(dataset, records), recipe.data.positive)
    check_outputs(recipe, classes)
    records = make_split(records, recipe.data, catalogue.get(dataset).split, recipe.seed)
    check_data(records, image_root(root), recipe.training.batch)
    recipe = base.settled(recipe, int((records["split"] == "train").sum()))
    check_steps(recipe)
    runs.create(run.path, recipe, records, classes, image_root(root))


def _data(options: Namespace) -> tuple[dict[str, object], Path, bool]:
    """Settings of the data set, its folder, and whether to scale the recipe."""
    published = recipe_book.get(options.recipe)
    if options.data is not None:
        named = {"data.dataset": options.dataset or published.data.dataset}
        return named, options.data, options.quick
    phantom = published.phantom["data.dataset"]
    if options.dataset not in (None, phantom):
        raise InputError(f"--dataset {options.dataset}: expected --data DIR with its folder")
    from covid_keras.data.phantom import MAKERS, phantom_folder
    from covid_keras.devices import gpu_count
    from covid_keras.progress import Progress

    print("no --data: training on the built-in phantom, synthetic images, not patients", flush=True)
    root = MAKERS[phantom](phantom_folder(phantom), on_progress=_on_progress(Progress, "phantom"))
    return dict(published.phantom), root, options.quick or gpu_count() == 0


def _recipe(options: Namespace, named: dict[str, object], quick: bool) -> Recipe:
    recipe = recipe_book.configured(
        options.recipe,
        named,
        options.settings,
        weights=options.weights,
        quick=quick,
        seed=options.seed,
    )
    for change in recipe.changes:
        print(f"setting: {change}")
    return recipe


def _preprocessing(model: base.Model) -> str:
    """The name of what the first weights expect; where they are a run's, of what the run got."""
    from covid_keras.models import zoo
    from covid_keras.runs import RunFolder

    run = RunFolder(Path(model.weights).parent)
    if not model.preprocessing and Path(model.weights) == run.model_file and run.path.is_dir():
        return run.recipe().model.preprocessing
    return zoo.preprocessing(model.name, model.weights, model.preprocessing).name


def _check_resume(run, options: Namespace) -> None:
    recipe = run.recipe()
    if options.settings or options.weights:
        raise InputError("--resume goes on with the run's own recipe: leave out --set, --weights")
    if recipe.name != options.recipe:
        raise InputError(f"{run.path}: run of {recipe.name}. Received: {options.recipe}")
    if run.model_file.exists():
        raise InputError(f"{run.path}: this run has finished; next: covid-keras evaluate")


def _default_run(options: Namespace) -> Path:
    if options.resume:
        raise InputError("--resume: expected --out with the run folder to go on with")
    now = datetime.now().strftime("%Y%m%d-%H%M%S")
    published = recipe_book.get(options.recipe)
    usual = published.data.dataset if options.data else published.phantom["data.dataset"]
    dataset = options.dataset or usual
    return Path("runs") / f"{options.recipe}_{dataset}_{now}"


def _predict_split(run, trained, split: str, probabilities) -> None:
    records = run.split()
    _predict(
        run, trained, split, records[records["split"] == split], run.data_root(), probabilities
    )


def _predict(run, trained, name: str, records, root: Path, probabilities) -> None:
    from covid_keras.data import image_root
    from covid_keras.evaluation import write_predictions

    outputs = probabilities(trained, trained.slices(records, image_root(root)), name)
    write_predictions(run.predictions_file(name), records, outputs, trained.classes)


def _next(*words: object) -> None:
    """Say which command comes next, as it can be pasted into a shell."""
    print("next: covid-keras", shlex.join(map(str, words)))


def _say_stamps(run) -> None:
    for stamp in run.stamps():
        print(f"  {stamp}")


def _on_progress(progress, label: str):
    """A callback (done, total) that draws a bar."""
    bars = {}

    def show(done: int, total: int) -> None:
        bars.setdefault("bar", progress(label, total))(done)

    return show
