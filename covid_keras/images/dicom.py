"""Single-frame DICOM files, CT or X-ray, to uint8 grey.

CT is brought to Hounsfield units by the file's own slope and intercept (or modality table) and then
through the declared window. An X-ray (CR, DX and any other projection) has no units: the file's own
grey table or window is applied where it has one; without one, 8-bit values are kept as they are,
and deeper ones are stretched from their lowest to their highest value in the image. Nothing is
guessed from the value range. References: DICOM PS3.3 C.11.1, C.11.2 and C.7.6.3.
"""

import io
import struct
from collections.abc import Iterator, MutableSequence, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from covid_keras.utils.errors import InputError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_CT_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
_XRAY = ("CR", "DX", "RG", "RF", "XA", "OT")
"""Modalities that hold X-ray projections; OT (other) is what converted public sets often say."""

_NOT_HOUNSFIELD = ("MGML", "Z_EFF", "ED", "EDW", "PCT", "OD")
"""Rescale Types of dual-energy maps that also call themselves CT."""

_BAD_FILE = (AttributeError, EOFError, IndexError, KeyError, NotImplementedError, OSError)
_BAD_FILE += (RuntimeError, TypeError, ValueError, struct.error)
"""What pydicom and its decoders raise on files that are damaged or that they do not support; beside
these, errors of pydicom's own."""


def apply_window(values: np.ndarray, window: tuple[float, float]) -> np.ndarray:
    """Hounsfield units to uint8 by (centre, width): DICOM's LINEAR_EXACT, PS3.3 C.11.2.1.3.2.

    255 * ((x - centre) / width + 0.5), clipped to 0..255 and rounded half up: -600/1500 sends
    -1350 HU and less to 0, and 150 HU and more to 255.

    Args:
        values: any shape, integer or float.

    Returns:
        uint8 of the same shape.
    """
    centre, width = window
    if not width > 0:
        raise InputError(f"window: expected a positive width in HU. Received: {window}")
    scaled = (np.asarray(values, np.float32) - np.float32(centre - width / 2)) * (255.0 / width)
    return np.clip(scaled + 0.5, 0, 255).astype(np.uint8)


def is_dicom(data: bytes) -> bool:
    """Whether the first bytes are DICOM, with or without the preamble and file-meta header.

    A file without preamble is known by its first data element: group 0002 or 0008 in little
    endian, then a two-letter type (explicit VR) or a small length (implicit VR).
    """
    if has_preamble(data):
        return True
    if len(data) < 8 or data[:2] not in (b"\x02\x00", b"\x08\x00"):
        return False
    explicit = data[4:6].isalpha() and data[4:6].isupper()
    return explicit or int.from_bytes(data[4:8], "little") <= 64


def has_preamble(data: bytes) -> bool:
    """Whether the bytes begin with a DICOM preamble: "DICM" after 128 bytes."""
    return data[128:132] == b"DICM"


def read_dicom(path: str | Path, window: tuple[float, float]) -> np.ndarray:
    """Read a single-frame DICOM file as uint8 grey (H, W); see `decode_dicom`."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    return decode_dicom(data, path, window)


def decode_dicom(data: bytes, where: str | Path, window: tuple[float, float]) -> np.ndarray:
    """Decode the bytes of a DICOM file as uint8 grey (H, W), 0 to 255, air dark.

    Args:
        data: the file. Compressed pixels are decoded by GDCM and OpenJPEG.
        where: names the file in errors.
        window: centre and width in Hounsfield units, for CT; X-rays do not use it.

    Raises:
        InputError: no single frame of pixels, a CT without Hounsfield units, or damaged.
    """
    dataset = _parse(data, where, pixels=True)
    _check_single_frame(dataset, where)
    stored = _pixels(dataset, where)
    if stored.ndim == 3:
        return _colour_to_grey(stored)
    with _explained(where, "damaged DICOM header"):
        if _is_ct(dataset, where):
            grey = apply_window(_hounsfield(dataset, stored, where), window)
        else:
            grey = _xray_to_grey(dataset, stored)
        grey[_padding(dataset, stored)] = 0
    return grey


def dicom_size(path: str | Path) -> tuple[int, int]:
    """(width, height) in pixels from the header. Raises InputError as `read_dicom`."""
    with open(path, "rb") as file:
        dataset = _parse(file, path, pixels=False)
    if "Rows" not in dataset or "Columns" not in dataset:
        raise InputError(f"{path}: DICOM without an image: {_kind(dataset)}")
    return int(dataset.Columns), int(dataset.Rows)


def dicom_mode(path: str | Path) -> tuple[str, int]:
    """Photometric interpretation and bits stored. Raises InputError as `read_dicom`."""
    with open(path, "rb") as file:
        dataset = _parse(file, path, pixels=False)
    stored = dataset.get("BitsStored", dataset.get("BitsAllocated", 0))
    return str(dataset.get("PhotometricInterpretation", "not stated")), int(stored)


def dicom_texts(path: str | Path, keywords: Sequence[str]) -> list[str]:
    """What the header says of each of `keywords`, such as PatientID; "" where it says nothing.

    Several values that differ are joined by a backslash, as DICOM does; numbers are in their
    shortest form. Raises InputError as `read_dicom`.
    """
    try:
        with open(path, "rb") as file:
            dataset = _parse(file, path, pixels=False, only=keywords)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    return [_text(dataset, keyword) for keyword in keywords]


def _text(dataset: "Dataset", keyword: str) -> str:
    try:
        value = dataset.get(keyword)
    except _bad_file():  # one element that cannot be understood says nothing of the others
        return ""
    values = value if isinstance(value, MutableSequence) else [value]
    return "\\".join(dict.fromkeys(_one_text(one) for one in values))


def _one_text(value) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return " ".join(str(value).split()) if isinstance(value, (str, int)) else ""


def _parse(source, where: str | Path, pixels: bool, only: Sequence[str] | None = None) -> "Dataset":
    """The data set; a missing file-meta header is completed with the encoding that was seen.

    `only` names the elements that are needed, by keyword; None is all.
    """
    import pydicom
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    needed = None if only is None else ["SOPClassUID", "Rows", *only]
    with _explained(where, "damaged or truncated DICOM"):
        dataset = pydicom.dcmread(
            stream, force=True, stop_before_pixels=not pixels, specific_tags=needed
        )
    if "SOPClassUID" not in dataset and "Rows" not in dataset:
        kind = _kind(dataset)
        raise InputError(f"{where}: expected a DICOM image. Received: {kind}, no image elements")
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return dataset


def _check_single_frame(dataset: "Dataset", where: str | Path) -> None:
    frames = int(dataset.get("NumberOfFrames") or 1)
    if frames > 1:
        raise InputError(
            f"{where}: expected a single slice. Received: multi-frame DICOM with {frames} frames;"
            " export its slices first"
        )
    if "PixelData" not in dataset:
        raise InputError(f"{where}: DICOM without pixel data: {_kind(dataset)}")


def _pixels(dataset: "Dataset", where: str | Path) -> np.ndarray:
    """Stored values (H, W), or RGB (H, W, 3), of the data set's own integer type."""
    from pydicom.pixels import apply_color_lut

    with _explained(where, "DICOM pixels cannot be decoded"):
        stored = dataset.pixel_array
        if dataset.PhotometricInterpretation == "PALETTE COLOR":
            stored = apply_color_lut(stored, dataset)
        return stored


def _colour_to_grey(rgb: np.ndarray) -> np.ndarray:
    """Secondary captures: the same grey rule as for PNG and JPEG."""
    if rgb.dtype == np.uint16:
        rgb = (rgb >> 8).astype(np.uint8)
    return cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)


def _is_ct(dataset: "Dataset", where: str | Path) -> bool:
    if dataset.get("SOPClassUID") == _CT_STORAGE:
        return True
    modality = dataset.get("Modality") or "none"
    if modality != "CT" and modality not in _XRAY:
        known = ", ".join(("CT", *_XRAY))
        raise InputError(f"{where}: expected Modality {known}. Received: {modality}")
    return modality == "CT"


def _hounsfield(dataset: "Dataset", stored: np.ndarray, where: str | Path) -> np.ndarray:
    from pydicom.pixels import apply_modality_lut

    rescaled = "RescaleSlope" in dataset and "RescaleIntercept" in dataset
    if not rescaled and "ModalityLUTSequence" not in dataset:
        raise InputError(f"{where}: CT without RescaleSlope and RescaleIntercept: HU are unknown")
    if dataset.get("RescaleType") in _NOT_HOUNSFIELD:
        raise InputError(f"{where}: expected CT in HU. Received: RescaleType {dataset.RescaleType}")
    return apply_modality_lut(stored, dataset)


def _xray_to_grey(dataset: "Dataset", stored: np.ndarray) -> np.ndarray:
    """The file's own presentation, to uint8; MONOCHROME1 (high values dark) is inverted."""
    from pydicom.pixels import apply_modality_lut

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


def _apply_table(dataset: "Dataset", values: np.ndarray) -> np.ndarray:
    """The first VOI LUT, scaled by its own highest entry: its declared depth is often wrong."""
    from pydicom.pixels import apply_voi

    whole = np.rint(values).astype(np.int64)
    shown = apply_voi(whole, dataset, index=0).astype(np.float64)
    entries = dataset.VOILUTSequence[0].LUTData
    highest = (
        np.frombuffer(entries, np.uint16).max() if isinstance(entries, bytes) else max(entries)
    )
    return shown / max(float(highest), 1.0)


def _apply_own_window(dataset: "Dataset", values: np.ndarray) -> np.ndarray:
    """The first window of the file to 0..1, by its VOI LUT Function (PS3.3 C.11.2.1.3)."""
    centre, width = (_first(dataset[name].value) for name in ("WindowCenter", "WindowWidth"))
    function = dataset.get("VOILUTFunction") or "LINEAR"
    if function == "SIGMOID":
        return 1 / (1 + np.exp(-4 * (values - centre) / width))
    if function == "LINEAR_EXACT":
        return np.clip((values - centre) / width + 0.5, 0, 1)
    return np.clip((values - (centre - 0.5)) / max(width - 1, 1e-6) + 0.5, 0, 1)


def _padding(dataset: "Dataset", stored: np.ndarray) -> np.ndarray:
    """Where the file says that there is no image (Pixel Padding Value, PS3.3 C.7.5.1.1.2).

    The value is read in the type of the pixels: many files write a negative one as unsigned.
    """
    if dataset.get("PixelPaddingValue") is None:
        return np.zeros(stored.shape, bool)
    limit = dataset.get("PixelPaddingRangeLimit")
    last = dataset.PixelPaddingValue if limit is None else limit
    low, high = sorted(np.array([dataset.PixelPaddingValue, last]).astype(stored.dtype))
    return (stored >= low) & (stored <= high)


def _first(value) -> float:
    return float(value[0] if hasattr(value, "__len__") else value)


def _kind(dataset: "Dataset") -> str:
    """What the file says that it is, such as "Basic Text SR Storage"."""
    uid = dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID")
    return uid.name if uid else "an unknown kind of file"


@contextmanager
def _explained(where: str | Path, what: str) -> Iterator[None]:
    """Turn what pydicom and its decoders raise on bad files into InputError naming the file."""
    try:
        yield
    except InputError:
        raise
    except _bad_file() as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{where}: {what}: {reason}") from None


def _bad_file() -> tuple[type[Exception], ...]:
    from pydicom.errors import BytesLengthException, InvalidDicomError

    return (*_BAD_FILE, BytesLengthException, InvalidDicomError)
