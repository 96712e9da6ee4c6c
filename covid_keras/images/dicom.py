"""Single-frame DICOM files, CT or X-ray: what they are, their header, and their grey."""

import io
import zlib
from collections.abc import MutableSequence, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
)

from covid_keras.images.formats import HEAD, MAX_PIXELS, check_size, explained, read_bytes
from covid_keras.images.jpeg import Jpeg, decode_12_bits, decode_jpeg, parse_jpeg
from covid_keras.images.jpeg_ls import decode_apart
from covid_keras.images.presentation import (
    apply_palette,
    colour_to_grey,
    ct_to_grey,
    padding,
    whole_number,
    xray_to_grey,
)
from covid_keras.utils.errors import InputError

_DEFLATED = b"1.2.840.10008.1.2.1.99"
_MAX_BYTES = 2 * MAX_PIXELS + 1_000_000
"""Of a deflated file when unpacked: the largest image of 16 bits, and a long header."""
_JPEG = (*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes)
_PLUGINS = dict.fromkeys(JPEG2000TransferSyntaxes, "pylibjpeg")
_PLUGINS |= dict.fromkeys((JPEGBaseline8Bit, JPEGExtended12Bit), "pillow")
CT_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
_NOT_AXIAL = {"LOCALIZER", "REFORMATTED", "MPR", "CSA MPR", "MIP"}
_NOT_AXIAL |= {"SCREEN SAVE", "DOSE", "DOSE_INFO"}
"""ImageType words of scouts, slices in other planes, and pages of text."""
XRAY = ("CR", "DX", "RG", "RF", "XA", "OT")
"""Modalities that hold X-ray projections; OT (other) is what converted public sets often say."""


class NotToClassify(InputError):
    """The DICOM file is whole, and no image to classify: a report, an index, a localiser."""


def header_to_classify(
    source: str | Path | BinaryIO, where: str | Path, keywords: Sequence[str]
) -> tuple[dict[str, list[str]], str]:
    """Return the values in a header, and why the file is no image to classify, "" if it may be one.

    Args:
        source: the file, or its content.
        where: names it in errors.
        keywords: elements whose values are returned as texts, [] where there are none.

    Raises:
        NotToClassify: the file is no image at all, such as a DICOMDIR.
        InputError: the file cannot be read, or is damaged.
    """
    dataset = _parse(source, where, pixels=False, only=["ImageType", *keywords])
    reason = ""
    with explained(where, "damaged DICOM header"):
        try:
            _check_kind(dataset, where)
        except NotToClassify as error:
            reason = str(error).removeprefix(f"{where}: ")
    return {keyword: _values(dataset, keyword) for keyword in keywords}, reason


def decode_dicom(data: bytes, where: str | Path, window: tuple[float, float]) -> np.ndarray:
    """Decode the bytes of a DICOM file to uint8 grey (H, W), 0 to 255, air dark.

    Args:
        data: of the file; GDCM and OpenJPEG decode compressed pixels.
        where: names the file in errors.
        window: centre and width in Hounsfield units, for CT only.

    Raises:
        InputError: no single frame of pixels, a CT without Hounsfield units, or damaged.
    """
    with explained(where, "damaged DICOM header"):
        return _decode(_parse(io.BytesIO(data), where, pixels=True), where, window)


def _decode(dataset: Dataset, where: str | Path, window: tuple[float, float]) -> np.ndarray:
    _check_kind(dataset, where)
    frames = whole_number(dataset, "NumberOfFrames", where, 1)
    if frames > 1:
        raise InputError(
            f"{where}: expected a single slice. Received: multi-frame DICOM with {frames} frames;"
            " export its slices first"
        )
    if "PixelData" not in dataset:
        raise InputError(f"{where}: DICOM without pixel data: {_kind(dataset)}")
    rows, columns = (whole_number(dataset, key, where, 0) for key in ("Rows", "Columns"))
    check_size(columns, rows, where)
    ct = _is_ct(dataset, where)
    with explained(where, "DICOM pixels cannot be decoded"):
        stored = _stored_values(dataset, where)
        stored = stored.astype(stored.dtype.newbyteorder("="), copy=False)
        if stored.shape not in ((rows, columns), (rows, columns, 3)):
            shape = " x ".join(map(str, stored.shape))
            raise InputError(f"{where}: expected {rows} x {columns} grey or RGB. Received: {shape}")
        if dataset.PhotometricInterpretation == "PALETTE COLOR":
            stored = apply_palette(dataset, stored)
        if stored.ndim == 3:  # a secondary capture
            return colour_to_grey(dataset, stored, where)
    if ct:
        grey = ct_to_grey(dataset, stored, window, where)
    else:
        grey = xray_to_grey(dataset, stored, where)
    grey[padding(dataset, stored)] = 0
    return grey


def _stored_values(dataset: Dataset, where: str | Path) -> np.ndarray:
    """Decode the pixels: lossy JPEG without damage, JPEG 2000 by OpenJPEG.

    GDCM, which pydicom asks first, reads damaged JPEG in silence, and ends the process on damaged
    JPEG 2000 and on a JPEG that is not what its file says.
    """
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax in _PLUGINS:
        dataset.pixel_array_options(decoding_plugin=_PLUGINS[syntax])
    if syntax in _JPEG:
        frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
        jpeg = _checked_jpeg(frame, dataset, where)
        if syntax in JPEGLSTransferSyntaxes:
            return decode_apart(dataset, where)
        if jpeg.bits == 8:
            decode_jpeg(frame, where)  # raises where it is damaged
        elif syntax == JPEGExtended12Bit:
            return decode_12_bits(jpeg, bool(dataset.PixelRepresentation), where)
        dataset.PixelData = encapsulate([jpeg.data])
    return dataset.pixel_array


def _checked_jpeg(frame: bytes, dataset: Dataset, where: str | Path) -> Jpeg:
    """Return the header of the frame; raise InputError where it is not as the file says."""
    jpeg = parse_jpeg(frame, where)
    samples = {1: "L", 3: "RGB"}.get(dataset.SamplesPerPixel, "")
    said = f"{dataset.Columns} x {dataset.Rows} {samples} in {dataset.BitsAllocated} bits"
    found = f"{jpeg.width} x {jpeg.height} {jpeg.mode} in {-8 * (-jpeg.bits // 8)} bits"
    if said != found:
        raise InputError(f"{where}: expected a JPEG of {said}. Received: {found}")
    return jpeg


def dicom_header(source: str | Path | BinaryIO, where: str | Path) -> tuple[str, int, int, int]:
    """Return photometric interpretation, bits stored, width and height.

    Raises:
        InputError: damaged, or without an image.
    """
    dataset = _parse(source, where, pixels=False)
    with explained(where, "damaged DICOM header"):
        if "Rows" not in dataset or "Columns" not in dataset:
            raise InputError(f"{where}: DICOM without an image: {_kind(dataset)}")
        photometric = str(dataset.get("PhotometricInterpretation", "not stated"))
    bits = whole_number(dataset, "BitsAllocated", where, 0)
    bits = whole_number(dataset, "BitsStored", where, bits)
    columns, rows = (whole_number(dataset, key, where, 0) for key in ("Columns", "Rows"))
    return photometric, bits, columns, rows


def dicom_texts(path: str | Path, keywords: Sequence[str]) -> list[str]:
    """Return what the header says of each of `keywords`, such as PatientID; "" if nothing.

    Several different values are joined by a backslash, as in DICOM; numbers are in their shortest
    form.

    Raises:
        InputError: the file cannot be read, or is no DICOM image.
    """
    dataset = _parse(path, path, pixels=False, only=keywords)
    return ["\\".join(dict.fromkeys(_values(dataset, keyword))) for keyword in keywords]


def _values(dataset: Dataset, keyword: str) -> list[str]:
    """Return the values of an element as texts; [] for none, or damaged ones."""
    value = None
    with suppress(Exception):  # the other elements may still be good
        value = dataset.get(keyword)
    values = value if isinstance(value, MutableSequence) else [value]
    return [_text(each) for each in values if each is not None]


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return " ".join(str(value).split()) if isinstance(value, (str, int)) else ""


def _parse(source, where: str | Path, pixels: bool, only: Sequence[str] | None = None) -> Dataset:
    """Parse the elements `only` (keywords; None is all); complete a missing file-meta header."""
    if isinstance(source, (str, Path)) and _DEFLATED in read_bytes(source, HEAD):
        source = io.BytesIO(read_bytes(source))
    if isinstance(source, io.BytesIO) and _DEFLATED in source.getbuffer()[:HEAD].tobytes():
        _check_deflated(source.getvalue(), where)
    needed = None if only is None else ["SOPClassUID", "Rows", *only]
    with explained(where, "damaged or truncated DICOM"):
        dataset = pydicom.dcmread(
            source, force=True, stop_before_pixels=not pixels, specific_tags=needed
        )
        if "SOPClassUID" not in dataset and "Rows" not in dataset:
            kind = _kind(dataset)
            expected = "not an image to classify: expected a DICOM image"
            kind_of_error = InputError if kind.endswith("Image Storage") else NotToClassify
            raise kind_of_error(f"{where}: {expected}. Received: {kind}, no image elements")
        if "TransferSyntaxUID" not in dataset.file_meta:
            implicit, little = dataset.original_encoding
            explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
            dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return dataset


def _check_deflated(data: bytes, where: str | Path) -> None:
    """Raise InputError for a deflated file that is more than `_MAX_BYTES` when unpacked."""
    start = 144 + int.from_bytes(data[140:144], "little")  # behind the file-meta header
    with explained(where, "damaged or truncated DICOM"):
        unpacked = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[start:], _MAX_BYTES)
    if len(unpacked) >= _MAX_BYTES:
        raise InputError(f"{where}: expected at most {_MAX_BYTES:,} bytes unpacked. Received: more")


def _check_kind(dataset: Dataset, where: str | Path) -> None:
    """Raise NotToClassify for files without pixels, localisers, other planes and dose pages."""
    if "Rows" not in dataset:
        kind = f"DICOM without pixel data: {_kind(dataset)}"
        raise NotToClassify(f"{where}: not an image to classify: {kind}")
    value = dataset.get("ImageType")
    words = [str(word) for word in (value if isinstance(value, MutableSequence) else [value])]
    if _NOT_AXIAL.intersection(word.strip().upper() for word in words):
        kind = "\\".join(words)
        raise NotToClassify(f"{where}: not an image to classify: ImageType {kind}")


def _is_ct(dataset: Dataset, where: str | Path) -> bool:
    if dataset.get("SOPClassUID") == CT_STORAGE:
        return True
    modality = dataset.get("Modality") or "none"
    if modality != "CT" and modality not in XRAY:
        known = ", ".join(("CT", *XRAY))
        raise InputError(f"{where}: expected Modality {known}. Received: {modality}")
    return modality == "CT"


def _kind(dataset: Dataset) -> str:
    """Return the name of the file's SOP class, such as "Basic Text SR Storage"."""
    uid = dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID")
    if not isinstance(uid, UID) or not uid:
        return "an unknown kind of file"
    return " ".join(uid.name.split())[:80]
