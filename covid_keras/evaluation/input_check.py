"""Learn from a run's own images what images its network can be asked about."""

import logging

import numpy as np

from covid_keras.datasets.records import evenly_spaced
from covid_keras.images.appearance import TURNED, layout
from covid_keras.images.headers import read_header
from covid_keras.metrics import input_check
from covid_keras.metrics.input_check import LEAST, Looks
from covid_keras.pipeline.samples import Samples
from covid_keras.runs.inference import Trained, features
from covid_keras.runs.input_check_file import write_input_check
from covid_keras.runs.run import Run

MOST = 1000
"""Images of a split that are read; of more, as many evenly spaced ones."""

_log = logging.getLogger(__name__)


def fit_input_check(run: Run, trained: Trained) -> None:
    """Compare images of val with those of train, and write input_check.npz.

    Says why not where a split has fewer than `LEAST` images.

    Raises:
        InputError: an image cannot be read.
    """
    train, val = (_samples(run, trained, split) for split in ("train", "val"))
    if fewer := [samples for samples in (train, val) if len(samples) < LEAST]:
        least = f"expected {LEAST} images of train and of val"
        _log.info("no input check for predict: %s. Received: %d", least, len(fewer[0]))
        return
    turned = [
        np.stack([layout(turn(train.read(index))) for index in range(len(train))])
        for turn in TURNED.values()
    ]
    check = input_check.fit(_looks(trained, train), turned, _looks(trained, val))
    write_input_check(run.path, check)


def _samples(run: Run, trained: Trained, split: str) -> Samples:
    records = run.split(split)
    records = records.iloc[evenly_spaced(len(records), MOST)].reset_index(drop=True)
    spec = trained.recipe.input
    geometry = spec.geometry(spec.crop)
    return Samples(records, run.data_root(), trained.classes, **geometry, repeated=True)


def _looks(trained: Trained, samples: Samples) -> Looks:
    headers = [read_header(samples.root / image) for image in samples.images]
    sizes = [(header.width, header.height) for header in headers]
    images = [samples.read(index) for index in range(len(samples))]
    return input_check.looks_of(images, sizes, features(trained, samples))
