"""The commands that take trained runs: from `covid-keras evaluate` to `predict`."""

from argparse import Namespace

import covid_keras
from covid_keras.cli.parts import keywords, print_next
from covid_keras.recipes.settings import parse_assignments
from covid_keras.utils.backend import backend


def evaluate(options: Namespace) -> None:
    """Predict a set of images; write metrics with 95 % intervals, and figures."""
    names = ["split", "dataset", "data", "name", "prevalence"]
    names += ["ablations", "masks", "augmented", "figures"]
    label_map = parse_assignments(options.map, "--map")
    given = keywords(options, *names)
    metrics = covid_keras.evaluate(options.run_folder, **given, label_map=label_map)
    folders = [options.run_folder / name for name in metrics.get("runs", [""])]
    written = f"predictions_{metrics['set']}.csv, metrics.json and figures/"
    print(metrics, *(f"wrote {folder}: {written}" for folder in folders), sep="\n")
    print_next("explain", folders[0])


def compare(options: Namespace) -> None:
    """Compare two runs on the same images: paired differences with intervals and p-values."""
    print(covid_keras.compare(options.first, options.second, split=options.split))


def ensemble(options: Namespace) -> None:
    """Average the predictions of several runs, on every set that all have predicted."""
    covid_keras.ensemble(options.runs, options.out)
    print(f"wrote {options.out}: predictions, uncertainty, metrics.json and figures/")
    print_next("report", options.out)


def explain(options: Namespace) -> None:
    """Draw class activation maps, sample predictions, and t-SNE of the features."""
    run = options.run_folder
    for picture in covid_keras.explain(run, method=options.method, count=options.count):
        print(f"wrote {picture}")
    print_next("report", run)


def report(options: Namespace) -> None:
    """Write a run's page, report.html, and its model card, card.md."""
    for page in covid_keras.report(options.run_folder):
        print(f"wrote {page}")
    if (options.run_folder / "model.keras").exists() and backend() == "tensorflow":
        print_next("export", options.run_folder, "--out", f"saved_models/{options.run_folder.name}")


def export(options: Namespace) -> None:
    """Export a network with its preprocessing for other programs."""
    covid_keras.export(options.run_folder, options.out, format=options.format)
    if options.format == "savedmodel":
        print(f"wrote {options.out}: encoded images to class names and probabilities")
    else:
        print(f"wrote {options.out}: cropped and resized images to probabilities")
    print_next("predict", options.out, "IMAGE")


def predict(options: Namespace) -> None:
    """Predict class probabilities of images, folders and DICOM files."""
    out = options.out
    table = covid_keras.predict(options.model, options.inputs, out=out, gradcam=options.gradcam)
    print(f"wrote {out}, images: {len(table):,}; not a medical device")
