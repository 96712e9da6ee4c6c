"""The command line: arguments here, work in `commands` and `measuring`, TensorFlow where used."""

import argparse
import gc
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import covid_keras
from covid_keras.api import measuring
from covid_keras.cli import commands
from covid_keras.export import FORMATS
from covid_keras.utils.backend import import_keras
from covid_keras.utils.errors import InputError, OutOfTime

DESCRIPTION = (
    "COVID-19 classifiers for chest CT and X-ray by transfer learning, with results that can be"
    " defended. Not a medical device."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0 on success, 1 on bad input (one line on stderr); argparse exits
    with 2 on bad usage; 130 after Ctrl-C."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("covid_keras").setLevel(logging.INFO)
    options = parser().parse_args(arguments)
    try:
        if options.needs_keras:
            import_keras()
        return options.run(options) or 0
    except InputError as error:
        bar = "\r\033[K" if sys.stderr.isatty() else ""  # over a progress bar that was cut short
        print(f"{bar}covid-keras: error: {' '.join(str(error).split())}", file=sys.stderr)
        _end_reading(error)
        return 1
    except OutOfTime:  # the command has said how to go on
        return 0
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt as stop:
        print("\ncovid-keras: interrupted", file=sys.stderr)
        _end_reading(stop)
        return 130


def _end_reading(error: BaseException) -> None:
    """Free the data sets that the error's frames hold, so that their threads end before Python.

    A thread of TensorFlow's that is reading while Python exits aborts the process.
    """
    error.__traceback__ = error.__cause__ = error.__context__ = None
    gc.collect()


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; each sub-parser's `run` is the function that does the work."""
    top = argparse.ArgumentParser("covid-keras", description=DESCRIPTION)
    top.add_argument("--version", action="version", version=covid_keras.__version__)
    adders = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_lists(adders)
    _add_data(adders)
    _add_audit(adders)
    _add_train(adders)
    _add_after_training(adders)
    _add_predict(adders)
    return top


def _add(adders, name: str, run, help_: str, example: str) -> argparse.ArgumentParser:
    command = adders.add_parser(
        name,
        help=help_,
        description=f"{help_[0].upper()}{help_[1:]}.".replace("%%", "%"),  # only help is a format
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run, needs_keras=run in commands.NEED_KERAS)
    return command


def _add_lists(adders) -> None:
    _add(adders, "recipes", commands.recipes, "list the recipes", "covid-keras recipes")
    models = _add(
        adders,
        "models",
        commands.models,
        "list the networks: input, parameters, weights; or show one",
        "covid-keras models densenet121",
    )
    models.add_argument("name", nargs="?", help="show all that is known of this network")


def _add_data(adders) -> None:
    data = adders.add_parser("data", help="list, check, make and fetch data sets")
    actions = data.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = _add(
        actions,
        "list",
        commands.data_list,
        "list the data sets, or show one",
        "covid-keras data list covidx-ct-2a",
    )
    listing.add_argument("name", nargs="?", help="show this data set's card")
    verify = _add(
        actions,
        "verify",
        commands.data_verify,
        "check a data set on disk: counts, missing and unreadable files, boxes, labels",
        "covid-keras data verify covid19-ct --data DIR",
    )
    verify.add_argument("name")
    verify.add_argument("--data", type=Path, required=True, metavar="DIR")
    phantom = _add(
        actions,
        "phantom",
        commands.data_phantom,
        "make the synthetic chest CT slices or X-rays",
        "covid-keras data phantom --out phantom",
    )
    phantom.add_argument("--kind", choices=("ct", "xray"), default="ct")
    phantom.add_argument("--out", type=Path, required=True, metavar="DIR")
    phantom.add_argument("--patients", type=int, help="default: 60 for ct, 120 for xray")
    phantom.add_argument("--slices", type=int, help="slices a patient, for ct; default: 6")
    phantom.add_argument("--seed", type=int, default=0)
    pack = _add(
        actions,
        "pack",
        commands.data_pack,
        "write a data set as one file that travels",
        "covid-keras data pack covid19-ct --data DIR --out covid19_ct.tar --fit 285 372",
    )
    pack.add_argument("name")
    pack.add_argument("--data", type=Path, required=True, metavar="DIR")
    pack.add_argument("--out", type=Path, required=True, metavar="FILE.tar")
    pack.add_argument(
        "--fit",
        type=int,
        nargs=2,
        metavar=("HEIGHT", "WIDTH"),
        help="make images smaller to fit; protocol B needs no more than 285 372",
    )
    pack.add_argument("--quality", type=int, metavar="Q", help="JPEG; default: PNG, without loss")
    fetch = _add(
        actions,
        "fetch",
        commands.data_fetch,
        "download a data set, or say how to get it",
        "covid-keras data fetch covidx-ct-2a --out DIR",
    )
    fetch.add_argument("name")
    fetch.add_argument("--out", type=Path, metavar="DIR", help="default: data/NAME")


def _add_audit(adders) -> None:
    audit = _add(
        adders,
        "audit",
        commands.audit,
        "find leaks, shortcuts and doubtful labels in a dataset; exits with status 1 if a finding"
        " invalidates the scores",
        "covid-keras audit sars-cov-2-ct --data DIR",
    )
    audit.add_argument("name", help="a name from `covid-keras data list`")
    audit.add_argument("--data", type=Path, required=True, metavar="DIR")
    audit.add_argument("--out", type=Path, metavar="DIR", help="default: audits/NAME")
    audit.add_argument(
        "--splits", nargs="+", metavar="SPLIT", help="published splits to audit; default: all"
    )
    audit.add_argument(
        "--accept",
        type=Path,
        metavar="CSV",
        help="CSV of near-duplicate pairs already reviewed (columns first,second)",
    )
    audit.add_argument("--seed", type=int, default=0, help="of the split, if one is drawn")


def _add_train(adders) -> None:
    train = _add(
        adders,
        "train",
        commands.train,
        "train a recipe; without --data on the built-in phantom",
        "covid-keras train ct-bit --dataset covid19-ct --data DIR --set training.steps=2000",
    )
    train.add_argument("recipe", help="a name from `covid-keras recipes`")
    train.add_argument("--data", type=Path, metavar="DIR", help="the data set's folder")
    train.add_argument("--dataset", metavar="NAME", help="default: the recipe's")
    train.add_argument("--out", type=Path, metavar="RUN", help="run folder; default: runs/...")
    train.add_argument("--weights", metavar="W", help="first weights: a name or a file")
    train.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="settings")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--resume", action="store_true", help="go on with the run in --out")
    train.add_argument(
        "--folds",
        type=int,
        nargs="+",
        default=[],
        metavar="N",
        help="these folds at once on one device (JAX), into --out/fold_N",
    )
    train.add_argument("--seeds", type=int, nargs="+", default=[], metavar="N", help="the same")
    train.add_argument(
        "--batched",
        action="store_true",
        help="with --folds or --seeds: all models in every operation; fills a GPU with small ones",
    )
    train.add_argument(
        "--minutes", type=float, metavar="M", help="with --folds or --seeds: stop, to be resumed"
    )
    train.add_argument(
        "--quick",
        action="store_true",
        help="scale the recipe to two cores; said in every output. On without --data and GPU",
    )


def _add_after_training(adders) -> None:
    evaluate = _add(
        adders,
        "evaluate",
        measuring.evaluate,
        "predictions, metrics with 95 %% intervals, and figures",
        "covid-keras evaluate RUN",
    )
    evaluate.add_argument("model", type=Path, metavar="RUN")
    evaluate.add_argument("--split", default="test", choices=("train", "val", "test"))
    evaluate.add_argument("--dataset", metavar="NAME", help="another data set, as external test")
    evaluate.add_argument("--data", type=Path, metavar="DIR")
    evaluate.add_argument(
        "--map",
        nargs="+",
        default=[],
        metavar="LABEL=CLASS",
        help="what the other data set's labels are called here; LABEL= leaves its images out",
    )
    evaluate.add_argument(
        "--prevalence", type=float, metavar="P", help="PPV and NPV of the last class at this share"
    )
    evaluate.add_argument(
        "--ablations",
        action="store_true",
        help="also test images without their middle, and only their border and middle",
    )
    evaluate.add_argument(
        "--masks",
        type=Path,
        metavar="DIR",
        help="with --ablations: masks of the lungs, named like the images",
    )
    evaluate.add_argument(
        "--augmented",
        type=int,
        metavar="N",
        help="test-time augmentation: also score the mean over N augmented samples of each image",
    )
    compare = _add(
        adders,
        "compare",
        measuring.compare,
        "two runs on the same images: paired differences with intervals and p-values",
        "covid-keras compare RUN_A RUN_B",
    )
    compare.add_argument("first", type=Path, metavar="RUN_A")
    compare.add_argument("second", type=Path, metavar="RUN_B")
    compare.add_argument(
        "--split", default="test", metavar="NAME", help="val, test or a data set both have seen"
    )
    ensemble = _add(
        adders,
        "ensemble",
        measuring.ensemble,
        "the mean of several runs, on sets that all have predicted and none has trained on",
        "covid-keras ensemble RUN_A RUN_B RUN_C --out runs/ensemble",
    )
    ensemble.add_argument("models", type=Path, nargs="+", metavar="RUN")
    ensemble.add_argument("--out", type=Path, required=True, metavar="DIR")
    explain = _add(
        adders,
        "explain",
        commands.explain,
        "Grad-CAM rows a class, and t-SNE of the features",
        "covid-keras explain RUN --count 3",
    )
    explain.add_argument("model", type=Path, metavar="RUN")
    explain.add_argument("--method", default="gradcam", choices=("gradcam",))
    explain.add_argument("--count", type=int, default=3, metavar="N", help="images a class")
    report = _add(
        adders,
        "report",
        commands.report,
        "one HTML page and a model card",
        "covid-keras report RUN",
    )
    report.add_argument("model", type=Path, metavar="RUN")
    export = _add(
        adders,
        "export",
        commands.export,
        "the network with its preprocessing, for other programs",
        "covid-keras export RUN --out saved_models/ct-bit",
    )
    export.add_argument("model", type=Path, metavar="RUN")
    export.add_argument("--out", type=Path, required=True, metavar="DIR")
    export.add_argument("--format", default="savedmodel", choices=FORMATS)


def _add_predict(adders) -> None:
    predict = _add(
        adders,
        "predict",
        commands.predict,
        "class probabilities for images, folders and DICOM files",
        "covid-keras predict RUN scan.dcm slices/ --out predictions.csv --gradcam maps",
    )
    predict.add_argument("model", type=Path, metavar="MODEL", help="run, .keras or SavedModel")
    predict.add_argument("inputs", type=Path, nargs="+", metavar="INPUT")
    predict.add_argument("--out", type=Path, default=Path("predictions.csv"), metavar="FILE")
    predict.add_argument("--gradcam", type=Path, metavar="DIR", help="write a map for each image")


if __name__ == "__main__":
    sys.exit(main())
