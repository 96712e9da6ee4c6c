"""Problems of kind "leak": copies of an image, and patients in more than one split."""

import numpy as np

from covid_keras.audit.check import (
    FAIL,
    WARN,
    AuditData,
    Problem,
    Problems,
    check,
    equal,
    pair_problems,
)
from covid_keras.audit.copies import near_pairs
from covid_keras.utils.text import count


@check("leak", FAIL, "Copies leak across splits; of two labels, one is wrong. Remove the copies.")
def equal_pixels(data: AuditData) -> Problems:
    """Pair each copy with the first image of its group.

    If two images of a group are in different splits, one of these pairs is across splits.
    """
    if data.scan is None:
        return
    pixels = data.scan.table["pixels"]
    _, first, group = np.unique(pixels, return_index=True, return_inverse=True)
    pairs = np.stack([first[group], np.arange(len(group))], axis=1)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    yield from pair_problems(data, pairs, "with equal pixels")


@check("leak", WARN, "Copies leak across splits. Remove them; list false pairs for --accept.")
def near_duplicates(data: AuditData) -> Problems:
    """Pair near duplicates that are not yet reviewed and have other pixels.

    Slices of one patient in one split and class may be near duplicates. Of copies with equal pixels
    in one split and class only the first is compared: pairs of copies would be without number.
    """
    if data.scan is None:
        return
    rows = data.scanned
    kinds = rows[["split", "label"]].assign(pixels=data.scan.table["pixels"].to_numpy())
    first = np.flatnonzero(~kinds.duplicated())
    pairs = first[near_pairs(data.scan.perceptual[first], data.scan.thumbnails[first])]
    one_scan = rows["patient"].ne("").to_numpy()[pairs[:, 0]]
    for column in ("patient", "split", "label"):
        one_scan &= equal(rows[column], pairs)
    pairs = pairs[~one_scan & ~equal(data.scan.table["pixels"], pairs)]
    images = rows["image"].to_numpy()[pairs]
    pairs = pairs[[frozenset(pair) not in data.accepted for pair in images]]
    yield from pair_problems(data, pairs, "that are near duplicates")


@check("leak", FAIL, "A network recognises patients that it was trained on. Split by patient.")
def shared_patients(data: AuditData) -> Problems:
    if (shared := data.patients_with_several("split")).empty:
        return
    images = int(data.records["patient"].isin(shared.index).sum())
    first = shared.index[0]
    yield Problem(
        f"{count(len(shared), 'patient')} in several splits, with"
        f" {count(images, 'image')}; the first is {first} in {' and '.join(shared[first])}",
        {"patients": shared.to_dict()},
    )


@check(
    "leak", WARN, "A patient may be in train and test unnoticed. Report the split as image-level."
)
def unknown_patients(data: AuditData) -> Problems:
    if unknown := int(data.records["patient"].eq("").sum()):
        yield Problem(
            f"{unknown:,} of {len(data.records):,} images have no patient id", {"images": unknown}
        )
