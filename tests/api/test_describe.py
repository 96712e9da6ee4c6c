"""Figures and the table that describe a data set."""

import cv2
import numpy as np
import pandas as pd
import pytest
from latex_check import check_latex
from made_images import dark_and_bright, write_images, write_labelled

import covid_keras
from covid_keras.recipes.published import published
from covid_keras.utils.errors import InputError


@pytest.fixture
def described(tmp_path):
    dark_and_bright(tmp_path / "images", wide=True)
    paths = covid_keras.describe(
        "folder", tmp_path / "images", out=tmp_path / "out", recipe="ct-2class", count=3
    )
    return tmp_path / "out", paths


def test_each_figure_is_png_and_svg_with_a_caption(described):
    out, paths = described
    tables = ["sizes.md", "sizes.csv", "sizes.tex", "captions.md"]
    assert [path.name for path in paths] == ["counts.png", "examples.png", "sizes.png", *tables]
    captions = (out / "captions.md").read_text()
    for name in ("counts", "examples", "sizes"):
        assert cv2.imread(str(out / f"{name}.png")) is not None
        assert f"**{name}.** " in captions and (out / f"{name}.svg").exists()
    assert "24 images of 24 patients" in captions


def test_sizes_are_those_of_the_files_beside_the_published(described):
    out, _ = described
    sizes = pd.read_csv(out / "sizes.csv", index_col="class")
    areas = {"dark": [], "bright": []}
    for number in range(24):
        pixels = cv2.imread(str(out.parent / "images" / f"{number:03}.png"), 0)
        areas[("dark", "bright")[number % 2]].append(pixels.size)
    for name, values in areas.items():
        found = sizes.loc[name, ["images", "min", "max", "mean", "std"]]
        wanted = [12, min(values), max(values), np.mean(values), np.std(values, ddof=1)]
        np.testing.assert_allclose(list(found), wanted, atol=0.006)
    text = (out / "sizes.md").read_text()
    assert "COVID-19, published" in text and "25245.2" in text and "table II of Berrimi" in text
    check_latex((out / "sizes.tex").read_text(), 6)


def test_the_frame_is_the_recipes(tmp_path):
    image = np.full((60, 80), 10, np.uint8)
    image[10:50, 20:70] = 200
    write_images(tmp_path / "images", {f"{k}.png": image for k in range(4)})
    lines = ["0.png,a,1,2,30,40", "1.png,b,1,2,30,40", "2.png,a,,,,", "3.png,b,,,,"]
    text = "\n".join(["image,label,x0,y0,x1,y1", *lines])
    (tmp_path / "images" / "labels.csv").write_text(text)
    texts = []
    for number, recipe in enumerate((None, "ct-bit", "cxr-bit")):
        out = tmp_path / str(number)
        covid_keras.describe("folder", tmp_path / "images", out=out, recipe=recipe)
        texts.append((out / "examples.svg").read_text())
    frames = [text.count("stroke: #ff2020") for text in texts]
    assert frames == [2, 4, 2], "annotated; and for ct-bit also found in the image"
    assert texts[1].count("stroke-dasharray") > texts[0].count("stroke-dasharray")


def test_label_files_alone_give_the_counts(tmp_path):
    write_labelled(
        tmp_path,
        [
            {"image": f"{k}.png", "pixels": np.zeros((9, 9), np.uint8), "label": "ab"[k % 2]}
            for k in range(4)
        ],
    )
    for image in tmp_path.glob("*.png"):
        image.unlink()
    paths = covid_keras.describe("folder", tmp_path, out=tmp_path / "out")
    assert [path.name for path in paths] == ["counts.png", "captions.md"]
    assert "Patient ids are not known" in (tmp_path / "out" / "captions.md").read_text()
    with pytest.raises(InputError, match=r"count: expected 1 or more\. Received: 0"):
        covid_keras.describe("folder", tmp_path, out=tmp_path / "out", count=0)
    with pytest.raises(InputError, match="recipe 'x' is unknown"):
        covid_keras.describe("folder", tmp_path, out=tmp_path / "out", recipe="x")


def test_paper_d_has_the_sizes_of_the_public_copy(shared_data, tmp_path):
    """Its table II counts 1,230 images without COVID-19; its moments are those of the 1,229."""
    root = shared_data / "sars_cov2_ct"
    covid_keras.describe("sars-cov-2-ct", root, out=tmp_path, recipe="ct-2class", count=1)
    ours = pd.read_csv(tmp_path / "sizes.csv", index_col="class")
    theirs = published("ct-2class", "sizes of ct-2class").rows
    for label, name in {"COVID": "COVID-19", "non-COVID": "Normal"}.items():
        for column in ("min", "max", "mean", "std"):
            assert ours.loc[label, column] == pytest.approx(float(theirs[name][column]), abs=0.011)
