"""The folder explained/: what `explain` keeps of single images, for the page of a run.

It holds points.csv and embedding.json, the t-SNE of the features; tiles.webp, small images of some
of its points; cases.json and case_N.webp, test images beside their maps; no_feature_map.txt, why
the network has none to show, if that is so.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from covid_keras.runs.run import Run
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import atomic_path, read_json, write_json, write_text
from covid_keras.utils.shape import check_shape
from covid_keras.utils.text import csv_text

ACROSS, TILE = 20, 72
"""Images in a row of tiles.webp, and pixels of the side of one."""
QUALITY = 75
POINTS = ("image", "label", "split", "x", "y", "tile")
"""Columns of points.csv; tile is the image's place in tiles.webp, -1 for none."""
_NUMBER = (None, float)
_EMBEDDING = {
    "images": int,
    "trustworthiness": _NUMBER,
    "silhouette_features": _NUMBER,
    "silhouette_points": _NUMBER,
}
_CASE = {"kind": str, "label": str, "predicted": str, "probability": float, "row": int}
_CASE |= {"file": str, "has_map": bool}


@dataclass(frozen=True)
class Case:
    """A test image with its answer."""

    kind: str
    """right, wrong or doubtful."""
    label: str
    predicted: str
    probability: float
    row: int
    """Of the image in predictions_test.csv, 1 for the first."""
    file: str
    """In the folder: the image, and beside it the same with its map."""
    has_map: bool


@dataclass(frozen=True)
class Embedding:
    """The t-SNE of a run's features."""

    points: pd.DataFrame
    """With the columns `POINTS`."""
    quality: dict
    """What `metrics.embedding.embedding_quality` returned."""
    tiles: Path


def write_embedding(run: Run, points: pd.DataFrame, quality: dict, tiles: np.ndarray) -> None:
    """Write points.csv, embedding.json and tiles.webp.

    Args:
        points: with the columns `POINTS`.
        quality: of `metrics.embedding.embedding_quality`.
        tiles: uint8 (n, TILE, TILE), grey.
    """
    rows = -(-len(tiles) // ACROSS)
    sheet = np.zeros((rows * ACROSS, TILE, TILE), np.uint8)
    sheet[: len(tiles)] = tiles
    across = sheet.reshape(rows, ACROSS, TILE, TILE).swapaxes(1, 2)
    _write_webp(run.explained / "tiles.webp", across.reshape(rows * TILE, ACROSS * TILE))
    write_text(run.explained / "points.csv", csv_text(points[[*POINTS]], float_format="%.5g"))
    write_json(run.explained / "embedding.json", quality)


def read_embedding(run: Run) -> Embedding | None:
    """Return what `write_embedding` wrote; None if there is nothing.

    Raises:
        InputError: a file is damaged.
    """
    file = run.explained / "points.csv"
    if not file.exists():
        return None
    quality = read_json(run.explained / "embedding.json")
    check_shape(quality, _EMBEDDING, str(run.explained / "embedding.json"))
    kinds = dict.fromkeys(("image", "label", "split"), str) | {"x": float, "y": float, "tile": int}
    try:
        points = pd.read_csv(file, dtype=kinds, keep_default_na=False)[[*POINTS]]
    except (KeyError, ValueError) as error:
        raise InputError(f"{file}: expected {', '.join(POINTS)}. Received: {error}") from None
    return Embedding(points, quality, run.explained / "tiles.webp")


def write_cases(run: Run, cases: Sequence[Case], pictures: Sequence[np.ndarray]) -> None:
    """Write cases.json and the picture of each case, uint8 (H, W, 3), in place of older ones."""
    for old in run.explained.glob("case_*.webp"):
        old.unlink()
    for case, picture in zip(cases, pictures, strict=True):
        _write_webp(run.explained / case.file, picture)
    write_json(run.explained / "cases.json", [asdict(case) for case in cases])


def read_cases(run: Run) -> list[Case]:
    """Return what `write_cases` wrote; [] if there is nothing. Raises InputError."""
    file = run.explained / "cases.json"
    if not file.exists():
        return []
    values = read_json(file)
    check_shape(values, [_CASE], str(file))
    return [Case(**value) for value in values]


def write_why_no_feature_map(run: Run, reason: str) -> None:
    """Write why the run's network has no feature map to show."""
    write_text(run.explained / "no_feature_map.txt", f"{reason}\n")


def why_no_feature_map(run: Run) -> str:
    """Return what `write_why_no_feature_map` wrote; "" if there is nothing."""
    file = run.explained / "no_feature_map.txt"
    return file.read_text(encoding="utf-8").strip() if file.exists() else ""


def _write_webp(path: Path, pixels: np.ndarray) -> None:
    content = BytesIO()
    Image.fromarray(pixels).convert("RGB").save(content, "webp", quality=QUALITY)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content.getvalue())
