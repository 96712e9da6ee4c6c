"""Entries: the images to answer, and their pixels."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from zipfile import ZipInfo

import numpy as np

from covid_keras.datasets.label_files import Row
from covid_keras.datasets.records import make_table
from covid_keras.images.formats import HEAD, read_bytes
from covid_keras.images.lungs import LEAST_AIR, air_in_body
from covid_keras.images.read import decode, read_image
from covid_keras.images.volumes import Volume
from covid_keras.pipeline.samples import Samples
from covid_keras.predict.model import Model
from covid_keras.predict.status import LEFT_OUT
from covid_keras.predict.zip_file import ZipImages
from covid_keras.utils.errors import InputError


@dataclass(frozen=True, slots=True)
class Entry:
    """One image to answer: where it lies, and what is known before its pixels are read."""

    image: str
    """Absolute path; behind that of a ZIP file the member, of a volume the slice, from 1."""
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

    def head(self) -> bytes:
        """Return the first bytes. Raises InputError if they cannot be read."""
        return read_bytes(self.image, HEAD)

    def grey(self, window: tuple[float, float], levels: tuple[int, int]) -> np.ndarray:
        """Return the whole image, uint8 (H, W), as `read_image` does."""
        return read_image(self.image, window=window, levels=levels)


@dataclass(frozen=True, slots=True)
class ZipEntry(Entry):
    """An image in a ZIP file."""

    archive: ZipImages = field(kw_only=True)
    member: ZipInfo = field(kw_only=True)

    def content(self) -> Path | BytesIO:
        """Return the bytes of the member."""
        return BytesIO(self.archive.read(self.member))

    def head(self) -> bytes:
        """Return the first bytes. Raises InputError if they cannot be read."""
        return self.archive.read(self.member, HEAD)

    def grey(self, window: tuple[float, float], levels: tuple[int, int]) -> np.ndarray:
        """Return the whole image, uint8 (H, W), as `read_image` does."""
        return decode(self.archive.read(self.member), self.image, window, levels)


@dataclass(frozen=True, slots=True)
class SliceEntry(Entry):
    """A slice of a volume."""

    volume: Volume = field(kw_only=True)
    number: int = field(kw_only=True)

    def grey(self, window: tuple[float, float], levels: tuple[int, int]) -> np.ndarray:
        """Return the slice, uint8 (H, W)."""
        return self.volume.grey(self.number, window)


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
        grey = entry.grey(self.window, self.levels)
        if entry.ct and air_in_body(grey, self.window) < LEAST_AIR:
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
