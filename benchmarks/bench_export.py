"""Every export format against PyTorch and ONNX Runtime: latency at batch 1, throughput at batch 32.

    python benchmarks/bench_export.py [--peer-python PYTHON] [--networks NAME ...] [--side 224]
        [--threads N] [--rounds 3] [--seconds 20]

Each format is written, loaded and called as `covid-keras predict` calls it, from grey pixels to
probabilities and features, with random weights; eight bits are calibrated on noise, which changes
the answers but not the speed. The peer is PyTorch, eager, channels_last, without normalisation, in
another Python (--peer-python or PEER_PYTHON). All take turns inside every round, so that load from
outside falls on all. A ratio is the median over rounds of speeds within one round, with the
smallest and largest beside it.
"""

import argparse
import contextlib
import importlib.util
import os
import statistics
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from bench_models import CLASSES, Call, Peer, Seconds, measure, timed

from covid_keras import recipes
from covid_keras.export import FORMATS, INT8
from covid_keras.export.load import format_module
from covid_keras.models import registry
from covid_keras.models.create import create_model
from covid_keras.recipes.settings import override
from covid_keras.runs.inference import Trained

BATCHES = (1, 32)
PACKAGES = {"openvino": "openvino", "onnx": "tf2onnx", "openvino int8": "nncf"}
FLOAT_GOAL, INT8_GOAL = 1.0, 1.8
"""Times PyTorch: the best float format, and the best one in eight bits."""


def written(name: str, side: int, folder: Path) -> dict[str, Call]:
    """Write the network in every format that is installed; return what answers, by format."""
    settings = {"model.name": name, "input.resize": side, "input.crop": side}
    recipe = override(recipes.get("ct-bit"), settings | {"model.preprocessing": "tf"})
    network = create_model(name, classes=CLASSES, input_shape=(side, side, 3))
    trained = Trained(network, recipe, tuple("abc"), [])
    noise = np.random.default_rng(0).integers(0, 256, (16, side, side, 1), np.uint8)
    predictors = {}
    for kind in (*FORMATS, *(f"{name} int8" for name in INT8)):
        if kind in PACKAGES and not importlib.util.find_spec(PACKAGES[kind]):
            print(f"{kind}: not measured, {PACKAGES[kind]} is not installed")
            continue
        format, *eight_bits = kind.split()
        (folder / kind).mkdir()
        module = format_module(format, "format")
        module.write(trained, folder / kind, *([noise] if eight_bits else []))
        predictors[kind] = module.load(folder / kind)
    return predictors


def ratio(measured: Seconds, kind: str, other: str) -> tuple[float, float, float] | None:
    """Return median, smallest and largest speed over another's; None where it was not measured."""
    if other not in measured:
        return None
    pairs = zip(measured[other], measured[kind], strict=True)
    found = [theirs / ours for theirs, ours in pairs]
    return statistics.median(found), min(found), max(found)


def shown(found: tuple[float, float, float] | None) -> str:
    """Return a ratio as text."""
    return "not measured" if found is None else "{:.2f} [{:.2f}, {:.2f}]".format(*found)


def print_table(measured: Seconds, batch: int) -> None:
    """Print a row for each format."""
    print(f"batch {batch}: format, ms a call, images/s, / PyTorch, / ONNX Runtime")
    for kind, seconds in measured.items():
        call = statistics.median(seconds)
        ratios = (shown(ratio(measured, kind, other)) for other in ("PyTorch", "onnx"))
        print(f"{kind:14}{1000 * call:10.1f}{batch / call:10.1f}  ", "  ".join(ratios), flush=True)


def verdicts(measured: Seconds) -> list[str]:
    """Return whether the goals are met, of the last batch size."""
    lines = []
    for what, goal, chosen in (("float", FLOAT_GOAL, False), ("int8", INT8_GOAL, True)):
        kinds = [k for k in measured if k != "PyTorch" and k.endswith("int8") == chosen]
        found = {kind: r[0] for kind in kinds if (r := ratio(measured, kind, "PyTorch"))}
        best = max(found, key=found.get, default=None)
        state = "not measured"
        if best:
            met = "met" if found[best] >= goal else "MISSED"
            state = f"{found[best]:.2f} by {best}: {met}"
        lines.append(f"best {what} format, goal {goal:.1f}x PyTorch: {state}")
    return lines


def main() -> None:
    options = parser().parse_args()
    with contextlib.ExitStack() as stack:
        peer = Peer(options.peer_python) if options.peer_python else None
        if peer:
            stack.callback(peer.close)
        else:
            print("PyTorch: not measured, give --peer-python or PEER_PYTHON")
        for name in options.networks:
            print(f"{name}, {options.side}x{options.side}, {options.threads} threads")
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            predictors = written(name, options.side, folder)
            for batch in BATCHES:
                images = np.random.default_rng(0).integers(
                    0, 256, (batch, options.side, options.side, 1)
                )
                images = images.astype("float32")
                timers = {
                    kind: partial(timed, partial(call, images)) for kind, call in predictors.items()
                }
                if peer:
                    peer.ask(build=name, side=options.side, batch=batch, threads=options.threads)
                    timers["PyTorch"] = lambda times: peer.ask(time="forward", times=times)[
                        "seconds"
                    ]
                measured = measure(timers, options.rounds, options.seconds)
                print_table(measured, batch)
            print(*verdicts(measured), sep="\n")


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--peer-python", default=os.environ.get("PEER_PYTHON"))
    names = registry.list_models()
    options.add_argument("--networks", nargs="+", choices=names, default=["resnet50"])
    options.add_argument("--side", type=int, default=224, help="pixels")
    options.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=20, help="limit for a batch's rounds")
    return options


if __name__ == "__main__":
    main()
