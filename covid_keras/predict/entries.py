"""Entries: the images to answer, and their pixels."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np

from covid_keras.datasets.label_files import Row
from covid_keras.datasets.records import make_table
from covid_keras.images.formats import read_bytes
from covid_keras.images.lungs import LEAST_AIR, air_in_body
from covid_keras.images.read import read_image
from covid_keras.pipeline.samples import Samples
from covid_keras.predict.model import Model
from covid_keras.predict.status import LEFT_OUT
from covid_keras.utils.errors import InputError


@dataclass(frozen=True, slots=True)
class Entry:
    """One image to answer: where it lies, and what is known before its pixels are read."""

    image: str
    """Absolute path."""
    source: str
    """The input, as given, that it was found in."""
    patient: str = ""
    study: str = ""
    """Pseudonyms of PatientID and StudyInstanceUID; "" where not known."""
    series: str = ""
    """SeriesNumber."""
    view: str = ""
    """ViewPosition of an X-ray."""
    ct: bool = False
    """Whether it is a slice of CT in Hounsfield units."""
    reason: str = ""
    """Why it has no answer, known before its pixels are read."""

    def content(self) -> Path | BytesIO:
        """Return what a header can be read from."""
        return Path(self.image)

    def head(self, size: int) -> bytes:
        """Return the first bytes. Raises InputError if they cannot be read."""
        return read_bytes(self.image, size)


@dataclass
class EntrySamples(Samples):
    """Entries as the samples that the network takes."""

    entries: Sequence[Entry] = field(default_factory=list)
    sizes: dict[int, tuple[int, int]] = field(default_factory=dict)
    """{index: width and height of an image that was read}."""

    def grey(self, index: int) -> np.ndarray:
        """Read the whole image of an entry, uint8 (H, W).

        Raises:
            InputError: it cannot be read, or is a slice of CT outside of the lungs.
        """
        entry = self.entries[index]
        grey = read_image(entry.image, window=self.window, levels=self.levels)
        if entry.ct and air_in_body(grey) < LEAST_AIR:
            need = f"air fills less than {100 * LEAST_AIR:g} % of the body"
            raise InputError(f"{LEFT_OUT}outside of the lungs: {need}")
        self.sizes[index] = grey.shape[::-1]
        return grey

    def read_or_reason(self, index: int) -> np.ndarray | str:
        """Return sample `index`, or why it has no answer."""
        entry = self.entries[index]
        if entry.reason:
            return entry.reason
        try:
            return self.read(index)
        except InputError as error:
            return str(error).removeprefix(f"{entry.image}: ")


def samples_of(entries: Sequence[Entry], model: Model) -> EntrySamples:
    """Return the entries as samples of the model's size."""
    spec = model.recipe.input
    records = make_table(Row(e.image, label="", patient=e.patient) for e in entries)
    geometry = spec.geometry(spec.crop)
    return EntrySamples(records, Path(), model.classes, **geometry, entries=entries)
