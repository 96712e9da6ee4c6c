"""Images as data URIs, small enough for a page that is one file."""

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from covid_keras.report.page import Block, Picture, Text

WIDEST = 1200
"""Pixels of a picture's width at most."""
QUALITY = 80
LARGEST = 3_000_000
"""Characters of the pictures of all lists at most, which keeps a page below 5 MB."""


def pictures(lists: Mapping[str, Sequence[Path]]) -> dict[str, list[Block]]:
    """Return lists of image files as pictures; what is too large for a page is only named."""
    blocks: dict[str, list[Block]] = {}
    room = LARGEST
    for name, paths in lists.items():
        found, left = [], []
        for path in paths:
            with Image.open(path) as image:
                source = webp(image)
            if len(source) <= room:
                room -= len(source)
                found.append(Picture(source, path.stem.replace("_", " ")))
            else:
                left.append(path.name)
        if left:
            found.append(Text(f"Left out, as the page would be too large: {', '.join(left)}."))
        blocks[name] = found
    return blocks


def webp(image: Image.Image) -> str:
    """Return an image as the data URI of a WebP of at most `WIDEST` pixels' width."""
    image = image.convert("RGB")
    if image.width > WIDEST:
        image = image.resize((WIDEST, round(image.height * WIDEST / image.width)))
    content = io.BytesIO()
    image.save(content, "webp", quality=QUALITY)
    return data_uri(content.getvalue(), "webp")


def data_uri(content: bytes, kind: str) -> str:
    """Return an image file of this kind, such as "webp", as a data URI."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
