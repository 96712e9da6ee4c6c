"""Files to predict: their records, and samples of which some cannot be read."""

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from covid_keras.datasets.dicom_tags import patient_ids
from covid_keras.datasets.label_files import Row
from covid_keras.datasets.records import make_table
from covid_keras.images.dicom import why_not_classified
from covid_keras.images.find import images_below
from covid_keras.pipeline.samples import Samples
from covid_keras.utils.errors import InputError

_log = logging.getLogger(__name__)


@dataclass
class TolerantSamples(Samples):
    """Samples of which those that cannot be read are black, and named in `problems`."""

    problems: dict[int, str] = field(default_factory=dict)
    """{index: why it cannot be read}."""

    def read(self, index: int) -> np.ndarray:
        """Read sample `index`, uint8 (height, width)."""
        try:
            return super().read(index)
        except InputError as error:
            self.problems[index] = str(error)
            return np.zeros(self.shape, np.uint8)


def records_of_files(inputs: Iterable[str | Path]) -> pd.DataFrame:
    """Return unlabelled records of image files and of all images in folders, each image once.

    DICOM files in folders that are no image to classify (localisers, reports, dose pages, DICOMDIR)
    are left out, with one warning.

    The source is the input that the image was found in, the patient a pseudonym of its PatientID.

    Raises:
        InputError: a path does not exist, or a folder holds no image.
    """
    found: dict[str, str] = {}
    for path in map(Path, inputs):
        if path.is_dir():
            if not (images := images_below(path)):
                raise InputError(f"{path}: no PNG, JPEG or DICOM files in this folder")
            images = _to_classify(path, images)
        elif path.is_file():
            images = [path]
        else:
            raise InputError(f"{path}: file not found, or neither a file nor a folder")
        for image in images:
            found.setdefault(str(image.resolve()), str(path))
    patients = patient_ids(Path(), list(found), [""] * len(found))
    return make_table(
        Row(image, label="", patient=patient, source=source)
        for (image, source), patient in zip(found.items(), patients, strict=True)
    )


def _to_classify(folder: Path, images: list[Path]) -> list[Path]:
    """Leave the files out that are no image to classify, and say how many and why."""
    reasons = {image: why_not_classified(image) for image in images}
    kept = [image for image in images if not reasons[image]]
    counts = Counter(filter(None, reasons.values()))
    if counts:
        told = "; ".join(f"{count} x {reason}" for reason, count in counts.items())
        left_out = f"{folder}: {counts.total()} of {len(images)} files left out: {told}"
        if not kept:
            raise InputError(left_out)
        _log.warning(left_out)
    return kept
