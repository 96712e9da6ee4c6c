"""What explain keeps for the page: written, read again, and damage named."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from covid_keras.runs.explained import (
    ACROSS,
    TILE,
    Case,
    read_cases,
    read_embedding,
    write_cases,
    write_embedding,
)
from covid_keras.runs.run import Run
from covid_keras.utils.errors import InputError

QUALITY = {"images": 3, "trustworthiness": 0.9, "silhouette_features": None}
QUALITY |= {"silhouette_points": 0.1}
POINTS = pd.DataFrame(
    {
        "image": ["a.png", "007", "NA"],
        "label": ["x", "y", "NA"],
        "split": ["test", "test", "train"],
        "x": [0.5, 1, 2],
        "y": [3.0, -4, 5],
        "tile": [0, 1, -1],
    }
)


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path)


def test_points_and_tiles_are_read_as_they_were_written(run):
    tiles = np.stack([np.full((TILE, TILE), 40, np.uint8), np.full((TILE, TILE), 200, np.uint8)])
    write_embedding(run, POINTS, QUALITY, tiles)
    found = read_embedding(run)
    pd.testing.assert_frame_equal(found.points, POINTS, check_dtype=False)
    assert found.quality == QUALITY
    sheet = np.asarray(Image.open(found.tiles).convert("L"))
    assert sheet.shape == (TILE, ACROSS * TILE)
    assert abs(int(sheet[9, 9]) - 40) < 4 and abs(int(sheet[9, TILE + 9]) - 200) < 4


def test_cases_replace_older_ones(run):
    case = Case("wrong", "x", "y", 0.75, 3, "case_1.webp", True)
    picture = np.zeros((8, 16, 3), np.uint8)
    write_cases(run, [case, case.__class__(**{**vars(case), "file": "case_2.webp"})], [picture] * 2)
    write_cases(run, [case], [picture])
    assert read_cases(run) == [case]
    assert [path.name for path in run.explained.glob("*.webp")] == ["case_1.webp"]


def test_nothing_and_damage(run):
    assert read_embedding(run) is None and read_cases(run) == []
    write_embedding(run, POINTS, QUALITY, np.zeros((1, TILE, TILE), np.uint8))
    (run.explained / "points.csv").write_text("image,x\na,b\n")
    with pytest.raises(InputError, match=r"points\.csv: expected image, label"):
        read_embedding(run)
    (run.explained / "cases.json").write_text('[{"kind": 1}]')
    with pytest.raises(InputError, match=r"cases\.json, 0, kind"):
        read_cases(run)
