"""`covid-keras export` and `covid-keras predict`."""

from argparse import Namespace
from pathlib import Path

import covid_keras
from covid_keras.cli.parts import add_command, print_next
from covid_keras.export import FORMATS


def add(commands) -> None:
    """Add the commands to the parser."""
    add = add_command(commands, export, "covid-keras export RUN --out saved_models/ct-bit")
    add("run_folder", type=Path, metavar="RUN", help="a trained run")
    add("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    add("--format", default="savedmodel", choices=FORMATS, help="default: savedmodel")
    example = "covid-keras predict RUN scan.dcm slices/ --out predictions.csv --gradcam maps"
    add = add_command(commands, predict, example)
    add("model", type=Path, metavar="MODEL", help="a run folder or an export")
    add("inputs", type=Path, nargs="+", metavar="INPUT", help="images, folders, DICOM files")
    table = Path("predictions.csv")
    add("--out", type=Path, default=table, metavar="FILE", help=f"CSV; default: {table}")
    add("--gradcam", type=Path, metavar="DIR", help="write a Grad-CAM picture of each image")


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
