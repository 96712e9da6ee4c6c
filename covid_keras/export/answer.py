"""Answer images with an export in a process of its own.

`python -m covid_keras.export.answer FOLDER IMAGES.npy ANSWER.npz`
"""

import sys
import time
from pathlib import Path

import numpy as np

from covid_keras.export import Outputs
from covid_keras.export.load import load_export


def main(folder: str, images: str, out: str) -> None:
    """Answer images (N, h, w, 1) one by one.

    `out` gets the fields of `Outputs`, `first`, when the first answer was there (seconds since
    1970), and `speed`, images per second after it.
    """
    pixels = np.load(images).astype("float32")
    _, network = load_export(Path(folder))
    network(pixels[:1])
    first, start = time.time(), time.perf_counter()
    answers = [network(image[None]) for image in pixels]
    speed = len(pixels) / (time.perf_counter() - start)
    parts = zip(Outputs._fields, map(np.concatenate, zip(*answers, strict=True)), strict=True)
    np.savez(out, first=first, speed=speed, **dict(parts))


if __name__ == "__main__":
    main(*sys.argv[1:])
