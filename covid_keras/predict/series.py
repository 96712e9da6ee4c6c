"""DICOM files by patient, study and series; which series are answered, by fixed rules.

Of CT: original, primary, axial slices of the chest; of each study the series with the most slices.
Of X-rays: every image, with its view. Everything else is left out, with the reason.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from covid_keras.datasets.dicom_tags import pseudonyms
from covid_keras.images.dicom import CT_STORAGE, XRAY, NotToClassify, header_to_classify
from covid_keras.images.formats import is_dicom
from covid_keras.predict.entries import Entry
from covid_keras.predict.status import LEFT_OUT
from covid_keras.utils.errors import InputError

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
UPRIGHT = 0.8
"""Smallest part of a slice's normal along the body's axis, a tilt of 37 degrees."""
_PARTS = (
    "ABDOMEN ABDOMENPELVIS ANKLE ARM BLADDER BRAIN BREAST CAROTID CERVIX COCCYX CSPINE ELBOW"
    " EXTREMITY EYE FEMUR FINGER FOOT HAND HEAD HEADNECK HIP HUMERUS JAW KIDNEY KNEE LEG LIVER"
    " LSPINE MAXILLA NECK ORBIT PANCREAS PELVIS PROSTATE SCROTUM SHOULDER SKULL SPLEEN SSPINE TMJ"
    " THIGH TIBIA TOE UTERUS WRIST ZYGOMA"
)
OTHER_PARTS = frozenset(_PARTS.split())
"""Terms of BodyPartExamined (PS3.16 annex L) for what is not the chest; others pass."""
_KEYWORDS = (
    *("PatientID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "SeriesNumber"),
    *("SOPClassUID", "Modality", "ImageType", "ImageOrientationPatient", "BodyPartExamined"),
    *("ViewPosition", "LossyImageCompression"),
)


@dataclass(frozen=True, slots=True)
class _Header:
    """What is kept of a DICOM header until all are read."""

    patient: str = ""
    instance: str = ""
    study: str = ""
    series: str = ""
    number: str = ""
    view: str = ""
    ct: bool = False
    capture: bool = False
    """Whether it is a secondary capture."""
    reason: str = ""


def described(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries with patient, study, series and view of DICOM files, and what is left out.

    Patients and studies are pseudonyms, which hold within one call.
    """
    headers = {place: header for place, e in enumerate(entries) if (header := _header(e))}
    pseudonym = pseudonyms(header.instance for header in headers.values())
    chosen = _longest_series(list(headers.values()))
    images = Counter(h.study for h in headers.values() if not (h.capture or h.reason))
    result = list(entries)
    for place, header in headers.items():
        reason = header.reason
        if not reason and header.capture and header.study and images[header.study]:
            reason = "secondary capture in a study with other images"
        if not reason and header.ct and header.study in chosen:
            best, number, slices = chosen[header.study]
            if header.series != best:
                reason = (
                    f"series {number} of this study is answered: it has the most slices, {slices}"
                )
        result[place] = replace(
            entries[place],
            patient=pseudonym("p", header.patient),
            study=pseudonym("s", header.study),
            series=header.number,
            view=header.view,
            ct=header.ct,
            reason=f"{LEFT_OUT}{reason}" if reason else "",
        )
    return result


def _longest_series(headers: Sequence[_Header]) -> dict[str, tuple[str, str, int]]:
    """Return {study: UID, number and slices of its CT series with the most}; first of equals."""
    slices = Counter(
        (h.study, h.series, h.number) for h in headers if h.ct and h.study and not h.reason
    )
    longest: dict[str, tuple[str, str, int]] = {}
    for (study, series, number), count in slices.items():
        if study not in longest or count > longest[study][2]:
            longest[study] = series, number, count
    return longest


def _header(entry: Entry) -> _Header | None:
    """Read the header of a DICOM file; None for others, and for damaged ones, which reading tells.

    PNG and JPEG files are not opened.
    """
    if entry.image.lower().endswith((".png", ".jpg", ".jpeg")):
        return None
    with suppress(InputError):
        if not is_dicom(entry.head()):
            return None
        try:
            values, reason = header_to_classify(entry.content(), entry.image, _KEYWORDS)
        except NotToClassify as error:
            return _Header(reason=str(error).removeprefix(f"{entry.image}: "))
        first = {keyword: sys.intern((texts or [""])[0]) for keyword, texts in values.items()}
        ct = first["SOPClassUID"] == CT_STORAGE or first["Modality"] == "CT"
        return _Header(
            patient=first["PatientID"],
            instance=first["SOPInstanceUID"],
            study=first["StudyInstanceUID"],
            series=first["SeriesInstanceUID"],
            number=first["SeriesNumber"],
            view="" if ct else first["ViewPosition"],
            ct=ct,
            capture=first["SOPClassUID"] == SECONDARY_CAPTURE,
            reason=sys.intern(reason or _why_left_out(values, first, ct)),
        )
    return None


def _why_left_out(values: dict[str, list[str]], first: dict[str, str], ct: bool) -> str:
    """Return why a file is not answered by its own header; "" if it may be."""
    part = "".join(filter(str.isalpha, first["BodyPartExamined"].upper()))
    if not ct and first["Modality"] not in XRAY:
        return f"Modality {first['Modality'] or 'none'}, neither CT nor X-ray"
    if part in OTHER_PARTS:
        return f"BodyPartExamined {first['BodyPartExamined']}"
    if not ct:
        return ""
    kind = [word.upper() for word in values["ImageType"]]
    if first["SOPClassUID"] == SECONDARY_CAPTURE or kind[1:2] == ["SECONDARY"]:
        return "secondary capture of CT"
    if kind[:1] == ["DERIVED"] and first["LossyImageCompression"] != "01":
        return f"ImageType {'/'.join(kind)}: not an original slice"
    if not _is_axial(values["ImageOrientationPatient"]):
        return "not an axial slice, by ImageOrientationPatient"
    return ""


def _is_axial(directions: Sequence[str]) -> bool:
    """Return whether a slice lies across the body, by its two directions; True if not known."""
    try:
        x1, y1, _, x2, y2, _ = map(float, directions)
    except ValueError:
        return True
    return abs(x1 * y2 - y1 * x2) >= UPRIGHT
