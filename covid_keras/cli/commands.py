"""What each command does. Heavy imports stand inside the functions that need them."""

from argparse import Namespace
from pathlib import Path

from covid_keras import recipes as recipe_book
from covid_keras.api.measuring import evaluate, predict_val
from covid_keras.training import setup
from covid_keras.utils.errors import InputError
from covid_keras.utils.text import say_next

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
    from covid_keras.datasets import catalogue

    if options.name:
        print(catalogue.get(options.name))
        return
    print("\n".join(catalogue.get(name).line() for name in catalogue.names()))
    print("\nnext: covid-keras data list NAME")


def data_verify(options: Namespace) -> int:
    """Check a data set on disk; 1 where there is a problem."""
    from covid_keras.datasets.verify import verify

    report = verify(options.name, options.data)
    for problem in report.problems:
        print(problem)
    print(report.table())
    return 1 if report.problems else 0


def data_phantom(options: Namespace) -> None:
    """Make a phantom."""
    from covid_keras.phantom import MAKERS

    name = f"phantom-{options.kind}"
    given = {"patients": options.patients, "slices": options.slices}
    given = {key: value for key, value in given.items() if value is not None}
    if options.kind != "ct" and "slices" in given:
        raise InputError(f"--slices {options.slices}: only for --kind ct")
    MAKERS[name](options.out, **given, seed=options.seed)
    print(f"wrote {options.out}: synthetic images, not patients")
    recipe = {"phantom-ct": "ct-bit", "phantom-xray": "xray-3class"}[name]
    say_next("train", recipe, "--dataset", name, "--data", options.out, "--quick")


def data_pack(options: Namespace) -> None:
    """Write a data set as one file."""
    from covid_keras.datasets.archive import pack

    fit = tuple(options.fit) if options.fit else None
    packed = pack(options.name, options.data, options.out, fit, options.quality)
    print(
        f"wrote {options.out}: {packed.images:,} images, {packed.bytes / 1e6:.1f} MB, pixels"
        f" {packed.difference:.2f} grey levels off in the mean"
    )
    print(f"next, where it is used: mkdir DIR && tar xf {options.out.name} -C DIR")


def data_fetch(options: Namespace) -> int:
    """Download a data set, or say what a person has to do."""
    from covid_keras.datasets.fetch import fetch

    out = options.out or Path("data") / options.name
    fetched = fetch(options.name, out)
    for file in fetched.files:
        print(f"wrote {file}")
    if fetched.instruction:
        print(fetched.instruction)
        return 1
    say_next("data", "verify", options.name, "--data", out)
    return 0


def audit(options: Namespace) -> int:
    """Audit a dataset; exits with status 1 if a finding invalidates the scores."""
    from covid_keras.audit.audit import RESULT
    from covid_keras.audit.audit import audit as audit_dataset
    from covid_keras.audit.findings.near_duplicates import read_accepted
    from covid_keras.report.audit_page import write_audit_page

    out = options.out or Path("audits") / options.name
    result = audit_dataset(
        options.name,
        options.data,
        out=out,
        splits=options.splits,
        accepted=read_accepted(options.accept) if options.accept else (),
        seed=options.seed,
    )
    print(result)
    print(f"wrote {out / RESULT} and {write_audit_page(result, out)}")
    if result.failed:
        return 1
    say_next("train", "RECIPE", "--dataset", options.name, "--data", options.data)
    return 0


def train(options: Namespace) -> None:
    """Train a recipe into a run folder, or folds and seeds of it into several."""
    from covid_keras.runs.folder import Run

    if options.folds or options.seeds:
        from covid_keras.api.several import train_several

        train_several(options)
        return
    if options.batched or options.minutes is not None:
        raise InputError("--batched, --minutes: only with --folds or --seeds")
    run = Run(options.out or setup.default_run(options))
    if options.resume:
        setup.check_resume(run, options)
    else:
        setup.start(run, options)
    _say_stamps(run)
    print(f"run folder: {run.path}", flush=True)
    from covid_keras.explain.rows import gradcam_callbacks
    from covid_keras.training import fit

    try:
        fit.train(run, resume=options.resume, callbacks=gradcam_callbacks(run))
    except KeyboardInterrupt:
        print()
        say_next("train", options.recipe, "--out", run.path, "--resume")
        raise
    except InputError:
        if not (options.resume or run.last_checkpoint.exists()):
            run.discard()
        raise
    predict_val(run)
    print(f"wrote {run.model_file}, {run.predictions_file('val').name} and {run.log_file.name}")
    say_next("evaluate", run.path)


def explain(options: Namespace) -> None:
    """Grad-CAM rows, a picture of test images and t-SNE of a run."""
    from covid_keras.explain import figures
    from covid_keras.models import registry
    from covid_keras.runs.folder import Run
    from covid_keras.runs.inference import load_trained

    if options.count < 1:
        raise InputError(f"--count: expected 1 or more. Received: {options.count}")
    run = Run(options.model)
    trained = load_trained(options.model)
    if registry.get(trained.recipe.model.name).gradcam_layer:
        print(f"wrote {figures.gradcam_figure(run, trained, options.count)}", flush=True)
    else:
        print(registry.NO_FEATURE_MAP.format(trained.recipe.model.name), flush=True)
    print(f"wrote {figures.examples_figure(run, trained)}", flush=True)
    print(f"wrote {figures.features_figure(run, trained, TSNE_IMAGES)}")
    say_next("report", run.path)


def report(options: Namespace) -> None:
    """The HTML page and the model card of a run."""
    from covid_keras.report.card import write_card
    from covid_keras.report.run_page import write_report
    from covid_keras.utils.backend import backend

    print(f"wrote {write_report(options.model)}")
    print(f"wrote {write_card(options.model)}")
    if (options.model / "model.keras").exists() and backend() == "tensorflow":
        say_next("export", options.model, "--out", f"saved_models/{options.model.name}")


def export(options: Namespace) -> None:
    """Export a run as a SavedModel, or for another runtime."""
    from covid_keras.export.folder import export as write

    write(options.model, options.out, format=options.format)
    if options.format == "savedmodel":
        print(f"wrote {options.out}: image bytes to class names and probabilities")
    else:
        print(f"wrote {options.out}: cropped and resized images to probabilities")
    say_next("predict", options.out, "IMAGE")


def predict(options: Namespace) -> None:
    """Predict class probabilities of new files."""
    from covid_keras.predict.predict import predict as run

    table = run(options.model, options.inputs, out=options.out, gradcam=options.gradcam)
    print(f"wrote {options.out}: {len(table):,} predictions; not a medical device")


NEED_KERAS = (train, evaluate, explain, export, predict)
"""Commands that import Keras and its backend."""


def _say_stamps(run) -> None:
    for stamp in run.stamps():
        print(f"  {stamp}")
