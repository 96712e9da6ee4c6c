"""`covid-keras export` and `covid-keras predict`."""

from argparse import Namespace
from pathlib import Path

import covid_keras
from covid_keras.cli.parts import add_command, print_next
from covid_keras.export import FORMATS


def add(commands) -> None:
    """Add the commands to the parser."""
    text = "export a network with its preprocessing for other programs"
    example = "covid-keras export RUN --out saved_models/ct-bit"
    add = add_command(commands, "export", export, text, example).add_argument
    add("run_folder", type=Path, metavar="RUN")
    add("--out", type=Path, required=True, metavar="DIR")
    add("--format", default="savedmodel", choices=FORMATS, help="default: savedmodel")
    text = "predict class probabilities of images, folders and DICOM files"
    example = "covid-keras predict RUN scan.dcm slices/ --out predictions.csv --gradcam maps"
    add = add_command(commands, "predict", predict, text, example).add_argument
    add("model", type=Path, metavar="MODEL", help="run folder or export")
    add("inputs", type=Path, nargs="+", metavar="INPUT", help="images, folders, DICOM files")
    out = "default: predictions.csv"
    add("--out", type=Path, default=Path("predictions.csv"), metavar="FILE", help=out)
    add("--gradcam", type=Path, metavar="DIR", help="write one Grad-CAM picture per image")


def export(options: Namespace) -> None:
    """Export a network."""
    covid_keras.export(options.run_folder, options.out, format=options.format)
    if options.format == "savedmodel":
        print(f"wrote {options.out}: encoded images to class names and probabilities")
    else:
        print(f"wrote {options.out}: cropped and resized images to probabilities")
    print_next("predict", options.out, "IMAGE")


def predict(options: Namespace) -> None:
    """Predict new images."""
    table = covid_keras.predict(
        options.model, options.inputs, out=options.out, gradcam=options.gradcam
    )
    print(f"wrote {options.out}: {len(table):,} predictions; not a medical device")
