"""Damaged files: only InputError, or uint8 (H, W); never another error, a hang or a gigabyte."""

import random
import resource
import time

import numpy as np
import pytest
from image_modes import jpeg_files, png_examples
from made_dicom import ct, encode, xray

from covid_keras.images.headers import read_header
from covid_keras.images.read import decode
from covid_keras.utils.errors import InputError


def small_files() -> list[bytes]:
    pixels = np.random.default_rng(0).integers(0, 255, (12, 14), dtype=np.uint16)
    colour = np.zeros((6, 8, 3), np.uint8)
    dicom = [ct(pixels), xray(pixels, WindowCenter=9, WindowWidth=9), xray(colour)]
    pictures = [example.data for example in png_examples().values()]
    return [*pictures, *jpeg_files().values(), *map(encode, dicom)]


def mutated(files: list[bytes], rng: random.Random) -> bytes:
    data = bytearray(rng.choice(files))
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(max(1, min(len(data), rng.choice((40, 400, len(data))))))
        kind = rng.choice(("flip", "length", "cut", "splice", "repeat"))
        if kind == "flip" and data:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == "length":
            data[at : at + 4] = rng.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"))
        elif kind == "cut":
            del data[at : at + rng.choice((1, 9, len(data)))]
        elif kind == "splice":
            other = rng.choice(files)
            data[at:] = other[rng.randrange(len(other)) :]
        else:
            data[at:at] = data[at : at + 50]
    return bytes(data)


@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=pytest.mark.slow)])
@pytest.mark.filterwarnings("ignore")
def test_damaged_files_are_refused_or_read(count):
    files, rng = small_files(), random.Random(count)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(count):
        data, start = mutated(files, rng), time.monotonic()
        for read in (decode, lambda data, name: read_header(name, data)):
            try:
                result = read(data, f"{number}.bin")
            except InputError as error:
                assert "\n" not in str(error)
            else:
                if read is decode:
                    assert result.dtype == np.uint8
                    assert result.ndim == 2
        assert time.monotonic() - start < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000
