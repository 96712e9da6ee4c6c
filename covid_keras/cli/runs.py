"""The commands that take trained runs: from `covid-keras evaluate` to `predict`."""

import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import covid_keras
from covid_keras.cli.parts import export_folder, keywords, print_next
from covid_keras.datasets import catalogue
from covid_keras.predict.status import NOT_ANSWERED, WARNING, is_left_out
from covid_keras.recipes.settings import parse_assignments
from covid_keras.utils.backend import backend
from covid_keras.utils.console import say, say_text
from covid_keras.utils.errors import InputError
from covid_keras.utils.text import count, near_misses, printable, text_table

SHOWN = 10
"""Answers on the screen."""


def evaluate(options: Namespace) -> int:
    """Predict a set of images; write metrics with 95 % intervals, and figures.

    Exits with status 1 if a claim of --require or of the run's plan does not hold.
    """
    check_found(options.run_folder)
    if options.dataset:
        catalogue.get(options.dataset)
    names = ["split", "dataset", "data", "name", "prevalence"]
    names += ["ablations", "masks", "augmented", "figures", "require"]
    names += ["probes", "negative_control", "match"]
    label_map = parse_assignments(options.map, "--map")
    given = keywords(options, *names)
    metrics = covid_keras.evaluate(options.run_folder, **given, label_map=label_map)
    folders = [options.run_folder / name for name in metrics.get("runs", [""])]
    written = f"predictions_{metrics['set']}.csv, metrics.json and figures/"
    say_text(metrics)
    say(*(f"wrote {folder}: {written}" for folder in folders))
    print_next("explain", folders[0])
    return int(metrics.get("plan", {}).get("verdict", "PASS") != "PASS" or failed(metrics))


def measure(options: Namespace) -> int:
    """Measure predictions that any program made: a table with true labels and probabilities.

    Exits with status 1 if a claim of --require does not hold.
    """
    names = ["labels", "val", "train", "images", "positive", "prevalence", "require", "out", "seed"]
    columns = parse_assignments(options.columns, "--columns")
    given = keywords(options, *names)
    metrics = covid_keras.measure(options.predictions, **given, columns=columns)
    say_text(metrics)
    if options.out:
        written = "predictions, metrics.json, figures/, report.html and card.md"
        say(f"wrote {options.out}: {written}")
    return int(failed(metrics))


def failed(metrics: Mapping) -> bool:
    """Return whether a claim of --require does not hold."""
    return not all(claim["holds"] for claim in metrics.get("claims", ()))


def plan(options: Namespace) -> None:
    """Freeze claims about the test split before it is measured; evaluate then judges them."""
    check_found(options.run_folder)
    frozen = covid_keras.plan(options.run_folder, options.claim)
    say(f"wrote {options.run_folder / 'plan.json'}: {count(len(frozen['claims']), 'claim')}")
    say(f"digest to publish: {frozen['digest']}")
    print_next("evaluate", options.run_folder)


def compare(options: Namespace) -> None:
    """Compare runs, or predictions of any program: paired differences with intervals and p-values.

    The first is compared with each other one, on the same images.
    """
    for path in (options.first, *options.others):
        check_found(path)
    given = keywords(options, "split", "positive", "out")
    columns = parse_assignments(options.columns, "--columns")
    say_text(covid_keras.compare(options.first, *options.others, **given, columns=columns))
    if options.out:
        say(f"wrote {options.out / 'compare.html'}")


def ensemble(options: Namespace) -> None:
    """Average the predictions of several runs, on every set that all have predicted."""
    covid_keras.ensemble(options.runs, options.out)
    say(f"wrote {options.out}: predictions, uncertainty, metrics.json and figures/")
    print_next("report", options.out)


def explain(options: Namespace) -> None:
    """Draw class activation maps, sample predictions, and t-SNE of the features.

    With masks of the disease, also measure how well the maps find it.
    """
    run = options.run_folder
    check_found(run)
    if options.dataset:
        catalogue.get(options.dataset)
    names = ["method", "layer", "class_name", "masks", "lungs", "dataset", "data", "name"]
    given = keywords(options, *names, "faithful", "sanity", "count")
    label_map = parse_assignments(options.map, "--map")
    written = covid_keras.explain(run, **given, label_map=label_map)
    say(*(f"wrote {path}" for path in written))
    print_next("report", run)


def report(options: Namespace) -> None:
    """Write a run's page, report.html, and its model card, card.md; of folds or seeds one page."""
    run = options.run_folder
    check_found(run)
    say(*(f"wrote {page}" for page in covid_keras.report(run)))
    if (run / "model.keras").exists() and backend() == "tensorflow":
        print_next("export", run, "--out", export_folder(run))


def export(options: Namespace) -> None:
    """Export a network with its preprocessing for other programs."""
    check_found(options.run_folder)
    given = keywords(options, "format", "int8", "overwrite")
    covid_keras.export(options.run_folder, options.out, **given)
    if options.format == "savedmodel":
        say(f"wrote {options.out}: encoded images to class names and probabilities")
    else:
        say(f"wrote {options.out}: cropped and resized images to probabilities")
    print_next("predict", options.out, "IMAGE")


def predict(options: Namespace) -> int:
    """Predict class probabilities of images, folders and DICOM studies, and of their patients.

    Exits with status 3 if an image could not be read, or an input has no answer at all; everything
    else is answered.
    """
    from covid_keras.predict.answer_file import patients_file  # imports pandas

    check_found(options.model)
    given = keywords(options, "out", "gradcam", "dicom_out", "overwrite")
    table = covid_keras.predict(options.model, options.inputs, **given)
    rows, patients = table.to_dict("records"), table.attrs["patients"]
    answered = [row for row in rows if row["predicted"]]
    _say_answers("image", answered, options.out)
    of_patients = patients_file(options.out)
    _say_answers("patient", [row for row in patients if row["predicted"]], of_patients)
    counts = Counter(row["predicted"] for row in answered).items()
    say(*(f"predicted {name}: {count(number, 'image')}" for name, number in counts))
    if warned := [row for row in answered if WARNING in row["status"]]:
        first, (_, reason) = warned[0]["image"], warned[0]["status"].split(WARNING)
        say(f"with a warning: {count(len(warned), 'image')}, the first {first}: {reason}")
    left_out = Counter(row["status"] for row in rows if is_left_out(row["status"]))
    say(*(f"{count(number, 'image')} {status}" for status, number in left_out.items()))
    lost = [row for row in rows if not row["predicted"] and not is_left_out(row["status"])]
    for row in lost:
        reason = row["status"].removeprefix(NOT_ANSWERED)
        say(f"not answered: {row['image']}: {reason}", file=sys.stderr)
    silent = sorted({row["source"] for row in rows} - {row["source"] for row in answered})
    say(*(f"no answer: nothing in {source} was answered" for source in silent), file=sys.stderr)
    beside = f", {of_patients}: {count(len(patients), 'patient')}" if patients else ""
    say(f"wrote {options.out}: {count(len(table), 'image')}{beside}; not a medical device")
    return 3 if lost or silent else 0


def _say_answers(level: str, answered: Sequence[Mapping], out: Path) -> None:
    """Print the first answers of images or patients as a table."""
    rows = [(level, "predicted", "probability" if level == "image" else "score")]
    for row in answered[:SHOWN]:
        name, predicted = printable(Path(row[level]).name), row["predicted"]
        rows.append((name, printable(predicted), f"{row[predicted]:.3f}"))
    say(*(text_table(rows, "<<>") if answered else ()))
    if len(answered) > SHOWN:
        say(f"... and {len(answered) - SHOWN:,} more in {out}")


def check_found(path: Path) -> None:
    """Raise InputError if there is no such run or export, before anything slow is imported."""
    if path.exists():
        return
    beside = path.parent.iterdir() if path.parent.is_dir() else ()
    if names := sorted(folder.name for folder in beside if folder.is_dir()):
        names = [f"; {near_misses(path.name, names)}"]
    raise InputError(
        f"{path}: expected a run folder or an export. Received: no such folder{''.join(names)}"
    )
