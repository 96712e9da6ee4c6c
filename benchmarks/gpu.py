"""Training and inference on one NVIDIA GPU: our code on Keras with JAX against torch.compile.

    python benchmarks/gpu.py --out FILE [--networks NAME ...] [--precisions ...] [--tasks ...]
        [--minutes M] [--peer-python PYTHON] [--profile FOLDER] [--rehearse]
    python benchmarks/gpu.py --table FILE [FILE ...]

By network, size and precision (bfloat16 is Keras' mixed_bfloat16 and PyTorch's autocast; float32
takes tf32 on both sides), three tasks: "inference", the folded network against the model in
evaluation mode; "train", forward, backward and SGD with momentum on normalised images; "recipe",
our whole step with the recipe's augmentation, mixup and optimiser on uint8 slices, without a peer.
All inputs are on the GPU, random, one batch. BiT R50x1 has protocol A's batch and two sizes, the
others protocol B's canvases and batch.

Both sides run in processes of their own and take turns on the same GPU inside every round; a
ratio is that of one round. Before each block of about a second a few steps run that do not count;
compiling is timed apart. Shares are of the fastest large matrix product that JAX or PyTorch
reached in the same run. One process a case: the peak of memory is that of the largest task so
far, the compiler's trials included; "GB held" is the compiled program's own.

Results go into --out after every measurement. What is in the file already, from the same GPU and
commit, is left out, so that the same command with --minutes goes on where it stopped. Outside of
a clone the variable BENCHMARK_COMMIT names the commit.
"""

import argparse
import importlib.util
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import gpu_records
import gpu_table
from gpu_run import Benchmark
from gpu_worker import WorkerError

from covid_keras.models import registry
from covid_keras.recipes.ct_bit import CT_BIT
from covid_keras.recipes.ct_networks import CT_NETWORKS, NETWORKS
from covid_keras.utils.errors import InputError

BIT = "bit_r50x1"
BIT_SIDES = (480, 224)
PRECISIONS = ("bfloat16", "float32")
TASKS = ("inference", "train", "recipe")
SMALLER = 6
"""What a rehearsal divides sides by."""
SMALLEST = {"inception_v3": 75, "xception": 71}
"""Sides in pixels below which these have no feature map left."""


def cases(networks: list[str], precisions: list[str], rehearsal: bool) -> Iterator[dict]:
    """Every network at its sizes, in pixels, in each precision."""
    for name in networks:
        bit = name == BIT
        sizes = [(side, side) for side in BIT_SIDES] if bit else [registry.get(name).input_size]
        batch = (CT_BIT if bit else CT_NETWORKS).training.batch
        if rehearsal:
            least = SMALLEST.get(name, 0)
            sizes = [tuple(max(least, side // SMALLER) for side in size) for size in sizes]
        for height, width in sizes:
            for precision in precisions:
                yield {
                    "network": name,
                    "height": height,
                    "width": width,
                    "batch": 2 if rehearsal else batch,
                    "precision": precision,
                }


def benchmark(arguments: argparse.Namespace) -> int:
    """Measure what is asked for and not there yet; the exit code."""
    if os.environ.get("KERAS_BACKEND", "jax") != "jax":
        raise InputError(f"KERAS_BACKEND={os.environ['KERAS_BACKEND']}: this benchmark is for jax")
    if not importlib.util.find_spec("jax"):
        raise InputError(f"{sys.executable} has no jax")
    if arguments.rehearse:
        print(gpu_table.REHEARSAL)
    run = Benchmark(arguments)
    run.begin()
    failed = []
    for case in cases(arguments.networks, arguments.precisions, run.rehearsal):
        if not run.over() and (tasks := run.missing(case, arguments.tasks)):
            failed += run.measure(case, tasks)
    if run.over():
        print(f"--minutes are over: the same command measures what {run.out} does not hold yet")
    print("", gpu_table.report(run.results), sep="\n")
    return 1 if failed else 0


def main() -> int:
    arguments = parser().parse_args()
    try:
        if arguments.table:
            print(gpu_table.report(gpu_records.merged(map(gpu_records.load, arguments.table))))
            return 0
        return benchmark(arguments)
    except (InputError, WorkerError) as error:
        print(error, file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = options.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", type=Path, metavar="FILE", help="results are added to this file")
    what.add_argument("--table", type=Path, nargs="+", metavar="FILE", help="print these results")
    known = [BIT, *NETWORKS]
    options.add_argument("--networks", nargs="+", choices=known, default=known, metavar="NAME")
    options.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=list(PRECISIONS))
    options.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    options.add_argument("--minutes", type=float, default=math.inf, help="begin nothing later")
    options.add_argument("--peer-python", default=os.environ.get("PEER_PYTHON", sys.executable))
    options.add_argument("--profile", type=Path, metavar="FOLDER", help="write traces of our steps")
    options.add_argument("--rehearse", action="store_true", help="tiny, on a CPU, no measurement")
    return options


if __name__ == "__main__":
    sys.exit(main())
