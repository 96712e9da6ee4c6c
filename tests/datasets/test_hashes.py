"""Hashes of files: copies and replaced images are found, and nothing is read twice."""

import os

import made_images
import numpy as np
import pandas as pd
import pytest

from covid_keras.datasets import hashes, splits
from covid_keras.datasets.hashes import file_hashes


def test_equal_files_have_equal_hashes(tmp_path):
    for name, content in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        (tmp_path / name).write_bytes(content)
    os.mkfifo(tmp_path / "pipe")
    a, b, c, *others = file_hashes(tmp_path, ["a", "b", "c", "gone", "pipe", "."])
    assert a == b != c and len(a) == 32
    assert others == ["", "", ""]


@pytest.mark.parametrize("damage", [None, "[1]", "{", '{"a": '])
def test_hashes_of_many_images_are_kept_and_a_replaced_image_is_read_again(
    tmp_path, monkeypatch, damage
):
    monkeypatch.setenv("COVID_KERAS_CACHE", str(tmp_path / "cache"))
    root, names = tmp_path / "data", [f"{number}.png" for number in range(hashes.KEPT)]
    root.mkdir()
    for name in names:
        (root / name).write_text(name)
    first = file_hashes(root, names)
    (kept,) = (tmp_path / "cache" / "hashes").iterdir()
    assert "data" not in kept.read_text() and ".png" not in kept.read_text()
    if damage:
        kept.write_text(damage)
    assert file_hashes(root, names) == first
    before = (root / "7.png").stat()
    (root / "7.png").write_text("7.gnp")  # as long as before, and as old
    os.utime(root / "7.png", ns=(before.st_atime_ns, before.st_mtime_ns))
    changed = np.flatnonzero(np.array(file_hashes(root, names)) != np.array(first))
    assert changed.tolist() == [7]


def test_a_split_keeps_its_hashes(tmp_path):
    records = made_images.dark_and_bright(tmp_path)
    records = records.assign(hash=file_hashes(tmp_path, records["image"].tolist()))
    splits.write_split(records, tmp_path / "split.csv")
    again = splits.read_split(tmp_path / "split.csv")
    pd.testing.assert_series_equal(again["hash"], records["hash"], check_dtype=False)
    assert splits.fingerprint(again) == splits.fingerprint(records.drop(columns="hash"))


def test_copies_in_two_splits_or_with_two_labels_are_said(tmp_path, caplog):
    """What has other bytes is no copy, and an image that cannot be read is none either."""
    records = made_images.dark_and_bright(tmp_path).head(8).assign(split="train", label="dark")
    hashes.warn_of_copies(records, [*"abcdef", "", ""])
    assert not caplog.text
    records.loc[1:3, "split"], records.loc[2, "label"] = "test", "other"
    hashes.warn_of_copies(records, [*"aaabef", "", ""])
    first, copy = records["image"].iloc[:2]
    assert f"2 of 8 images are copies of others, file by file, the first {copy} of" in caplog.text
    assert f"{first}; 2 are in another split, 1 have another label" in caplog.text
