"""Single-frame DICOM files, CT or X-ray, to uint8 grey (DICOM PS3.3 C.11.1, C.11.2 and C.7.6.3).

CT values become Hounsfield units by the file's slope and intercept (or modality table), then grey
by the declared window. X-rays have no units: the file's own grey table or window is applied, else
8-bit values are kept and deeper ones stretched from the lowest to the highest of the image.
"""

import io
import struct
from collections.abc import Iterator, MutableSequence, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from covid_keras.utils.errors import InputError

_CT_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
_XRAY = ("CR", "DX", "RG", "RF", "XA", "OT")
"""Modalities that hold X-ray projections; OT (other) is what converted public sets often say."""
_NOT_HOUNSFIELD = ("MGML", "Z_EFF", "ED", "EDW", "PCT", "OD")
"""Rescale Types of dual-energy maps that also call themselves CT."""
_BAD_FILE = (AttributeError, EOFError, IndexError, KeyError, NotImplementedError, OSError)
_BAD_FILE += (RuntimeError, TypeError, ValueError, struct.error)
_BAD_FILE += (BytesLengthException, InvalidDicomError)
"""What pydicom and its decoders raise on damaged or unsupported files."""


def apply_window(values: np.ndarray, window: tuple[float, float]) -> np.ndarray:
    """Map Hounsfield units to uint8 by (centre, width): LINEAR_EXACT of PS3.3 C.11.2.1.3.2.

    255 * ((x - centre) / width + 0.5), clipped to 0..255 and rounded half up: with -600/1500,
    -1350 HU and less become 0, 150 HU and more become 255. `values` may have any shape.
    """
    centre, width = window
    if not width > 0:
        raise InputError(f"window: expected a positive width in HU. Received: {window}")
    scaled = (np.asarray(values, np.float32) - np.float32(centre - width / 2)) * (255.0 / width)
    return np.clip(scaled + 0.5, 0, 255).astype(np.uint8)


def decode_dicom(data: bytes, where: str | Path, window: tuple[float, float]) -> np.ndarray:
    """Decode the bytes of a DICOM file to uint8 grey (H, W), 0 to 255, air dark.

    Args:
        data: of the file; GDCM and OpenJPEG decode compressed pixels.
        where: names the file in errors.
        window: centre and width in Hounsfield units, for CT only.

    Raises:
        InputError: no single frame of pixels, a CT without Hounsfield units, or damaged.
    """
    dataset = _parse(io.BytesIO(data), where, pixels=True)
    frames = int(dataset.get("NumberOfFrames") or 1)
    if frames > 1:
        raise InputError(
            f"{where}: expected a single slice. Received: multi-frame DICOM with {frames} frames;"
            " export its slices first"
        )
    if "PixelData" not in dataset:
        raise InputError(f"{where}: DICOM without pixel data: {_kind(dataset)}")
    with _explained(where, "DICOM pixels cannot be decoded"):
        stored = dataset.pixel_array
        if dataset.PhotometricInterpretation == "PALETTE COLOR":
            stored = apply_color_lut(stored, dataset)
    if stored.ndim == 3:  # RGB of a secondary capture, by the grey rule of PNG and JPEG
        rgb = (stored >> 8).astype(np.uint8) if stored.dtype == np.uint16 else stored
        return cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)
    with _explained(where, "damaged DICOM header"):
        if _is_ct(dataset, where):
            grey = apply_window(_hounsfield(dataset, stored, where), window)
        else:
            grey = _xray_to_grey(dataset, stored)
        grey[_padding(dataset, stored)] = 0
    return grey


def dicom_header(source: str | Path | BinaryIO, where: str | Path) -> tuple[str, int, int, int]:
    """Return photometric interpretation, bits stored, width and height.

    Raises:
        InputError: damaged, or without an image.
    """
    dataset = _parse(source, where, pixels=False)
    if "Rows" not in dataset or "Columns" not in dataset:
        raise InputError(f"{where}: DICOM without an image: {_kind(dataset)}")
    stored = dataset.get("BitsStored", dataset.get("BitsAllocated", 0))
    photometric = str(dataset.get("PhotometricInterpretation", "not stated"))
    return photometric, int(stored), int(dataset.Columns), int(dataset.Rows)


def dicom_texts(path: str | Path, keywords: Sequence[str]) -> list[str]:
    """Return what the header says of each of `keywords`, such as PatientID; "" if nothing.

    Several different values are joined by a backslash, as in DICOM; numbers are in their shortest
    form.

    Raises:
        InputError: the file cannot be read, or is no DICOM image.
    """
    dataset = _parse(path, path, pixels=False, only=keywords)
    texts = []
    for keyword in keywords:
        value = None
        with suppress(*_BAD_FILE):  # the other elements may still be good
            value = dataset.get(keyword)
        values = value if isinstance(value, MutableSequence) else [value]
        texts.append("\\".join(dict.fromkeys(map(_text, values))))
    return texts


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return " ".join(str(value).split()) if isinstance(value, (str, int)) else ""


def _parse(source, where: str | Path, pixels: bool, only: Sequence[str] | None = None) -> Dataset:
    """Parse the elements `only` (keywords; None is all); complete a missing file-meta header."""
    needed = None if only is None else ["SOPClassUID", "Rows", *only]
    with _explained(where, "damaged or truncated DICOM"):
        dataset = pydicom.dcmread(
            source, force=True, stop_before_pixels=not pixels, specific_tags=needed
        )
    if "SOPClassUID" not in dataset and "Rows" not in dataset:
        kind = _kind(dataset)
        raise InputError(f"{where}: expected a DICOM image. Received: {kind}, no image elements")
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return dataset


def _is_ct(dataset: Dataset, where: str | Path) -> bool:
    if dataset.get("SOPClassUID") == _CT_STORAGE:
        return True
    modality = dataset.get("Modality") or "none"
    if modality != "CT" and modality not in _XRAY:
        known = ", ".join(("CT", *_XRAY))
        raise InputError(f"{where}: expected Modality {known}. Received: {modality}")
    return modality == "CT"


def _hounsfield(dataset: Dataset, stored: np.ndarray, where: str | Path) -> np.ndarray:
    rescaled = "RescaleSlope" in dataset and "RescaleIntercept" in dataset
    if not rescaled and "ModalityLUTSequence" not in dataset:
        raise InputError(f"{where}: CT without RescaleSlope and RescaleIntercept: HU are unknown")
    if dataset.get("RescaleType") in _NOT_HOUNSFIELD:
        raise InputError(f"{where}: expected CT in HU. Received: RescaleType {dataset.RescaleType}")
    return apply_modality_lut(stored, dataset)


def _xray_to_grey(dataset: Dataset, stored: np.ndarray) -> np.ndarray:
    """Apply the file's own presentation, to uint8; MONOCHROME1 (high values dark) is inverted."""
    values = apply_modality_lut(stored, dataset)
    if dataset.get("VOILUTSequence"):
        shown = _apply_table(dataset, values)
    elif dataset.get("WindowCenter") is not None and dataset.get("WindowWidth") is not None:
        shown = _apply_own_window(dataset, values)
    elif dataset.BitsStored <= 8:
        shown = values / (2.0**dataset.BitsStored - 1)
    else:
        inside = values[~_padding(dataset, stored)]
        low, high = (inside.min(), inside.max()) if inside.size else (0, 0)
        shown = (values - float(low)) / max(float(high) - float(low), 1.0)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        shown = 1 - shown
    return np.clip(shown * 255 + 0.5, 0, 255).astype(np.uint8)


def _apply_table(dataset: Dataset, values: np.ndarray) -> np.ndarray:
    """Apply the first VOI LUT, scaled by its highest entry: its declared depth is often wrong."""
    shown = apply_voi(np.rint(values).astype(np.int64), dataset, index=0).astype(np.float64)
    entries = dataset.VOILUTSequence[0].LUTData
    entries = np.frombuffer(entries, np.uint16) if isinstance(entries, bytes) else entries
    return shown / max(float(np.max(entries)), 1.0)


def _apply_own_window(dataset: Dataset, values: np.ndarray) -> np.ndarray:
    """Apply the first window of the file, to 0..1, by its VOI LUT Function (PS3.3 C.11.2.1.3)."""
    names = ("WindowCenter", "WindowWidth")
    centre, width = (float(np.ravel(dataset[name].value)[0]) for name in names)
    function = dataset.get("VOILUTFunction") or "LINEAR"
    if function == "SIGMOID":
        return 1 / (1 + np.exp(-4 * (values - centre) / width))
    if function == "LINEAR_EXACT":
        return np.clip((values - centre) / width + 0.5, 0, 1)
    return np.clip((values - (centre - 0.5)) / max(width - 1, 1e-6) + 0.5, 0, 1)


def _padding(dataset: Dataset, stored: np.ndarray) -> np.ndarray:
    """Return the mask of padding pixels (Pixel Padding Value, PS3.3 C.7.5.1.1.2).

    The value is read in the pixels' type: many files write a negative value as unsigned.
    """
    if dataset.get("PixelPaddingValue") is None:
        return np.zeros(stored.shape, bool)
    limit = dataset.get("PixelPaddingRangeLimit")
    last = dataset.PixelPaddingValue if limit is None else limit
    low, high = sorted(np.array([dataset.PixelPaddingValue, last]).astype(stored.dtype))
    return (stored >= low) & (stored <= high)


def _kind(dataset: Dataset) -> str:
    """Return the name of the file's SOP class, such as "Basic Text SR Storage"."""
    uid = dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID")
    return uid.name if uid else "an unknown kind of file"


@contextmanager
def _explained(where: str | Path, what: str) -> Iterator[None]:
    """Turn errors of pydicom and its decoders on bad files into InputError naming the file."""
    try:
        yield
    except InputError:
        raise
    except _BAD_FILE as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{where}: {what}: {reason}") from None
