"""Stored values of a DICOM file to uint8 grey (DICOM PS3.3 C.11.1, C.11.2 and C.7.6.3).

CT values become Hounsfield units by the file's slope and intercept (or modality table), then grey
by the declared window. X-rays have no units: the file's own grey table or window is applied, else
8-bit values are kept and deeper ones stretched from the 0.5th to the 99.5th percentile, so that
neither a hot pixel nor a dead row decides the greys of all others.
"""

import logging
import math
from collections.abc import MutableSequence
from pathlib import Path

import cv2
import numpy as np
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi
from pydicom.tag import Tag

from covid_keras.utils.errors import InputError

_log = logging.getLogger(__name__)

STRETCH = (0.5, 99.5)
"""Percentiles that become black and white in a deep X-ray without a window."""
_NOT_HOUNSFIELD = ("MGML", "Z_EFF", "ED", "EDW", "PCT", "OD")
"""Rescale Types of dual-energy maps that also call themselves CT."""
_PALETTES = [
    f"{segmented}{colour}PaletteColorLookupTableData"
    for segmented in ("", "Segmented")
    for colour in ("Red", "Green", "Blue", "Alpha")
]


def numbers(dataset: Dataset, keyword: str, where: str | Path) -> list[float]:
    """Return the values of one element; none where it is missing or empty.

    Raises:
        InputError: a value is no finite number; tag and value are named.
    """
    try:
        value = dataset.get(keyword)
        values = value if isinstance(value, MutableSequence) else [value]
        found = [float(number) for number in values if number not in (None, "")]
        if all(map(math.isfinite, found)):
            return found
        received = next(number for number in found if not math.isfinite(number))
    except Exception as error:  # pydicom raises its own and others' kinds
        received = " ".join(str(error).split())
    tag = Tag(tag_for_keyword(keyword))
    raise InputError(f"{where}: {keyword} {tag}: expected finite numbers. Received: {received}")


def whole_number(dataset: Dataset, keyword: str, where: str | Path, default: int) -> int:
    """Return the first value of an element, as an integer; `default` where there is none."""
    return int(next(iter(numbers(dataset, keyword, where)), default))


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


def colour_to_grey(dataset: Dataset, stored: np.ndarray, where: str | Path) -> np.ndarray:
    """Turn RGB of 8 to 16 bits into uint8 grey by the rule of PNG and JPEG."""
    bits = 8 * stored.dtype.itemsize
    if dataset.PhotometricInterpretation != "PALETTE COLOR":
        bits = whole_number(dataset, "BitsStored", where, bits)
    if stored.dtype.kind != "u" or stored.dtype.itemsize > 2 or not 8 <= bits <= 16:
        kind = f"{bits} bits of type {stored.dtype.name}"
        raise InputError(f"{where}: expected colours of 8 to 16 bits. Received: {kind}")
    high_byte = (stored >> (bits - 8)).astype(np.uint8)
    return cv2.cvtColor(np.ascontiguousarray(high_byte[..., :3]), cv2.COLOR_RGB2GRAY)


def apply_palette(dataset: Dataset, stored: np.ndarray) -> np.ndarray:
    """Look the colours of PALETTE COLOR up; pydicom takes a table's bytes as little endian."""
    tables = Dataset()
    tables.update(dataset)
    if not dataset.original_encoding[1]:
        for keyword in filter(dataset.__contains__, _PALETTES):
            setattr(
                tables,
                keyword,
                np.frombuffer(dataset[keyword].value, ">u2").astype("<u2").tobytes(),
            )
    return apply_color_lut(stored, tables)


def ct_to_grey(
    dataset: Dataset, stored: np.ndarray, window: tuple[float, float], where: str | Path
) -> np.ndarray:
    """Turn CT values into Hounsfield units, and these into grey by `window`."""
    if dataset.get("RescaleType") in _NOT_HOUNSFIELD:
        raise InputError(f"{where}: expected CT in HU. Received: RescaleType {dataset.RescaleType}")
    values = _rescale(dataset, stored, where)
    if values is None:
        raise InputError(f"{where}: CT without RescaleSlope and RescaleIntercept: HU are unknown")
    return apply_window(values, window)


def xray_to_grey(dataset: Dataset, stored: np.ndarray, where: str | Path) -> np.ndarray:
    """Apply the file's own presentation, to uint8; MONOCHROME1 (high values dark) is inverted."""
    values = _rescale(dataset, stored, where)
    values = stored if values is None else values
    bits = whole_number(dataset, "BitsStored", where, 8 * stored.dtype.itemsize)
    window = _own_window(dataset, where)
    if dataset.get("VOILUTSequence"):
        shown = _apply_table(dataset, values)
    elif window is not None:
        shown = _apply_own_window(dataset, values, *window)
    elif 1 <= bits <= 8:
        shown = values / (2.0**bits - 1)
    else:
        shown = _stretch(values, values[~padding(dataset, stored)])
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        shown = 1 - shown
    return np.clip(shown * 255 + 0.5, 0, 255).astype(np.uint8)


def _rescale(dataset: Dataset, stored: np.ndarray, where: str | Path) -> np.ndarray | None:
    """Apply the modality table, or slope and intercept; None where the file has neither."""
    if any(len(item) for item in dataset.get("ModalityLUTSequence") or ()):
        return apply_modality_lut(stored, dataset)
    slope = numbers(dataset, "RescaleSlope", where)
    intercept = numbers(dataset, "RescaleIntercept", where)
    if not slope or not intercept:
        return None
    if slope[0] == 0:
        raise InputError(f"{where}: RescaleSlope (0028,1053): expected not 0. Received: 0")
    return stored.astype(np.float64) * slope[0] + intercept[0]


def _stretch(values: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Map the percentiles `STRETCH` of the values `inside` to 0 and 1."""
    if not inside.size:
        return np.zeros(values.shape)
    low, high = np.percentile(inside, STRETCH)
    if low == high:  # nearly everything has one value
        low, high = float(inside.min()), float(inside.max())
    return (values - low) / max(high - low, 1.0)


def _apply_table(dataset: Dataset, values: np.ndarray) -> np.ndarray:
    """Apply the first VOI LUT, scaled by its highest entry: its declared depth is often wrong."""
    shown = apply_voi(np.rint(values).astype(np.int64), dataset, index=0).astype(np.float64)
    entries = dataset.VOILUTSequence[0].LUTData
    order = "<u2" if dataset.original_encoding[1] else ">u2"
    entries = np.frombuffer(entries, order) if isinstance(entries, bytes) else entries
    return shown / max(float(np.max(entries)), 1.0)


def _own_window(dataset: Dataset, where: str | Path) -> tuple[float, float] | None:
    """Return centre and width of the file's first window; None without a valid one."""
    centre, width = (numbers(dataset, key, where) for key in ("WindowCenter", "WindowWidth"))
    if not centre or not width:
        return None
    function = dataset.get("VOILUTFunction") or "LINEAR"
    exact = function in ("SIGMOID", "LINEAR_EXACT")
    if width[0] > 0 if exact else width[0] >= 1:
        return centre[0], width[0]
    need = "more than 0" if exact else "1 or more"
    _log.warning(
        "%s: WindowWidth (0028,1051): expected %s for %s. Received: %g; read as without a window",
        where, need, function, width[0],
    )  # fmt: skip
    return None


def _apply_own_window(
    dataset: Dataset, values: np.ndarray, centre: float, width: float
) -> np.ndarray:
    """Apply the first window of the file, to 0..1, by its VOI LUT Function (PS3.3 C.11.2.1.3)."""
    function = dataset.get("VOILUTFunction") or "LINEAR"
    if function == "SIGMOID":
        return 1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -99, 99)))
    if function == "LINEAR_EXACT":
        return np.clip((values - centre) / width + 0.5, 0, 1)
    return np.clip((values - (centre - 0.5)) / max(width - 1, 1e-6) + 0.5, 0, 1)


def padding(dataset: Dataset, stored: np.ndarray) -> np.ndarray:
    """Return the mask of padding pixels (Pixel Padding Value, PS3.3 C.7.5.1.1.2).

    The value is read in the pixels' type: many files write a negative value as unsigned.
    """
    if dataset.get("PixelPaddingValue") is None:
        return np.zeros(stored.shape, bool)
    limit = dataset.get("PixelPaddingRangeLimit")
    last = dataset.PixelPaddingValue if limit is None else limit
    low, high = sorted(np.array([dataset.PixelPaddingValue, last]).astype(stored.dtype))
    return (stored >= low) & (stored <= high)
