"""What the headers of DICOM files say of images and patients, beside the pixels.

Files named like a PNG or JPEG are not opened. One header at a time is in memory, without pixels.
"""

import hashlib
import logging
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from covid_keras.images.dicom import dicom_texts
from covid_keras.images.files import is_dicom, read_bytes
from covid_keras.utils.errors import InputError

TAGS = {
    "age": "PatientAge",
    "sex": "PatientSex",
    "view": "ViewPosition",
    "modality": "Modality",
    "manufacturer": "Manufacturer",
    "model": "ManufacturerModelName",
    "station": "StationName",
    "institution": "InstitutionName",
    "kvp": "KVP",
    "slice_thickness": "SliceThickness",
    "convolution_kernel": "ConvolutionKernel",
    "body_part": "BodyPartExamined",
    "burned_in_annotation": "BurnedInAnnotation",
    "pixel_spacing": "PixelSpacing",
}
"""{our column: DICOM keyword}. The photometric interpretation is the audit's `mode`."""

_NEVER_DICOM = (".png", ".jpg", ".jpeg")
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0, "": 1.0}
_PREAMBLE = 132

_log = logging.getLogger(__name__)


def image_tags(root: Path, images: Sequence[str]) -> pd.DataFrame:
    """Return a row for each of `images` and a column for each of `TAGS`; str, "" where not known.

    The age is in years. Files that are not DICOM, missing or unreadable have "" everywhere;
    without any DICOM file there are no columns.

    Args:
        root: the folder that `images` are relative to.
    """
    values = dict(_headers(root, images, tuple(TAGS.values())))
    if not values:
        return pd.DataFrame(index=range(len(images)))
    table = pd.DataFrame(list(values.values()), list(values), list(TAGS), dtype="str")
    table["age"] = table["age"].map(years).astype("str")
    return table.reindex(range(len(images)), fill_value="")


def patient_ids(root: Path, images: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Return a pseudonym for the PatientID of each image, "" if it has none or is not DICOM.

    The pseudonym is a hash: no PatientID is written into a run, and whoever knows the ids can find
    them again. If each of several classes has a single id, it was set by anonymisation and is no
    patient: all ids are taken as unknown, with a warning.

    Args:
        root: the folder that `images` are relative to.
        labels: the class of each image.
    """
    names = {place: name for place, (name,) in _headers(root, images, ("PatientID",)) if name}
    pairs = {(labels[place], name) for place, name in names.items()}
    classes = sorted({label for label, _ in pairs})
    if len(pairs) == len(classes) > 1:
        _log.warning(
            "%s: all %d DICOM files of a class have the same PatientID, in each of the classes %s:"
            " it does not identify patients; patients are taken as unknown",
            *(root, len(names), ", ".join(classes)),
        )
        names = {}
    return [_pseudonym(names[place]) if place in names else "" for place in range(len(images))]


def _pseudonym(name: str) -> str:
    return "p" + hashlib.sha256(name.encode()).hexdigest()[:12]


def years(age: str) -> str:
    """Return a DICOM age such as "054Y", "018M", "006W" or "009D" in years, "54"; "" if it is bad.

    An age without a unit, as in many public sets, is in years.
    """
    parts = re.fullmatch(r"(\d{1,3})([DWMY]?)", age.upper())
    return f"{round(int(parts[1]) * _YEARS[parts[2]], 2):g}" if parts else ""


def _headers(
    root: Path, images: Sequence[str], keywords: tuple[str, ...]
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield (position in `images`, values of `keywords`) of each readable DICOM file."""
    for place, image in enumerate(images):
        if image.lower().endswith(_NEVER_DICOM):
            continue
        try:
            if not is_dicom(read_bytes(root / image, _PREAMBLE)):
                continue
            values = dicom_texts(root / image, keywords)
        except InputError:
            continue  # reported when its pixels are read
        yield place, tuple(sys.intern(value) for value in values)
