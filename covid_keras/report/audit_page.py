"""audit.html: the page of an audit. It needs no other file, no script and no network."""

import os
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

from covid_keras.audit.inventory import SHOWN, Inventory
from covid_keras.audit.result import Audit
from covid_keras.datasets.records import image_root
from covid_keras.images.read import read_image
from covid_keras.report.render import render
from covid_keras.report.run_summary import NOT_A_DEVICE
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import write_text

PAIRS = 20
"""How many pairs of a finding are shown at most; all are in audit.json."""
SIDE = 240
"""Pixels of the longer side of an image in a pair."""


def write_audit_page(audit: Audit, out: Path) -> Path:
    """Read the images of the pairs, write audit.html into the folder `out`; return its path."""
    root = image_root(audit.data.root)
    page = render(
        "audit.html",
        title=f"Audit of {audit.data.card.name}",
        stamps=(NOT_A_DEVICE,),
        audit=audit,
        inventory=[(item, _rows(item)) for item in audit.inventory],
        pairs=[
            (finding, [_side_by_side(root, *pair) for pair in finding.pairs[:PAIRS]])
            for finding in audit.findings
            if finding.pairs
        ],
    )
    write_text(out / "audit.html", page)
    return out / "audit.html"


def _rows(item: Inventory) -> list[list[str]]:
    """Return the images per class of the most frequent values, and one row for all others."""
    shown = item.counts.sum(axis=1).rank(method="first", ascending=False) <= SHOWN
    rows = list(item.counts[shown].iterrows())
    if others := (~shown).sum():
        rows.append((f"{others:,} other values", item.counts[~shown].sum()))
    return [[value, *(f"{n:,}" for n in row)] for value, row in rows]


def _side_by_side(root: Path, first: str, second: str) -> tuple[str, bytes]:
    """Return a caption and a PNG of both images; no PNG if one of them cannot be read."""
    caption = f"{first} and {second}"
    try:
        images = [Image.fromarray(read_image(root / name)) for name in (first, second)]
    except InputError as error:
        return f"{caption}: {str(error).replace(f'{root}{os.sep}', '')}", b""
    tiles = [ImageOps.pad(image, (SIDE, SIDE), centering=(0, 0)) for image in images]
    return caption, cv2.imencode(".png", np.hstack(tiles))[1].tobytes()
