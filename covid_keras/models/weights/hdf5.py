"""Arrays of HDF5 files from elsewhere: those in the file itself, no larger than weights are."""

import h5py
import numpy as np

LARGEST = 2**30
"""Bytes of one tensor; the largest of a published network here has 0.7 GB."""


def refuse_links(file: h5py.File) -> None:
    """Raise ValueError if a group of the file holds a link, which may lead to another file."""
    if link := file.visititems_links(
        lambda name, link: None if isinstance(link, h5py.HardLink) else name
    ):
        raise ValueError(f"{link} is a link, which weights files do not have")


def stored(group: h5py.Group, name: str) -> np.ndarray:
    """Return the array at the path `name`.

    Raises:
        ValueError: it is no array, or one of other files, or unpacks to more than `LARGEST` bytes.
    """
    dataset = group[name]
    if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual:
        raise ValueError(f"{name} is not an array of this file")
    if dataset.nbytes > LARGEST:
        raise ValueError(f"{name} has {dataset.nbytes:,} bytes, more than any weights")
    return dataset[()]
