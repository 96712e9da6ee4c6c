"""DICOM objects of the answers: a structured report and a key image of each patient and study.

The report is a TID 1500 Measurement Report (PS3.16) as Comprehensive SR; the key image is a
secondary capture with the words burnt in. Both are in the study of the images.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from covid_keras.images.formats import is_dicom
from covid_keras.predict.entries import EntrySamples, SliceEntry
from covid_keras.predict.model import Model
from covid_keras.utils.files import atomic_folder
from covid_keras.utils.optional import need
from covid_keras.utils.text import count

NOT_FOR_DIAGNOSIS = "NOT FOR DIAGNOSIS. Research software, not a medical device."
REPORT, KEY_IMAGE = "report.dcm", "key_image.dcm"
_SCHEME = "99COVIDKERAS"
_SERIES = 9900
"""Number of the series of the report; the key image's is one more."""
_PROCEDURES = {True: ("24627-2", "LN", "CT Chest"), False: ("30745-4", "LN", "XR Chest Views")}
_log = logging.getLogger(__name__)


def check_dicom_out() -> None:
    """Raise InputError where highdicom is not installed, before anything is predicted."""
    need("highdicom", "--dicom-out", "dicom")


def write_dicom(folder: Path, model: Model, samples: EntrySamples, table: pd.DataFrame) -> int:
    """Write a folder with `REPORT` and `KEY_IMAGE` for each answered patient and study.

    Says which have none, as their files are no DICOM, or name no study.

    Args:
        table: the answers of the samples, see `predict`.

    Returns:
        The number of folders.
    """
    places = table.groupby(["patient", "study"], sort=False).indices
    written = 0
    for row in table.attrs["patients"]:
        key = row["patient"], row["study"]
        answered = [place for place in places[key] if table["predicted"][place]]
        if not answered:
            continue
        best = max(answered, key=lambda place: table[row["predicted"]][place])
        evidence = [_header(samples, place) for place in (best, *answered)]
        if not all(evidence):
            _log.warning("no DICOM report of %s: its images are no DICOM of a study", " ".join(key))
            continue
        with atomic_folder(folder / "_".join(filter(None, key))) as temporary:
            capture = _key_image(_picture(model, samples, best, row), evidence[0])
            capture.save_as(temporary / KEY_IMAGE)
            _report(row, model, evidence[1:], samples.entries[best].ct).save_as(temporary / REPORT)
        written += 1
    return written


def _header(samples: EntrySamples, place: int) -> Dataset | None:
    """Return the header of an image; None if it is no DICOM, or of no study."""
    entry = samples.entries[place]
    if isinstance(entry, SliceEntry) or not is_dicom(entry.head()):
        return None
    found = pydicom.dcmread(entry.content(), stop_before_pixels=True, force=True)
    needed = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
    return found if all(found.get(keyword) for keyword in needed) else None


def _words(row: Mapping) -> list[str]:
    """Return what report and key image say of the answer."""
    score = f"{100 * row[row['predicted']]:.1f} %"
    return [
        NOT_FOR_DIAGNOSIS,
        f"Predicted {row['predicted']}, score {score}, from {count(row['images'], 'image')}",
        f"covid_keras {row['version']}, run {row['run']}",
        *row["stamps"].split(" · "),
        *row["tests"].split("; "),
        row["status"],
    ]


def _report(row: Mapping, model: Model, images: Sequence[Dataset], ct: bool) -> Dataset:
    """Return the structured report of one patient and study."""
    import highdicom as hd
    from highdicom.sr import CodedConcept
    from highdicom.sr.enum import RelationshipTypeValues
    from pydicom.sr.codedict import codes

    def code(value: str, meaning: str) -> CodedConcept:
        return CodedConcept(value, _SCHEME, meaning[:64])

    percent, version = CodedConcept("%", "UCUM", "percent"), str(row["version"])
    device = hd.sr.DeviceObserverIdentifyingAttributes(
        uid=generate_uid(entropy_srcs=[row["run"]]), name="covid_keras", model_name=version
    )
    algorithm = hd.sr.AlgorithmIdentification(
        name="covid_keras", version=version, parameters=[f"run {row['run']}"]
    )
    scores = [
        hd.sr.Measurement(code(f"score{number}", f"Score of {name}"), 100 * row[name], percent)
        for number, name in enumerate(model.classes)
    ]
    predicted = model.classes.index(row["predicted"])
    answer = hd.sr.QualitativeEvaluation(
        code("class", "Predicted class"), code(f"class{predicted}", row["predicted"])
    )
    group = hd.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(generate_uid(), "answer"),
        algorithm_id=algorithm,
        measurements=scores,
        qualitative_evaluations=[answer],
        source_images=[hd.sr.SourceImageForMeasurementGroup.from_source_image(i) for i in images],
    )
    content = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(
            observer_device_context=hd.sr.ObserverContext(codes.DCM.Device, device)
        ),
        procedure_reported=CodedConcept(*_PROCEDURES[ct]),
        imaging_measurements=[group],
    )
    for text in _words(row):
        comment = hd.sr.TextContentItem(codes.DCM.Comment, text, RelationshipTypeValues.CONTAINS)
        content[0].ContentSequence.append(comment)
    return hd.sr.ComprehensiveSR(
        evidence=list(images),
        content=content[0],
        series_instance_uid=generate_uid(),
        series_number=_SERIES,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="covid_keras",
        manufacturer_model_name="covid_keras",
        software_versions=version,
        device_serial_number=row["run"] or "none",
        series_description="covid_keras: not for diagnosis",
        is_complete=True,
        is_final=False,
        is_verified=False,
    )


def _key_image(pixels: np.ndarray, source: Dataset) -> Dataset:
    """Return a secondary capture in the study of `source`; pixels uint8 (H, W, 3)."""
    import highdicom as hd

    image = hd.sc.SCImage.from_ref_dataset(
        ref_dataset=source,
        pixel_array=pixels,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "P"),
        series_instance_uid=generate_uid(),
        series_number=_SERIES + 1,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="covid_keras",
        series_description="covid_keras: not for diagnosis",
    )
    image.BurnedInAnnotation = "YES"
    image.BodyPartExamined = "CHEST"  # not paired, so that no laterality is needed
    return image


def _picture(model: Model, samples: EntrySamples, place: int, row: Mapping) -> np.ndarray:
    """Draw the image with its map, where the model has layers, under the words; uint8 (H, W, 3)."""
    # These import Matplotlib: only when asked.
    from covid_keras.figures.overlay import overlay_figure

    (image, undo), words, heat = samples.whole(place), _words(row), None
    if model.trained is not None:
        heat = _heat(model, samples, place, row["predicted"])
        words.append(f"Grad-CAM for {row['predicted']}" if heat is not None else "no map")
    figure = overlay_figure(image, None if heat is None else undo(heat), words)
    figure.canvas.draw()
    return np.ascontiguousarray(np.asarray(figure.canvas.buffer_rgba())[..., :3])


def _heat(model: Model, samples: EntrySamples, place: int, name: str) -> np.ndarray | None:
    """Return the map (h, w) of a class; None where no class is likely."""
    from covid_keras.explain.explained import explain_samples
    from covid_keras.explain.maps import Explainer

    trained = model.trained
    explainer = Explainer(trained.network)
    (found,) = explain_samples(explainer, trained.preprocessing, samples, [place], name)
    return found.panel.heat
