"""PNG images of 16 bits: a range of values that leaves a few grey levels is said."""

import made_images
import numpy as np
import pytest

from covid_keras.datasets.levels import warn_of_levels
from covid_keras.datasets.records import load_records
from covid_keras.datasets.verify import verify
from covid_keras.recipes import get
from covid_keras.recipes.settings import override
from covid_keras.training.preflight import check_images


@pytest.mark.parametrize(
    ("low", "high", "levels", "fits"),
    [
        (0, 65535, (0, 65535), True),
        (0, 4095, (0, 65535), False),
        (31768, 32782, (0, 65535), False),
        (0, 2000, (0, 65535), False),
        (0, 4095, (0, 4095), True),
        (31768, 32782, (31418, 32918), True),
        (0, 2000, (-326, 1174), True),
        (0, 65535, (0, 4095), False),
    ],
)
def test_images_of_16_bits_that_lose_their_contrast_are_said(
    tmp_path, caplog, low, high, levels, fits
):
    rng = np.random.default_rng(0)
    pixels = {f"{name}.png": rng.integers(low, high, (9, 9)).astype(np.uint16) for name in "abcdef"}
    root = made_images.write_images(tmp_path, pixels)
    rows = (f"{name}.png,{label}\n" for name, label in zip("abcdef", "iiiwww", strict=True))
    (root / "labels.csv").write_text(f"image,label\n{''.join(rows)}")
    recipe = override(get("ct-bit"), {"input.levels": levels, "training.batch": 2})
    check_images(load_records("folder", root).assign(split="train"), root, recipe)
    assert ("6 of 6 PNG images of 16 bits lose their contrast" in caplog.text) is not fits
    if levels == (0, 65535):
        caplog.clear()
        assert verify("folder", root).problems == ()
        assert ("training takes another range: --set input.levels" in caplog.text) is not fits


def test_a_few_dark_images_of_16_bits_are_nothing_to_say(tmp_path, caplog):
    pixels = dict.fromkeys(map(str, range(24)), np.arange(100, dtype=np.uint16)[None] * 600)
    pixels |= {"8": pixels["8"] // 60, "9": np.zeros((9, 9), np.uint8)}
    root = made_images.write_images(tmp_path, {f"{name}.png": i for name, i in pixels.items()})
    warn_of_levels([*(f"{name}.png" for name in pixels), "gone.png"], root)
    assert not caplog.text
