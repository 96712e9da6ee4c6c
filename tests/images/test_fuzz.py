"""Damaged files: only InputError, or uint8 (H, W); never another error, a hang or a gigabyte."""

import random
import resource
import time

import numpy as np
import pytest
import simplejpeg
from image_modes import jpeg_files, png_examples
from made_dicom import FRAMES_12_BITS, RAMP_12_BITS, compressed, ct, encode, xray
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    RLELossless,
)

from covid_keras.images.headers import read_header
from covid_keras.images.read import decode
from covid_keras.utils.errors import InputError


def dicom_files() -> list[bytes]:
    """Small files of every encoding, so that mutations hit the header as often as the pixels."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (32, 34), dtype=np.uint16)
    byte, colour = pixels.astype(np.uint8), rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)
    files = [ct(pixels), xray(pixels, WindowCenter=9, WindowWidth=9), xray(colour), xray(byte)]
    for syntax in (RLELossless, JPEG2000Lossless):
        files.append(ct(pixels))
        files[-1].compress(syntax)
    files.append(ct(pixels))
    files[-1].file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    frame = simplejpeg.encode_jpeg(byte[..., None], colorspace="GRAY")
    files.append(compressed(xray(byte), JPEGBaseline8Bit, frame))
    for syntax in (JPEGExtended12Bit, JPEGLosslessSV1):  # JPEG-LS has a process of its own
        frame = FRAMES_12_BITS[syntax]
        files.append(compressed(ct(RAMP_12_BITS.astype(np.uint16), BitsStored=12), syntax, frame))
    return list(map(encode, files))


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
    """A third of the mutations each for PNG, JPEG and DICOM."""
    pictures = [example.data for example in png_examples().values()]
    formats, rng = [pictures, list(jpeg_files().values()), dicom_files()], random.Random(count)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(count):
        data, start = mutated(formats[number % 3], rng), time.monotonic()
        for read in (decode, lambda data, name: read_header(name, data)):
            try:
                result = read(data, f"{number}.bin")
            except InputError as error:
                assert "\n" not in str(error)
            else:
                if read is decode:
                    assert result.dtype == np.uint8
                    assert result.ndim == 2
        assert time.monotonic() - start < 5, number
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000
