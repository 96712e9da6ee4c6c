"""Folders of small labelled images."""

import hashlib
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

CLASSES = ("dark", "bright")


def write_images(root: Path, images: Mapping[str, np.ndarray]) -> Path:
    """Write each image under its name in `root`, which may hold folders."""
    for name, pixels in images.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(root / name), pixels)
    return root


def write_labelled(root: Path, rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Write the "pixels" of each row under its "image", and labels.csv; return records.

    Records have the row's other columns, and boxes: none where the rows have none.
    """
    rows = list(rows)
    write_images(root, {row["image"]: row["pixels"] for row in rows})
    records = pd.DataFrame(rows).drop(columns="pixels")
    records.to_csv(root / "labels.csv", index=False)
    for side in ("x0", "y0", "x1", "y1"):
        records[side] = pd.array(records.get(side, [pd.NA] * len(records)), dtype="Int64")
    return records


def dark_and_bright(root: Path, count: int = 24, wide: bool = False) -> pd.DataFrame:
    """Write noise images of two mean values, one patient each; return their records.

    Of every four images of a class two are in train, one in val and one in test.

    Args:
        wide: make every third image wider, so that its size gives away something of its label.
    """
    rng = np.random.default_rng(0)
    rows = []
    for number in range(count):
        label = number % 2
        pixels = rng.normal(90 + 70 * label, 25, (24, 28)).clip(0, 255).astype(np.uint8)
        if wide and number % 3 == 0:
            pixels = cv2.resize(pixels, (30, 24))
        rows.append(
            {
                "image": f"{number:03}.png",
                "pixels": pixels,
                "label": CLASSES[label],
                "patient": f"p{number}",
                "split": ("train", "train", "val", "test")[number // 2 % 4],
                "source": "lab",
            }
        )
    return write_labelled(root, rows)


def other_images(source: Path, target: Path) -> Path:
    """Copy the folder `source` to `target`, every PNG one grey level brighter; return `target`."""
    shutil.copytree(source, target)
    for path in target.rglob("*.png"):
        write_images(target, {path.relative_to(target): cv2.add(cv2.imread(str(path), 0), 1)})
    return target


def digest(folder: Path) -> dict[str, str]:
    """Return {path of each file in `folder`: SHA-256 of its bytes}."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
