"""The scan: hashes and facts of every image, resumed after a stop."""

import numpy as np
import pandas as pd
import pytest
from made_images import write_images
from planted import SIDE, picture

from covid_keras.audit import scan
from covid_keras.datasets.records import load_records


def test_a_stopped_audit_goes_on(planted, monkeypatch):
    monkeypatch.setattr(scan, "PART", 10)
    names = load_records("folder", planted)["image"].tolist()
    whole = scan.scan(names, planted, planted.parent / "a")
    read, stop = [], {"25.png"}

    def read_one(root, image):
        name = image.removeprefix("images/")
        if name in stop:
            raise KeyboardInterrupt
        read.append(name)
        return image_facts(root, image)

    image_facts = scan.image_facts
    monkeypatch.setattr(scan, "image_facts", read_one)
    with pytest.raises(KeyboardInterrupt):
        scan.scan(names, planted, planted.parent / "b")
    read.clear()
    stop.clear()
    again = scan.scan(names, planted, planted.parent / "b")
    assert min(read) == "20.png" and len(read) == 28
    pd.testing.assert_frame_equal(whole.table, again.table)
    np.testing.assert_array_equal(whole.perceptual, again.perceptual)
    np.testing.assert_array_equal(whole.thumbnails, again.thumbnails)
    read.clear()
    write_images(planted, {"images/11.png": picture(99)})
    changed = scan.scan(names, planted, planted.parent / "b")
    assert len(read) == 10 and changed.table["pixels"][11] != whole.table["pixels"][11]


def test_facts_of_one_image(tmp_path):
    image = np.dstack([picture(3)] * 3)
    deep = picture(3).astype("uint16") * 256
    write_images(tmp_path, {"a.png": image, "b.jpg": image, "c.png": deep})
    found = [scan.image_facts(tmp_path, name) for name in ("a.png", "b.jpg", "c.png")]
    assert [(f["format"], f["mode"], f["bits"]) for f in found] == [
        ("PNG", "RGB", 8),
        ("JPEG", "RGB", 8),
        ("PNG", "L", 16),
    ]
    assert found[0]["pixels"] == found[2]["pixels"] != found[1]["pixels"]
    assert (found[0]["width"], found[0]["height"]) == (SIDE, SIDE)
    assert found[0]["bytes"] == (tmp_path / "a.png").stat().st_size


def test_a_scan_without_a_readable_image_is_empty(tmp_path):
    (tmp_path / "a.png").write_bytes(b"nothing")
    found = scan.scan(["a.png", "b.png"], tmp_path, tmp_path / "parts")
    assert found.table.empty and found.thumbnails.shape == (0, scan.THUMBNAIL, scan.THUMBNAIL)
    assert len(found.unreadable) == 2 and "b.png: file not found" in found.unreadable[1]
