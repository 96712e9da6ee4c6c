"""The input pipeline: its speed against OpenCV decoding alone, and its memory.

    python benchmarks/bench_pipeline.py [--images 128] [--repeats 9]

Speed: 512x512 PNG slices to training batches of 64, whole and cropped to a box and resized to
512x512 again, by tf.data and by the threads that serve JAX, in images/s; beside it the floor, the
same files read and decoded by OpenCV in as many threads as there are processors. They take turns,
so that load from outside falls on all; the ratio to the floor is the median over repetitions, by
the clock and by processor time (which other programs disturb less). Real slices of
COVID_KERAS_DATA are used where it is set, else the phantom.

Memory: peak of a process that iterates over the training batches of 2,000 and of 200,000 records.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import cv2
import pandas as pd

from covid_keras.recipes.config import Input

SIDE = 512
BATCH = 64
STEPS = 16
"""Batches in one repetition."""
RECORDS = (2_000, 200_000)
BODY = (12, 40, 500, 470)
"""The box of every slice where one is cropped: the part that a body takes in COVIDx CT."""


def write_slices(folder: Path, count: int) -> pd.DataFrame:
    """`count` PNG slices of 512x512 from real images or the phantom, as records."""
    folder.mkdir(parents=True)
    for number, path in enumerate(_sources(folder, count)):
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        image = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(folder / f"{number}.png"), image)
    return pd.DataFrame({"image": [f"{number}.png" for number in range(count)], "label": "a"})


def _sources(folder: Path, count: int) -> list[Path]:
    if "COVID_KERAS_DATA" in os.environ:
        real = Path(os.environ["COVID_KERAS_DATA"]) / "covid19_ct"
        found = sorted(real.rglob("*.png"))
    else:
        from covid_keras.phantom import make_phantom

        make_phantom(folder / "phantom", patients=15, slices=4)
        found = sorted((folder / "phantom" / "images").iterdir())
    return [found[number % len(found)] for number in range(count)]


def boxed(records: pd.DataFrame, box: tuple[int, int, int, int]) -> pd.DataFrame:
    """The records with this box in every row."""
    columns = zip(("x0", "y0", "x1", "y1"), box, strict=True)
    return records.assign(**{k: pd.array([v] * len(records), dtype="Int64") for k, v in columns})


def batches(folder: Path, records: pd.DataFrame, steps: int):
    """So many training batches of these records."""
    from covid_keras.pipeline.batches import training_batches
    from covid_keras.pipeline.samples import Samples

    samples = Samples(records, folder, ("a",), **Input().geometry(SIDE))
    return training_batches(samples, batch=BATCH, steps=steps, seed=0)


def cost(call: Callable[[], object]) -> tuple[float, float]:
    """Seconds that `call` takes: on the clock, and of all processors together."""
    clock, processors = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - clock, time.process_time() - processors


def measure_speed(folder: Path, records: pd.DataFrame, repeats: int) -> dict[str, dict]:
    """For each way to read: median images/s and, against OpenCV's, median ratios."""
    from covid_keras.pipeline import tf_data, threads
    from covid_keras.pipeline.loader import THREADS

    paths = [str(folder / image) for image in records["image"]]
    paths = (paths * (1 + STEPS * BATCH // len(paths)))[: STEPS * BATCH]
    pool = ThreadPoolExecutor(os.cpu_count())
    whole = batches(folder, boxed(records, (0, 0, SIDE, SIDE)), STEPS)
    cropped = batches(folder, boxed(records, BODY), STEPS)
    ways = {
        "opencv": lambda: list(
            pool.map(lambda path: cv2.imread(path, cv2.IMREAD_UNCHANGED), paths)
        ),
        "tf.data": lambda: sum(1 for _ in tf_data.Loader(THREADS).stream(whole)),
        "tf.data, box": lambda: sum(1 for _ in tf_data.Loader(THREADS).stream(cropped)),
        "threads": lambda: sum(1 for _ in threads.Loader(THREADS).stream(whole)),
        "threads, box": lambda: sum(1 for _ in threads.Loader(THREADS).stream(cropped)),
    }
    costs = {name: [] for name in ways}
    for repeat in range(repeats + 1):
        for name, way in ways.items():
            measured = cost(way)
            if repeat:
                costs[name].append(measured)
    return {name: _summary(costs[name], costs["opencv"]) for name in ways}


def _summary(costs: list[tuple[float, float]], floor: list[tuple[float, float]]) -> dict:
    pairs = list(zip(costs, floor, strict=True))
    return {
        "images_per_second": STEPS * BATCH / statistics.median(clock for clock, _ in costs),
        "ratio": statistics.median(f[0] / c[0] for c, f in pairs),
        "ratio_by_processor_time": statistics.median(f[1] / c[1] for c, f in pairs),
    }


def peak_memory(folder: Path, records: pd.DataFrame, count: int) -> float:
    """MB at the peak of this process after 20 batches, on Linux; the files in turn."""
    from covid_keras.pipeline.loader import batch_loader

    many = records.iloc[[number % len(records) for number in range(count)]]
    for _ in batch_loader().stream(batches(folder, boxed(many, BODY), 20)):
        pass
    return own_peak()


def own_peak() -> float:
    """MB at the peak of this process so far, on Linux."""
    status = Path("/proc/self/status").read_text()  # ru_maxrss begins with the parent's peak
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def measure_memory(folder: Path) -> dict[int, float]:
    """`peak_memory` for each of RECORDS, in a process of its own."""
    command = [sys.executable, __file__, "--folder", str(folder), "--peak"]
    return {
        count: float(subprocess.check_output([*command, str(count)], stderr=subprocess.DEVNULL))
        for count in RECORDS
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=128, help="files on disk")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        records = pd.read_csv(options.folder / "records.csv")
        print(peak_memory(options.folder, records, options.peak))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "slices"
        records = write_slices(folder, options.images)
        records.to_csv(folder / "records.csv", index=False)
        report(measure_speed(folder, records, options.repeats), measure_memory(folder))


def report(speeds: dict[str, dict], peaks: dict[int, float]) -> None:
    """A table, and the same numbers as one line of JSON."""
    print(f"{'':16}{'images/s':>10}{'ratio':>8}{'by CPU time':>14}")
    for name, speed in speeds.items():
        rate, ratio, by_processor = speed.values()
        print(f"{name:16}{rate:10.0f}{ratio:8.2f}{by_processor:14.2f}")
    small, large = (peaks[count] for count in RECORDS)
    print("goal of the ratio: 0.95 or better\n")
    for count, peak in peaks.items():
        print(f"peak memory with {count:>7,} records {peak:8.0f} MB")
    print(f"difference {large - small:.0f} MB (goal: within 200 MB)")
    print(json.dumps({"speed": speeds, "peak_mb": peaks, "difference_mb": large - small}))


if __name__ == "__main__":
    main()
