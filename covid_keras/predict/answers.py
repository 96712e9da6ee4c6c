"""Answers of the network, batch by batch; images are read ahead by threads."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from covid_keras.export import Outputs
from covid_keras.metrics.input_check import Finding, looks_of
from covid_keras.predict.answer_file import answer_file
from covid_keras.predict.entries import EntrySamples
from covid_keras.predict.model import Model
from covid_keras.predict.rows import image_rows, patient_rows
from covid_keras.predict.status import ANSWERED, NOT_ANSWERED, UNLIKE, WARNING, is_answered
from covid_keras.utils.progress import progress

BATCH = 16
AHEAD = 2 * BATCH
"""Images in memory beside those in the network."""


def answer(model: Model, samples: EntrySamples, out: Path | None = None) -> pd.DataFrame:
    """Answer all samples, and write the rows as they come; see `predict`.

    Args:
        out: the file to write, .csv or .jsonl; None for none.
    """
    entries, outputs, status = samples.entries, [], []
    with (
        nullcontext() if out is None else answer_file(out, model.classes) as file,
        progress("predict", total=len(samples)) as bar,
    ):
        for numbers, texts in answer_batches(model, samples):
            here = entries[len(status) : len(status) + len(texts)]
            if file is not None:
                file.add_images(image_rows(model, here, numbers, texts))
            outputs.append(numbers)
            status += texts
            bar.update(len(texts))
        outputs = np.concatenate(outputs)
        patients = patient_rows(model, entries, outputs, status)
        if file is not None:
            file.add_patients(patients)
    table = image_rows(model, entries, outputs, status)
    table.attrs["patients"] = patients.to_dict("records")
    return table


def answer_batches(model: Model, samples: EntrySamples) -> Iterator[tuple[np.ndarray, list[str]]]:
    """Yield the answers of each `BATCH` samples, in their order.

    Yields:
        Probabilities of the network, float32 (n, K), NaN for an image without an answer; and the
        status of each image.
    """
    read = _read_ahead(samples)
    for first in range(0, len(samples), BATCH):
        batch = [next(read) for _ in range(min(BATCH, len(samples) - first))]
        status = [NOT_ANSWERED + each if isinstance(each, str) else ANSWERED for each in batch]
        outputs = np.full((len(batch), len(model.classes)), np.nan, np.float32)
        places = [place for place, text in enumerate(status) if is_answered(text)]
        if places:
            images = np.stack([batch[place] for place in places])
            found = model.network(images[..., None])
            outputs[places] = found.probabilities
            sizes = [samples.sizes.pop(first + place) for place in places]
            for place, finding in zip(places, _findings(model, images, sizes, found), strict=True):
                status[place] = _judged(finding)
                if finding.far:
                    outputs[place] = np.nan
        yield outputs, status


def _findings(
    model: Model, images: np.ndarray, sizes: Sequence[tuple[int, int]], found: Outputs
) -> list[Finding]:
    """Return what is strange about each image; nothing for a model without an input check."""
    if model.input_check is None:
        return [Finding((), far=False)] * len(images)
    return model.input_check.findings(looks_of(images, sizes, found.features))


def _judged(finding: Finding) -> str:
    """Return the status of an image that was read."""
    reasons = "; ".join(finding.reasons)
    if finding.far:
        return f"{NOT_ANSWERED}{UNLIKE}{reasons}"
    return f"{ANSWERED}{WARNING}{reasons}" if reasons else ANSWERED


def _read_ahead(samples: EntrySamples) -> Iterator[np.ndarray | str]:
    """Yield the samples, or why they have no answer; at most `AHEAD` wait in memory."""
    cv2.setNumThreads(1)  # OpenCV's own threads would only compete with these
    waiting: deque = deque()
    pool = ThreadPoolExecutor(min(16, os.cpu_count() or 1))
    try:
        for index in range(len(samples)):
            waiting.append(pool.submit(samples.read_or_reason, index))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
