"""The sections with pictures: what the network looks at, and test images with its answers."""

from collections.abc import Iterator

from covid_keras.report.page import Section, Text
from covid_keras.report.pictures import pictures
from covid_keras.report.run_summary import RunSummary

NO_PROOF = (
    "A Grad-CAM map shows where the last feature map agrees with the predicted class. It does not"
    " prove that the network looks at disease: maps can look plausible for a network with random"
    " weights (Adebayo 2018) and miss the lesion in chest images (Arun 2021)."
)


def picture_sections(run: RunSummary) -> Iterator[Section]:
    """Yield the sections with the pictures that `explain` and the training drew."""
    if run.gradcam:
        yield Section("Where it looks", [Text(NO_PROOF), *pictures(run.gradcam)], open=True)
