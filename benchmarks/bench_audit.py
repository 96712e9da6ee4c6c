"""The audit: reading images against decoding alone, and the search for near duplicates.

    python benchmarks/bench_audit.py [--images 512] [--repeats 7] [--hashes 200000] [--names 20000]

Reading: 512x512 PNG slices to facts, hashes and thumbnails, in images/s; beside it the floor, the
same files read and decoded by OpenCV in as many threads. They take turns; the ratio is the median
over repetitions, by the clock and by processor time. The search: random hashes, each compared with
each other one. Memory: the peak of a process that scans 2,000 images, and of one that scans `names`
of them (hard links to the same slices: what is read is the same, what is kept is not).
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from bench_pipeline import cost, own_peak, write_slices

from covid_keras.audit.copies import RADIUS, close_hashes
from covid_keras.audit.scan import scan

FEW = 2_000


def decode(files: list[Path]) -> None:
    """Read and decode all files, in as many threads as the audit takes."""
    with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as threads:
        for image in threads.map(lambda file: cv2.imread(str(file), cv2.IMREAD_UNCHANGED), files):
            assert image is not None


def reading(count: int, repeats: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "images"
        names = write_slices(root, count)["image"].tolist()
        files = [root / name for name in names]
        ratios = []
        for number in range(repeats + 1):
            parts = Path(folder) / f"parts{number}"
            ours, floor = cost(lambda p=parts: scan(names, root, p)), cost(lambda: decode(files))
            if number:  # the first warms the disk cache
                ratios.append((floor[0] / ours[0], floor[1] / ours[1], count / ours[0]))
    clock, processor, speed = (statistics.median(values) for values in zip(*ratios, strict=True))
    print(
        f"audit: {speed:,.0f} images/s, {clock:.2f} of decoding alone by the clock,"
        f" {processor:.2f} by processor time ({count} slices of 512x512, {repeats} repetitions)"
    )


def searching(count: int) -> None:
    hashes = np.random.default_rng(0).integers(0, 2**63, count, dtype=np.uint64)
    begun = time.perf_counter()
    found = sum(len(pairs) for pairs in close_hashes(hashes, RADIUS))
    print(f"search: {count:,} hashes in {time.perf_counter() - begun:.0f} s, {found} pairs")


def memory(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "images"
        sources = [root / name for name in write_slices(root, 64)["image"]]
        links = root / "links"
        links.mkdir()
        for number in range(count):
            os.link(sources[number % len(sources)], links / f"{number:06}.png")
        peaks = [_peak(folder, names) for names in (FEW, count)]
    print(
        f"memory: {peaks[1] - peaks[0]:.0f} MB more for {count:,} images than for {FEW:,}"
        f" ({peaks[1]:.0f} against {peaks[0]:.0f} MB)"
    )


def _peak(folder: str, names: int) -> float:
    command = [sys.executable, __file__, "--scan", folder, "--names", str(names)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def scan_links(folder: Path, count: int) -> float:
    """Peak memory in MB of this process after a scan of so many links."""
    names = [f"{number:06}.png" for number in range(count)]
    scan(names, folder / "images" / "links", folder / f"parts{count}")
    return own_peak()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--hashes", type=int, default=200_000)
    parser.add_argument("--names", type=int, default=20_000)
    parser.add_argument("--scan", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.scan:
        print(scan_links(options.scan, options.names))
    else:
        reading(options.images, options.repeats)
        searching(options.hashes)
        memory(options.names)
