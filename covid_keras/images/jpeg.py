"""JPEG: its header, and its pixels by libjpeg-turbo, whose every warning is an error."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import gdcm
import numpy as np
import simplejpeg

from covid_keras.images.formats import check_size, explained
from covid_keras.utils.errors import InputError

MAX_SCANS = 100
"""More than any encoder writes; each one costs the time of a whole image."""
_MODES = {1: "L", 3: "RGB", 4: "CMYK"}
"""{number of components: mode}."""
_ENCODINGS = {
    0xC0: "baseline JPEG",
    0xC1: "extended JPEG",
    0xC2: "progressive JPEG",
    0xC3: "lossless JPEG",
    **dict.fromkeys((0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF), "hierarchical JPEG"),
    **dict.fromkeys((0xC9, 0xCA, 0xCB), "arithmetic-coded JPEG"),
    0xF7: "JPEG-LS",
}
"""{marker that begins a frame: what it says}."""
_WITHOUT_LENGTH = {0x00, 0x01, *range(0xD0, 0xD9)}
_COMMENTS = {*range(0xE0, 0xF0), 0xFE}
_COLOURS = {0xE0, 0xEE}
"""JFIF's and Adobe's comments tell RGB from YCbCr."""
_START_OF_SCAN = 0xDA


@dataclass(frozen=True)
class Jpeg:
    """A JPEG file of which the header has been read."""

    encoding: str
    """Such as "baseline JPEG"."""
    mode: str
    """L, RGB or CMYK."""
    bits: int
    """Bits per sample."""
    width: int
    height: int
    data: bytes
    """The file without junk and comments in its header, except those that tell the colours."""


def parse_jpeg(data: bytes, where: str | Path) -> Jpeg:
    """Read the segments before the first scan, as libjpeg does.

    Junk before a marker is skipped; a thumbnail inside a segment is not seen.

    Raises:
        InputError: no frame before the first scan, or cut off before it.
    """
    frame, kept, at = None, [data[:2]], 2
    while (at := data.find(b"\xff", at)) >= 0 and at + 4 <= len(data):
        marker, end = data[at + 1], at + 2 + int.from_bytes(data[at + 2 : at + 4])
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _WITHOUT_LENGTH:
            at += 2
        elif marker == _START_OF_SCAN:
            if frame is None:
                break
            needed = _COLOURS if frame[1] == "RGB" else ()
            kept = [each for each in kept if each[1] not in _COMMENTS or each[1] in needed]
            return Jpeg(*frame, b"".join([*kept, data[at:]]))
        else:
            if marker in _ENCODINGS and frame is None and at + 10 <= len(data):
                height, width = (int.from_bytes(data[at + i : at + i + 2]) for i in (5, 7))
                mode = _MODES.get(data[at + 9])
                if mode is None or not width * height:
                    break
                frame = _ENCODINGS[marker], mode, data[at + 4], width, height
            kept.append(data[at:end])
            at = end
    raise InputError(f"{where}: header of a JPEG file is damaged or truncated")


def decode_jpeg(data: bytes, where: str | Path) -> np.ndarray:
    """Decode a JPEG of 8 bits to uint8 grey (H, W); `where` names it in errors.

    Raises:
        InputError: CMYK, not of 8 bits, too large, truncated, or damaged in any place.
    """
    jpeg = parse_jpeg(data, where)
    check_size(jpeg.width, jpeg.height, where)
    if jpeg.mode == "CMYK":
        raise InputError(f"{where}: expected a grey or RGB JPEG. Received: CMYK; convert it")
    if jpeg.bits != 8:
        received = f"{jpeg.encoding} of {jpeg.bits} bits"
        raise InputError(f"{where}: expected a JPEG of 8 bits. Received: {received}")
    one_scan = (jpeg.encoding, jpeg.mode) == ("baseline JPEG", "L")
    if not one_scan and (scans := jpeg.data.count(b"\xff\xda")) > MAX_SCANS:
        raise InputError(f"{where}: expected at most {MAX_SCANS} scans. Received: {scans}")
    with explained(where, f"truncated or damaged {jpeg.encoding}"):
        if jpeg.mode == "L":
            return simplejpeg.decode_jpeg(jpeg.data, "GRAY", strict=True)[..., 0]
        colours = simplejpeg.decode_jpeg(jpeg.data, "BGR", strict=True)
        return cv2.cvtColor(colours, cv2.COLOR_BGR2GRAY)


def decode_12_bits(jpeg: Jpeg, signed: bool, where: str | Path) -> np.ndarray:
    """Decode grey of 12 bits to uint16 or int16 (H, W), by GDCM; pydicom does not ask it to.

    Raises:
        InputError: not grey of 12 bits, too large, or GDCM cannot decode it.
    """
    check_size(jpeg.width, jpeg.height, where)
    if (jpeg.mode, jpeg.bits) != ("L", 12):
        received = f"{jpeg.encoding}, {jpeg.mode} of {jpeg.bits} bits"
        raise InputError(f"{where}: expected JPEG of 8 bits or grey of 12. Received: {received}")
    grey = gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.MONOCHROME2)
    fragment, fragments = gdcm.Fragment(), gdcm.SequenceOfFragments.New()
    fragment.SetByteStringValue(jpeg.data)
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((jpeg.width, jpeg.height, 1))
    image.SetPhotometricInterpretation(grey)
    image.SetPixelFormat(gdcm.PixelFormat(1, 12, 12, 11, 0))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGExtendedProcess2_4))
    image.SetDataElement(element)
    with explained(where, f"damaged {jpeg.encoding}"):
        values = image.GetBuffer().encode("utf-8", "surrogateescape")
        decoded = np.frombuffer(values, "<u2").reshape(jpeg.height, jpeg.width)
    return (decoded.astype(np.int16) ^ 2048) - 2048 if signed else decoded
