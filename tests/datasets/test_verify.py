"""verify lists every problem of a damaged dataset, with file and line, and none of a sound one."""

import re

import numpy as np
import pytest
from made_dicom import ct, encode, xray
from made_images import write_images

from covid_keras.datasets.verify import verify
from covid_keras.utils.errors import InputError


@pytest.fixture
def root(tmp_path):
    """A sound dataset with the phantom's layout: three splits of three 64x48 slices."""
    image = np.random.default_rng(0).integers(0, 256, (48, 64), np.uint8)
    for patient, split in enumerate(("train", "val", "test")):
        lines = []
        for label in range(3):
            name = f"phantomA-000{patient}_000{label}.png"
            write_images(tmp_path / "images", {name: image})
            lines.append(f"{name} {label} 0 0 64 48\n")
        (tmp_path / f"{split}_phantom-ct.txt").write_text("".join(lines))
    return tmp_path


def test_a_sound_data_set_has_no_problems(root, capsys):
    report = verify("phantom-ct", root)
    assert report.problems == ()
    assert "verify [" in (shown := capsys.readouterr().err) and "9/9" in shown
    assert report.counts.loc["val"].to_dict() == {"Normal": 1, "Pneumonia": 1, "COVID-19": 1}
    assert report.patients == {"train": 1, "val": 1, "test": 1}
    lines = [line.split() for line in report.table().splitlines()]
    assert lines[1] == ["split", "Normal", "Pneumonia", "COVID-19", "total", "patients"]
    assert ["test", "1", "1", "1", "3", "1"] in lines
    assert lines[-1] == ["problems:", "none"]


def test_every_problem_is_listed_with_file_and_line(root):
    images = root / "images"
    (images / "phantomA-0000_0000.png").unlink()
    whole = (images / "phantomA-0000_0001.png").read_bytes()
    (images / "phantomA-0000_0001.png").write_bytes(whole[: len(whole) // 2])
    (images / "phantomA-0000_0002.png").write_text("not an image")
    (images / "phantomA-0001_0000.png").write_bytes(b"")
    (root / "val_phantom-ct.txt").write_text(
        "phantomA-0001_0000.png 0 0 0 64 48\n"
        "phantomA-0001_0001.png 1 0 0 65 48\n"
        "phantomA-0001_0002.png 7 0 0 64 48\n"
        "phantomA-0001_0002.png 2 0 0 64\n"
        "phantomA-0001_0001.png 1 0 0 64 48\n"
    )
    (root / "test_phantom-ct.txt").unlink()
    report = verify("phantom-ct", root)
    train, val = root / "train_phantom-ct.txt", root / "val_phantom-ct.txt"
    expected = [
        (val, 3, "class number"),
        (val, 4, "Received 5"),
        (root / "test_phantom-ct.txt", None, "label file not found"),
        (val, 5, f"already listed at {val}:2"),
        (train, 1, "image not found"),
        (train, 2, "truncated"),
        (train, 3, "not a PNG, JPEG or DICOM image"),
        (val, 1, "zero bytes"),
        (val, 2, "expected a box inside 64x48 of images/phantomA-0001_0001.png. Received: 0 0 65"),
    ]
    assert len(report.problems) == len(expected), report.problems
    for (path, line, text), problem in zip(expected, report.problems, strict=True):
        problem = str(problem)
        assert problem.startswith(f"{path}:{line}: " if line else f"{path}: ")
        assert text in problem
        assert "\n" not in problem
    assert report.table().splitlines()[-1] == (
        "problems: 3 label file, 1 duplicate, 1 missing, 3 unreadable, 1 box outside"
    )


def test_real_slices_are_sound(shared_data):
    root = shared_data / "covid19_ct"
    assert verify("covid19-ct", root).problems == ()


def test_a_count_that_differs_from_the_card_is_a_problem(tmp_path):
    image = np.zeros((8, 8), np.uint8)
    write_images(tmp_path, {"COVID/a.png": image, "non-COVID/a.png": image})
    (tmp_path / "COVID" / "b.png").write_text("text")
    problems = [str(problem) for problem in verify("sars-cov-2-ct", tmp_path).problems]
    assert problems[0].endswith("in all: expected 1,229 images of class non-COVID. Received: 1")
    assert problems[1].endswith("in all: expected 1,252 images of class COVID. Received: 2")
    assert problems[2].startswith("val split: expected images of class non-COVID. Received: none")
    assert problems[3].startswith(f"{tmp_path / 'COVID' / 'b.png'}: not a PNG")
    assert len(problems) == 4


def test_a_folder_with_one_class_and_a_missing_folder(tmp_path):
    (tmp_path / "ill").mkdir()
    problems = [str(problem) for problem in verify("folder", tmp_path).problems]
    assert "expected images" in problems[0]
    assert "expected two classes or more" in problems[1]
    with pytest.raises(InputError, match="expected the folder of your images, or their CSV"):
        verify("folder", tmp_path / "gone")


def test_files_that_cannot_be_read_are_named_each(tmp_path):
    pixels = np.arange(64, dtype=np.uint16).reshape(8, 8)
    write_images(tmp_path, {"a/good.png": pixels.astype(np.uint8), "b/bad.jpg": np.eye(64) * 255})
    jpeg = (tmp_path / "b" / "bad.jpg").read_bytes()
    (tmp_path / "b" / "bad.jpg").write_bytes(jpeg[: len(jpeg) * 9 // 10] + b"\xff\xd9")
    scout = ct(pixels, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    (tmp_path / "a" / "scout.dcm").write_bytes(encode(scout))
    (tmp_path / "b" / "flat.dcm").write_bytes(
        encode(xray(pixels, RescaleSlope=0, RescaleIntercept=0))
    )
    problems = [str(problem) for problem in verify("folder", tmp_path).problems]
    expected = {
        "a/scout.dcm": "not an image to classify: ImageType",
        "b/bad.jpg": "truncated or damaged baseline JPEG",
        "b/flat.dcm": r"RescaleSlope \(0028,1053\)",
    }
    for name, reason in expected.items():
        assert any(re.match(f"{tmp_path / name}: .*{reason}", each) for each in problems), problems
