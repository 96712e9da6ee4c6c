"""Tags of DICOM headers that describe images and patients. No pixels are read."""

import hashlib
import hmac
import logging
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pandas as pd

from covid_keras.images.dicom import dicom_texts
from covid_keras.images.formats import HEAD, is_dicom, read_bytes
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

_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0, "": 1.0}

_log = logging.getLogger(__name__)


def image_tags(root: Path, images: Sequence[str]) -> pd.DataFrame:
    """Return a row for each of `images` and a column for each of `TAGS`; str, "" where not known.

    The age is in years. Files that are not DICOM or cannot be read have "" everywhere; without any
    DICOM file there are no columns.

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

    The pseudonym is a hash, keyed by the instance UIDs of all the files: it is the same wherever
    these files are, and nobody without them can try ids. If each of several classes has a single
    id, anonymisation has set it: all ids are taken as unknown, with a warning.

    Args:
        root: the folder that `images` are relative to.
        labels: the class of each image.
    """
    headers = dict(_headers(root, images, ("PatientID", "SOPInstanceUID")))
    names = {place: name for place, (name, _) in headers.items() if name}
    pairs = {(labels[place], name) for place, name in names.items()}
    classes = sorted({label for label, _ in pairs})
    if len(pairs) == len(classes) > 1:
        _log.warning(
            "%s: all %d DICOM files of a class have the same PatientID, in each of the classes %s:"
            " it does not identify patients; patients are taken as unknown",
            *(root, len(names), ", ".join(classes)),
        )
        names = {}
    pseudonym = pseudonyms(uid for _, uid in headers.values())
    return [pseudonym("p", names.get(place, "")) for place in range(len(images))]


def pseudonyms(uids: Iterable[str]) -> Callable[[str, str], str]:
    """Return a function from a letter and an id to a pseudonym, "" for no id.

    It is a hash of the id, keyed by the instance UIDs of the files that ids are taken from.
    """
    key = hashlib.sha256(" ".join(sorted(uids)).encode()).digest()

    def pseudonym(letter: str, name: str) -> str:
        return letter + hmac.digest(key, name.encode(), "sha256").hex()[:12] if name else ""

    return pseudonym


def series_and_slice(path: Path) -> tuple[str, str]:
    """Return SeriesNumber and InstanceNumber of a DICOM file; "" where they are not known."""
    found = dict(_headers(path.parent, [path.name], ("SeriesNumber", "InstanceNumber")))
    return found.get(0, ("", ""))


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
        if image.lower().endswith((".png", ".jpg", ".jpeg")):
            continue
        with suppress(InputError):  # reported when its pixels are read
            if is_dicom(read_bytes(root / image, HEAD)):
                yield place, tuple(map(sys.intern, dicom_texts(root / image, keywords)))
