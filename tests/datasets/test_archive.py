"""Datasets as one file: the same records, the pixels as promised, and what is said of it."""

import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import cv2
import made_images
import numpy as np
import pandas as pd
import pytest
import tiny

from covid_keras import recipes
from covid_keras.datasets.archive import headers, pack
from covid_keras.datasets.records import load_records
from covid_keras.images.geometry import place_on_canvas
from covid_keras.images.read import read_image
from covid_keras.models import registry
from covid_keras.recipes.config import MARGIN
from covid_keras.runs import run as run_folder
from covid_keras.runs.run import Run
from covid_keras.utils.errors import InputError


@pytest.fixture
def folder(tmp_path) -> Path:
    """Two classes of PNG and JPEG images of several sizes and modes, and labels.csv."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(8):
        label = "ab"[number % 2]
        height, width = 40 + 10 * number, 90 - 5 * number
        image = cv2.GaussianBlur(rng.integers(0, 256, (height, width, 3), np.uint8), (9, 9), 3)
        image = image if number % 3 else image[..., 0]
        name = f"{label}/{number}.{'jpg' if number % 4 == 3 else 'png'}"
        rows.append({"image": name, "pixels": image, "label": label, "patient": f"p{number}"})
    made_images.write_labelled(tmp_path / "set", rows)
    return tmp_path / "set"


def unpacked(archive: Path) -> Path:
    there = archive.with_suffix("")
    there.mkdir()
    subprocess.run(["tar", "xf", str(archive), "-C", str(there)], check=True)
    return there


def test_without_settings_records_and_pixels_are_the_same(folder, tmp_path):
    packed = pack("folder", folder, tmp_path / "whole.tar")
    there = unpacked(tmp_path / "whole.tar")
    assert packed.images == 8 and packed.difference == 0
    before, after = load_records("folder", folder), load_records("folder", there)
    pd.testing.assert_frame_equal(before, after)
    for image in before["image"]:
        np.testing.assert_array_equal(read_image(folder / image), read_image(there / image))


def test_smaller_images_fill_the_canvas_with_the_same_pixels(folder, tmp_path):
    """The slices of a canvas of the size that was packed for are those of the originals."""
    pack("folder", folder, tmp_path / "small.tar", fit=(48, 60))
    there = unpacked(tmp_path / "small.tar")
    for image in load_records("folder", folder)["image"]:
        original, small = read_image(folder / image), read_image(there / image)
        assert small.shape[0] <= 48 and small.shape[1] <= 60
        np.testing.assert_array_equal(
            place_on_canvas(original, 48, 60), place_on_canvas(small, 48, 60)
        )


def test_the_difference_that_is_said_is_the_difference(folder, tmp_path):
    packed = pack("folder", folder, tmp_path / "jpeg.tar", quality=60)
    there = unpacked(tmp_path / "jpeg.tar")
    images = load_records("folder", folder)["image"]
    pairs = [(read_image(folder / image), read_image(there / image)) for image in images]
    differences = [np.abs(one.astype(float) - other).mean() for one, other in pairs]
    assert packed.difference == pytest.approx(np.mean(differences)) and packed.difference > 0.5
    assert packed.bytes == (tmp_path / "jpeg.tar").stat().st_size


def test_headers_are_those_of_the_originals(folder, tmp_path):
    pack("folder", folder, tmp_path / "p.tar", fit=(30, 30), quality=80)
    there = unpacked(tmp_path / "p.tar")
    images = list(load_records("folder", folder)["image"])[::-1]
    before, after = headers(images, folder), headers(images, there)
    assert set(before["format"]) == {"PNG", "JPEG"} and set(before["mode"]) == {"L", "RGB"}
    pd.testing.assert_frame_equal(before, after, check_dtype=False)
    with pytest.raises(InputError, match=r"expected a row for other\.png"):
        headers(["other.png"], there)


def test_runs_on_packed_data_say_so(folder, labelled_images, tmp_path):
    records = load_records("folder", labelled_images)
    pack("folder", folder, tmp_path / "p.tar", fit=(30, 40), quality=80)
    there = unpacked(tmp_path / "p.tar")
    for image in records["image"]:
        shutil.copy(labelled_images / image, there / image)
    run_folder.create(tmp_path / "run", tiny.recipe(), records, tiny.CLASSES, there / "labels.csv")
    [stamp] = [s for s in Run(tmp_path / "run").stamps() if s.startswith("PACKED")]
    difference = json.loads((there / "packed.json").read_text())["difference"]
    assert stamp == (
        "PACKED: images made smaller to fit 30 x 40 pixels, JPEG 80, "
        f"mean difference {difference} grey levels"
    )


def test_dicom_files_would_lose_their_patients(shared_data, tmp_path):
    for label in "ab":
        (tmp_path / "scans" / label).mkdir(parents=True)
        for file in sorted((shared_data / "dicom").glob("*.dcm"))[:2]:
            shutil.copy(file, tmp_path / "scans" / label / f"{label}{file.name}")
    with pytest.raises(InputError, match="Received: DICOM, whose headers hold patients"):
        pack("folder", tmp_path / "scans", tmp_path / "x.tar")


def test_the_same_data_make_the_same_file(folder, tmp_path):
    files = [tmp_path / "one.tar", tmp_path / "other.tar"]
    for file in files:
        pack("folder", folder, file, quality=80)
    assert files[0].read_bytes() == files[1].read_bytes()
    with tarfile.open(files[0]) as archive:
        assert "labels.csv" in archive.getnames()


@pytest.mark.parametrize("place", ["", "set"], ids=["outside", "inside"])
@pytest.mark.parametrize("link", ["labels.csv", "a/0.png", "a"])
def test_links_are_not_shipped(folder, tmp_path, link, place):
    (folder / link).rename(tmp_path / place / "target")
    (folder / link).symlink_to(tmp_path / place / "target")
    with pytest.raises(InputError, match=rf"/{link}.*: expected .*Received: a link"):
        pack("folder", folder, tmp_path / "x.tar")
    assert not (tmp_path / "x.tar").exists()


def test_bad_input(folder, tmp_path):
    out = tmp_path / "x.tar"
    with pytest.raises(InputError, match="--quality: expected 1 to 100"):
        pack("folder", folder, out, quality=0)
    with pytest.raises(InputError, match="--fit: expected a height"):
        pack("folder", folder, out, fit=(0, 10))
    pack("folder", folder, out)
    with pytest.raises(InputError, match="Received: a packed one"):
        pack("folder", unpacked(out), tmp_path / "again.tar")
    broken = folder / "a" / "0.png"
    broken.write_bytes(broken.read_bytes()[:-30])
    with pytest.raises(InputError, match=rf"{broken}: truncated"):
        pack("folder", folder, tmp_path / "broken.tar")
    assert not (tmp_path / "broken.tar").exists()
    labels = pd.read_csv(folder / "labels.csv").assign(x0=1, y0=1, x1=9, y1=9)
    labels.to_csv(folder / "labels.csv", index=False)
    with pytest.raises(InputError, match="expected images without boxes"):
        pack("folder", folder, out, fit=(20, 20))


@pytest.mark.slow
def test_protocol_b_travels_as_docs_gpu_says(shared_data, tmp_path):
    """Its sizes, and how far packed slices are from those of the originals, every 15th image."""
    sizes, differences = [], []
    for name, folder, quality in (
        ("covid19-ct", "covid19_ct", None),
        ("sars-cov-2-ct", "sars_cov2_ct", 85),
    ):
        root = shared_data / folder
        packed = pack(name, root, tmp_path / f"{folder}.tar", fit=(285, 372), quality=quality)
        assert packed.bytes < 50e6
        sizes.append(packed.bytes / 1e6)
        there = unpacked(tmp_path / f"{folder}.tar")
        records = load_records(name, root)
        pd.testing.assert_frame_equal(records, load_records(name, there))
        pairs = [
            (read_image(root / image), read_image(there / image))
            for image in records["image"][::15]
        ]
        networks = recipes.get("ct-networks").variants
        for canvas in {registry.get(v["model.name"]).input_size for v in networks.values()}:
            for scale in (1, MARGIN):
                sides = [round(scale * side) for side in canvas]
                differences.append([apart(pair, sides) for pair in pairs])
    means = [np.mean(each) for each in differences]
    text = " ".join(
        (Path(__file__).parents[2] / "docs" / "how-to" / "reproduce-a-paper.md").read_text().split()
    )
    assert "file, of {:.0f} and {:.0f} MB".format(*sizes) in text
    assert f"the second JPEG, {packed.difference:.1f} grey levels off in the mean" in text
    assert f"by {min(means):.1f} to {max(means):.1f} grey levels in the mean" in text
    assert f"by up to {max(map(max, differences)):.1f} for one image" in text


def apart(pair: tuple[np.ndarray, np.ndarray], sides: list[int]) -> float:
    """Mean absolute difference of two images' slices, in grey levels."""
    one, other = (place_on_canvas(image, *sides).astype(int) for image in pair)
    return float(np.abs(one - other).mean())
