"""What the headers of DICOM files say of images and patients, beside the pixels.

Only files that can be DICOM are opened: one that is named like a PNG or JPEG is not. One header is
in memory at a time, up to its pixels.
"""

import hashlib
import logging
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from covid_keras.images import dicom
from covid_keras.images.read import read_bytes
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
"""{our column: DICOM's keyword}. The photometric interpretation is the audit's `mode`."""

_NEVER_DICOM = (".png", ".jpg", ".jpeg")
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0, "": 1.0}
_PREAMBLE = 132

_log = logging.getLogger(__name__)


def image_tags(root: Path, images: Sequence[str]) -> pd.DataFrame:
    """A row for each of `images`, a column for each of `TAGS`; strings, "" where not known.

    The age is in years. What is no DICOM, is missing or cannot be read has "" everywhere; without
    any DICOM there are no columns.

    Args:
        root: the folder that `images` are relative to.
    """
    found = dict(_headers(root, images, tuple(TAGS.values())))
    if not found:
        return pd.DataFrame(index=range(len(images)))
    table = pd.DataFrame(list(found.values()), list(found), list(TAGS), dtype="str")
    table["age"] = table["age"].map(years).astype("str")
    return table.reindex(range(len(images)), fill_value="")


def patient_ids(root: Path, images: Sequence[str], labels: Sequence[str]) -> list[str]:
    """A pseudonym for the PatientID of each image, "" where it is no DICOM or has none.

    The pseudonym is a hash, so that no id is written into what a run leaves; who knows the ids can
    find them again. Where each of several classes has one id only, that is what anonymising leaves,
    no patient: then all are unknown, and a warning says so.

    Args:
        root: the folder that `images` are relative to.
        labels: the class of each image.
    """
    found = {place: name for place, (name,) in _headers(root, images, ("PatientID",)) if name}
    pairs = {(labels[place], name) for place, name in found.items()}
    classes = sorted({label for label, _ in pairs})
    if len(pairs) == len(classes) > 1:
        _log.warning(
            "%s: all %d DICOM files of a class have one PatientID, in each of the classes %s: that"
            " is no patient id; patients are taken as unknown",
            *(root, len(found), ", ".join(classes)),
        )
        found = {}
    return [_pseudonym(found[place]) if place in found else "" for place in range(len(images))]


def _pseudonym(name: str) -> str:
    return "p" + hashlib.sha256(name.encode()).hexdigest()[:12]


def years(age: str) -> str:
    """A DICOM age such as "054Y", "018M", "006W" or "009D" as years, "54"; "" where it is none.

    Without a unit, as in many public sets, it is taken as years.
    """
    parts = re.fullmatch(r"(\d{1,3})([DWMY]?)", age.upper())
    return f"{round(int(parts[1]) * _YEARS[parts[2]], 2):g}" if parts else ""


def _headers(
    root: Path, images: Sequence[str], keywords: tuple[str, ...]
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """(position in `images`, values of `keywords`) of each that is DICOM and can be read."""
    for place, image in enumerate(images):
        if image.lower().endswith(_NEVER_DICOM):
            continue
        try:
            if not dicom.is_dicom(read_bytes(root / image, _PREAMBLE)):
                continue
            values = dicom.dicom_texts(root / image, keywords)
        except InputError:
            continue  # whoever reads its pixels says so
        yield place, tuple(sys.intern(value) for value in values)
