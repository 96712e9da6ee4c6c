"""Small PNG and JPEG files, as bytes, of every mode; with the grey that each must be read as."""

import io
import struct
import zlib
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

SIZE = (37, 40)
"""Height and width: no multiple of a JPEG block, of a bit-packed byte or of a SIMD register."""


@dataclass(frozen=True)
class Example:
    data: bytes
    grey: np.ndarray


def grey_rule(rgb: np.ndarray) -> np.ndarray:
    """The integer rule, written out: uint8 (H, W, 3) RGB to uint8 (H, W)."""
    r, g, b = (rgb[..., c].astype(np.int64) for c in range(3))
    return ((9798 * r + 19235 * g + 3735 * b + 16384) >> 15).astype(np.uint8)


def png_examples() -> dict[str, Example]:
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, SIZE, dtype=np.uint8)
    rgb = rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    alpha = rng.integers(0, 256, (*SIZE, 1), dtype=np.uint8)
    examples = {
        "grey": Example(_encode(grey, 8, 0), grey),
        "grey, interlaced": Example(_encode(grey, 8, 0, interlaced=True), grey),
        "grey, tRNS": Example(_encode(grey, 8, 0, tRNS=b"\0\x11"), grey),
        "grey, gAMA": Example(_encode(grey, 8, 0, gAMA=struct.pack(">I", 100_000)), grey),
        "grey + alpha": Example(_encode(np.dstack([grey, alpha]), 8, 4), grey),
        "RGB": Example(_encode(rgb, 8, 2), grey_rule(rgb)),
        "RGB, interlaced": Example(_encode(rgb, 8, 2, interlaced=True), grey_rule(rgb)),
        "RGB, tRNS": Example(_encode(rgb, 8, 2, tRNS=b"\0\1\0\2\0\3"), grey_rule(rgb)),
        "RGBA": Example(_encode(np.dstack([rgb, alpha]), 8, 6), grey_rule(rgb)),
    }
    for bits in (1, 2, 4, 8):
        index = rng.integers(0, 1 << bits, SIZE)
        scaled = (index * (255 // ((1 << bits) - 1))).astype(np.uint8)
        palette = rng.integers(0, 256, (1 << bits, 3), dtype=np.uint8)
        colour = grey_rule(palette)[index]
        examples[f"grey {bits} bit"] = Example(_encode(index, bits, 0), scaled)
        examples[f"palette {bits} bit"] = Example(_encode(index, bits, 3, PLTE=palette), colour)
        data = _encode(index, bits, 3, PLTE=palette, tRNS=b"\x07\x80")
        examples[f"palette {bits} bit, tRNS"] = Example(data, colour)
    deep = rng.integers(0, 1 << 16, (*SIZE, 4), dtype=np.uint16)
    high = (deep >> 8).astype(np.uint8)
    examples["grey 16 bit"] = Example(_encode(deep[..., 0], 16, 0), high[..., 0])
    examples["grey + alpha 16 bit"] = Example(_encode(deep[..., :2], 16, 4), high[..., 0])
    examples["RGB 16 bit"] = Example(_encode(deep[..., :3], 16, 2), grey_rule(high))
    examples["RGBA 16 bit"] = Example(_encode(deep, 16, 6), grey_rule(high))
    return examples


def animation() -> bytes:
    """An animated PNG: the default image is that of the example "RGB", the frame black."""
    data, size = png_examples()["RGB"].data, b"".join(side.to_bytes(4) for side in SIZE[::-1])
    pixels = zlib.compress(b"\0" * SIZE[0] * (1 + 3 * SIZE[1]))
    at = data.index(b"IDAT") - 4
    frame = png_chunk(b"fcTL", bytes(4) + size + bytes(8) + b"\0\1\0\1\0\0")
    frame += png_chunk(b"fdAT", b"\0\0\0\1" + pixels)
    start = png_chunk(b"acTL", b"\0\0\0\1\0\0\0\0")
    return data[:at] + start + data[at:-12] + frame + data[-12:]


def jpeg_files() -> dict[str, bytes]:
    """JPEG has no exact grey of its own: these are for comparing decoders with each other."""
    rng = np.random.default_rng(1)
    smooth = cv2.resize(
        rng.integers(0, 256, (9, 9, 3), dtype=np.uint8), SIZE[::-1], interpolation=cv2.INTER_CUBIC
    )
    files = {"grey": _jpeg(Image.fromarray(smooth[..., 0]))}
    for name, subsampling in (("4:4:4", 0), ("4:2:2", 1), ("4:2:0", 2)):
        files[name] = _jpeg(Image.fromarray(smooth), subsampling=subsampling)
    files["progressive"] = _jpeg(Image.fromarray(smooth), progressive=True)
    turned = Image.Exif()
    turned[0x0112] = 6
    files["EXIF rotated"] = _jpeg(Image.fromarray(smooth), exif=turned)
    files["one pixel"] = _jpeg(Image.fromarray(smooth[:1, :1]))
    return files


def cmyk_jpeg() -> bytes:
    return _jpeg(Image.new("CMYK", SIZE, (10, 20, 30, 40)))


def with_junk(jpeg: bytes, junk: bytes) -> bytes:
    """The JPEG with `junk` after its first segment, which decoders skip."""
    end = 4 + int.from_bytes(jpeg[4:6])
    return jpeg[:end] + junk + jpeg[end:]


def _jpeg(image: Image.Image, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=90, **options)
    return stream.getvalue()


def _encode(values: np.ndarray, bits: int, colour_type: int, interlaced=False, **chunks) -> bytes:
    """A PNG by the book: Pillow and OpenCV cannot write most of these modes."""
    height, width = values.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, int(interlaced))
    passes = _ADAM7 if interlaced else [(0, 0, 1, 1)]
    rows = b"".join(_rows(values[y::dy, x::dx], bits) for x, y, dx, dy in passes)
    body = [("IHDR", header), *((k, bytes(v)) for k, v in chunks.items())]
    body += [("IDAT", zlib.compress(rows)), ("IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind.encode(), data) for kind, data in body)


_ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2)]
_ADAM7 += [(0, 1, 1, 2)]


def _rows(values: np.ndarray, bits: int) -> bytes:
    if bits == 16:
        packed = [row.astype(">u2").tobytes() for row in values]
    elif bits == 8:
        packed = [row.astype(np.uint8).tobytes() for row in values]
    else:
        places = np.arange(bits - 1, -1, -1)
        packed = [np.packbits((row[:, None] >> places) & 1).tobytes() for row in values]
    return b"".join(b"\0" + row for row in packed)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
