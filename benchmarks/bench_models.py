"""Every network of the table against the same one in PyTorch: images/s, FLOPs, share of the peak.

    python benchmarks/bench_models.py [--peer-python PYTHON] [--networks NAME ...] [--side 224]
        [--batch 8] [--threads N] [--rounds 3] [--seconds 8]

Forward pass of the folded network in TensorFlow, and through OpenVINO where it is installed; and
a training step (SGD with momentum, softmax cross-entropy), a tf.function without XLA. The peer is
PyTorch, eager, channels_last, in another Python (--peer-python or PEER_PYTHON, with torch,
torchvision and timm), on the same batch with as many threads.

Ours and the peer's take turns inside every round, and so does a large matrix multiplication, so
that load from outside falls on all. A ratio is the median over rounds of ours / peer's within one
round, with the smallest and largest beside it; images/s are medians. A share is that of the
fastest matrix multiplication of the network's rounds; a training step counts as three passes.
"""

import argparse
import contextlib
import gc
import json
import math
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1"}  # as the command line

import keras
import numpy as np
import tensorflow as tf

from covid_keras.export.openvino import import_openvino
from covid_keras.models.create import create_model
from covid_keras.models.flops import TRAINING, flops
from covid_keras.models.fold import fold
from covid_keras.models.registry import list_models
from covid_keras.utils.errors import InputError

try:
    openvino = import_openvino()
except InputError:
    openvino = None

CLASSES = 3
TOO_LARGE = ("bit_r50x3", "bit_r101x3", "bit_r152x2", "bit_r152x4")
"""Seconds to minutes for one step on two cores: measured only where they are named."""
FEWEST_ROUNDS = 3
SHORTEST = 0.25
"""Seconds that one measurement lasts at least, by repeated calls."""
FLOOR = 0.8
GOALS = {
    ("bit_r50x1", "training"): 1.0,
    ("bit_r50x1", "forward"): 1.0,
    ("bit_r50x1", "openvino"): 1.2,
}
PEER_OF = {"forward": "forward", "openvino": "forward", "training": "training"}

Call = Callable[[], object]
Seconds = dict[str, list[float]]
"""Seconds of one call in each round, by task; the peer's are called "peer <task>"."""


class Peer:
    """PyTorch in a process of its own; see peer_models.py."""

    def __init__(self, python: str):
        script = Path(__file__).with_name("peer_models.py")
        # A thread that waits for its next request must not take a core from the other side.
        oracles = script.parents[1] / "tests" / "oracles"
        environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE", "PYTHONPATH": str(oracles)}
        self.process = subprocess.Popen(
            [python, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def ask(self, **request) -> dict:
        print(json.dumps(request), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"the peer ended with code {self.process.wait()} at {request}")
        return json.loads(answer)

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def our_tasks(name: str, side: int, batch: int, threads: int) -> tuple[dict[str, Call], int]:
    """What is timed on our side, each a call that ends when its result is there; and FLOPs."""
    model = create_model(name, classes=CLASSES, input_shape=(side, side, 3))
    images = np.random.default_rng(0).uniform(-1, 1, (batch, side, side, 3)).astype("float32")
    folded = traced(fold(model), images.shape)
    tensor = tf.constant(images)
    tasks = {
        "forward": lambda: folded(tensor).numpy(),
        "training": training_step(model, images),
    }
    if openvino:
        tasks["openvino"] = through_openvino(folded, images, threads)
    return tasks, flops(model, (side, side, 3))


def traced(model: keras.Model, shape: tuple[int, ...]) -> Callable[[tf.Tensor], tf.Tensor]:
    """The forward pass as a function of TensorFlow."""
    call = tf.function(lambda x: model(x, training=False), jit_compile=False)
    return call.get_concrete_function(tf.TensorSpec(shape))


def training_step(model: keras.Model, images: np.ndarray) -> Call:
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.SGD(0.003, momentum=0.9)
    optimizer.build(model.trainable_variables)
    images, labels = tf.constant(images), tf.range(len(images)) % CLASSES

    @tf.function(jit_compile=False)
    def step(images, labels):
        with tf.GradientTape() as tape:
            loss = loss_of(labels, model(images, training=True))
        variables = [variable.value for variable in model.trainable_variables]
        optimizer.apply(tape.gradient(loss, variables), model.trainable_variables)
        return loss

    return lambda: step(images, labels).numpy()


def through_openvino(folded: Callable, images: np.ndarray, threads: int) -> Call:
    """OpenVINO's float32 inference on the traced network."""
    converted = openvino.convert_model(folded)
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = openvino.compile_model(converted, "CPU", settings)
    return lambda: compiled(images)[0]


def matrix_multiplication(side: int = 2048) -> tuple[Call, int]:
    """Of two square float32 matrices, and its FLOPs."""
    matrix = tf.random.normal((side, side))
    multiply = tf.function(lambda a: tf.reduce_sum(tf.matmul(a, a)))
    return lambda: multiply(matrix).numpy(), 2 * side**3


def timed(call: Call, times: int) -> float:
    """Seconds of one call, out of `times` in a row."""
    start = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - start) / times


def measure(timers: dict[str, Callable[[int], float]], rounds: int, limit: float) -> Seconds:
    """Let all take turns.

    Args:
        timers: by name, what gives the seconds of one call out of so many.
        rounds: how often; `FEWEST_ROUNDS` suffice once `limit` seconds are over.
    """
    for timer in timers.values():
        timer(1)  # traces, and chooses kernels
    times = {name: math.ceil(SHORTEST / timer(1)) for name, timer in timers.items()}
    measured: Seconds = {name: [] for name in timers}
    start = time.perf_counter()
    for index in range(rounds):
        if index >= FEWEST_ROUNDS and time.perf_counter() - start > limit:
            break
        order = list(timers.items())
        for name, timer in order if index % 2 == 0 else reversed(order):
            measured[name].append(timer(times[name]))
    return measured


def timers_of(calls: dict[str, Call], peer: Peer | None) -> dict[str, Callable[[int], float]]:
    """Ours, each before its peer."""
    timers = {}
    for name in ("matmul", "openvino", "forward", "training"):
        if name in calls:
            timers[name] = lambda times, call=calls[name]: timed(call, times)
        if peer and name in ("forward", "training"):
            timers[f"peer {name}"] = lambda times, name=name: peer.ask(time=name, times=times)[
                "seconds"
            ]
    return timers


def ratios(measured: Seconds, task: str) -> list[float]:
    """Our speed over the peer's in each round; empty where one of them was not measured."""
    peer = measured.get(f"peer {PEER_OF[task]}", [])
    return [theirs / ours for theirs, ours in zip(peer, measured.get(task, []), strict=False)]


def describe(measured: Seconds, batch: int, operations: int, peak: float) -> list[str]:
    """The cells of a network's row, after its name."""
    cells = [f"{operations / 1e9:.2f}"]
    for task, passes in (("forward", 1), ("openvino", 1), ("training", TRAINING)):
        speed = batch / statistics.median(measured[task]) if task in measured else None
        cells.append(f"{speed:.1f}" if speed else "not measured")
        if task != "openvino":
            peer = measured.get(f"peer {task}")
            cells.append(f"{batch / statistics.median(peer):.1f}" if peer else "not measured")
        found = ratios(measured, task)
        cells.append(
            f"{statistics.median(found):.2f} [{min(found):.2f}, {max(found):.2f}]"
            if found
            else "not measured"
        )
        if task != "openvino":
            cells.append(f"{passes * operations * speed / peak:.0%}")
    return cells


HEADER = (
    "network",
    "GFLOP",
    "folded",
    "torch",
    "ratio [min, max]",
    "of peak",
    "openvino",
    "ratio [min, max]",
    "training",
    "torch",
    "ratio [min, max]",
    "of peak",
)
WIDTHS = (18, 6, 12, 12, 17, 7, 12, 17, 12, 12, 17, 7)


def line(cells: Iterable[str]) -> str:
    cells = [cell.rjust(width) for cell, width in zip(cells, WIDTHS, strict=True)]
    return " ".join([cells[0].strip().ljust(WIDTHS[0]), *cells[1:]])


def verdicts(found: dict[tuple[str, str], float]) -> list[str]:
    """The closing lines: which goals are met. `found`: median ratios by (network, task)."""
    lines = []
    for (name, task), goal in GOALS.items():
        ratio = found.get((name, task))
        state = "not measured" if ratio is None else "met" if ratio >= goal else "MISSED"
        measured = "" if ratio is None else f", measured {ratio:.2f}"
        lines.append(f"{name} {task}: goal {goal:.1f}x PyTorch{measured}: {state}")
    below = [f"{n} {t} {r:.2f}" for (n, t), r in found.items() if r < FLOOR and t != "openvino"]
    state = "not measured" if not found else f"MISSED by {', '.join(below)}" if below else "met"
    return [*lines, f"no network under {FLOOR}x PyTorch in TensorFlow: {state}"]


def main() -> None:
    arguments = parser().parse_args()
    side, batch, threads = arguments.side, arguments.batch, arguments.threads
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    names = arguments.networks or [name for name in list_models() if name not in TOO_LARGE]
    print(f"{side}x{side}, batch {batch}, {threads} threads; images/s, ratios to PyTorch")
    if not arguments.networks:
        print(f"left out, too large for a short run (--networks NAME): {', '.join(TOO_LARGE)}")
    print(line(HEADER), flush=True)
    multiply, operations_of_matmul = matrix_multiplication()
    found = {}
    with contextlib.ExitStack() as stack:
        peer = Peer(arguments.peer_python) if arguments.peer_python else None
        if peer:
            stack.callback(peer.close)
        for name in names:
            if peer:
                peer.ask(build=name, side=side, batch=batch, threads=threads)
            tasks, operations = our_tasks(name, side, batch, threads)
            timers = timers_of({"matmul": multiply, **tasks}, peer)
            measured = measure(timers, arguments.rounds, arguments.seconds)
            peak = operations_of_matmul / min(measured["matmul"])
            print(line([name, *describe(measured, batch, operations, peak)]), flush=True)
            for task in PEER_OF:
                if values := ratios(measured, task):
                    found[name, task] = statistics.median(values)
            del tasks, timers
            keras.backend.clear_session()
            gc.collect()
    print(*verdicts(found), sep="\n")


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--peer-python", default=os.environ.get("PEER_PYTHON"))
    options.add_argument("--networks", nargs="+", choices=list_models(), metavar="NAME")
    options.add_argument("--side", type=int, default=224, help="pixels")
    options.add_argument("--batch", type=int, default=8)
    options.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=8, help="limit for a network's rounds")
    return options


if __name__ == "__main__":
    main()
