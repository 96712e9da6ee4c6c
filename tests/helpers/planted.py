"""A clean dataset of random shapes, in which tests plant problems for the audit."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from made_images import CLASSES, write_labelled

SIDE = 96
"""Pixels of each side of its images."""
ROWS = 48
"""Its images: half of each class, patients of two images."""


def picture(seed: int) -> np.ndarray:
    """uint8 (SIDE, SIDE): smooth random shapes, unlike those of any other seed."""
    noise = np.random.default_rng(seed).normal(size=(SIDE, SIDE)).astype("float32")
    smooth = cv2.GaussianBlur(noise, (0, 0), 6)
    return np.clip(127 + 60 * smooth / smooth.std(), 0, 255).astype("uint8")


def write_clean_set(root: Path) -> Path:
    """Write labels.csv with every column, and PNG images; return `root`."""
    rows = (
        {
            "image": f"images/{number:02}.png",
            "pixels": picture(number),
            "label": "ab"[number // 2 % 2],
            "patient": f"p{number // 2}",
            "split": "test" if number >= 32 else "train",
            "source": f"hospital{number // 4 % 2}",
            "age": 40 + number,
        }
        for number in range(ROWS)
    )
    write_labelled(root, rows)
    return root


def change(root: Path, row: int, **cells: str) -> None:
    """Change cells of one row of labels.csv."""
    table = pd.read_csv(root / "labels.csv", dtype=str)
    for column, value in cells.items():
        table.loc[row, column] = value
    table.to_csv(root / "labels.csv", index=False)


COPIES = {
    "jpeg": lambda image: cv2.imdecode(
        cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], 0
    ),
    "half the size": lambda image: cv2.resize(image, (48, 48), interpolation=cv2.INTER_AREA),
    "brighter": lambda image: np.clip(image.astype(int) + 25, 0, 255).astype("uint8"),
    "more contrast": lambda image: np.clip(1.2 * (image.astype(float) - 127) + 127, 0, 255).astype(
        "uint8"
    ),
    "a mark in the corner": lambda image: cv2.putText(image.copy(), "L", (80, 15), 0, 0.4, 255),
}


def write_source_shortcut(root: Path, patients: int = 360) -> pd.DataFrame:
    """Write images that show their source and nothing of their class; return records.

    Of each five patients of a source four have the class that goes with it, which are older by ten
    years. The column "coin" is of nothing, "bed" restates the source, "visit" differs everywhere.
    """
    rng = np.random.default_rng(0)
    rows = []
    for number in range(patients):
        source, typical = number % 2, number // 2 % 5 > 0
        label = source if typical else 1 - source
        rows.append(
            {
                "image": f"{number:03}.png",
                "pixels": rng.normal(90 + 70 * source, 20, (20, 20)).clip(0, 255).astype("uint8"),
                "label": CLASSES[label],
                "patient": f"p{number}",
                "split": ("test", "test", "train", "test", "train", "val")[number // 10 % 6],
                "source": f"hospital{source}",
                "age": int(rng.normal(50 + 10 * label, 8)),
                "coin": "HT"[rng.integers(2)],
                "bed": ["window", "door"][source],
                "visit": f"v{number}",
            }
        )
    return write_labelled(root, rows)
