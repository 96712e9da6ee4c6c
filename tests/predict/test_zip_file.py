"""Images in ZIP files, and files made to do harm."""

import stat
import zipfile

import cv2
import numpy as np
from made_dicom import ct, encode

from covid_keras.images.read import ALL_LEVELS, LUNG_WINDOW
from covid_keras.predict import zip_file
from covid_keras.predict.inputs import find_entries
from covid_keras.utils.errors import InputError

PIXELS = np.arange(64, dtype=np.uint8).reshape(8, 8)
PNG = cv2.imencode(".png", PIXELS)[1].tobytes()


def zipped(path, members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def reasons(path) -> dict[str, str]:
    """Read every image; return {member: why it cannot be read}."""
    found = {}
    for entry in find_entries([path]):
        try:
            entry.grey(LUNG_WINDOW, ALL_LEVELS)
        except InputError as error:
            found[entry.image] = str(error)
    return {image.removeprefix(f"{path}/"): reason for image, reason in found.items()}


def test_images_and_dicom_files_are_read_and_nothing_is_unpacked(tmp_path, caplog):
    data = encode(ct(PIXELS.astype(np.int16), PatientID="7", ViewPosition=""))
    members = [("b/IM0001", data), ("a.png", PNG), ("readme.txt", "hello"), ("b/.x.png", PNG)]
    path = zipped(tmp_path / "study.zip", members)
    entries = find_entries([path])
    assert [entry.image for entry in entries] == [f"{path}/a.png", f"{path}/b/IM0001"]
    np.testing.assert_array_equal(entries[0].grey(LUNG_WINDOW, ALL_LEVELS), PIXELS)
    assert entries[1].ct and entries[1].patient.startswith("p")
    assert entries[1].grey(LUNG_WINDOW, ALL_LEVELS).shape == (8, 8)
    assert [each.name for each in tmp_path.iterdir()] == ["study.zip"]
    assert "left out 1 other file" in caplog.text


def test_members_that_could_do_harm_are_not_read(tmp_path):
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    bomb = zipfile.ZipInfo("bomb.png")
    bomb.compress_type = zipfile.ZIP_DEFLATED
    names = ["../out.png", "/etc/out.png", "a/../../out.png"]
    members = [(link, "/etc/passwd"), (bomb, bytes(20_000_000)), *((name, PNG) for name in names)]
    found = reasons(zipped(tmp_path / "a.zip", [*members, ("good.png", PNG)]))
    assert "a link or device" in found["link.png"] and "from each packed one" in found["bomb.png"]
    assert all("leads out of the ZIP" in reason for name, reason in found.items() if "out" in name)
    assert len(found) == 5 and not (tmp_path.parent / "out.png").exists()


def test_encrypted_unusual_large_and_damaged_members_are_named(tmp_path, monkeypatch):
    path = zipped(tmp_path / "a.zip", [("a.png", PNG), ("b.png", PNG)], zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # encrypted, by the directory
    data[data.rindex(PNG) + 60] ^= 255
    path.write_bytes(data)
    found = reasons(path)
    assert "encrypted" in found["a.png"] and "damaged in its ZIP file" in found["b.png"]
    found = reasons(zipped(tmp_path / "b.zip", [("a.png", PNG)], zipfile.ZIP_LZMA))
    assert "packed by method 14" in found["a.png"]
    monkeypatch.setattr(zip_file, "MOST_MEMBER_BYTES", 50)
    assert "at most 50 bytes" in reasons(zipped(tmp_path / "c.zip", [("a.png", PNG)]))["a.png"]


def test_an_archive_that_is_damaged_empty_or_too_large_is_one_line(tmp_path, monkeypatch):
    path = zipped(tmp_path / "a.zip", [("a.png", PNG), ("b.png", PNG)])
    (tmp_path / "cut.zip").write_bytes(path.read_bytes()[:-30])
    zipped(tmp_path / "none.zip", [("a.txt", "x")])
    monkeypatch.setattr(zip_file, "MOST_MEMBERS", 1)
    expected = {"a": "at most 1 files", "cut": "damaged ZIP file", "none": "no PNG, JPEG or DICOM"}
    for name, reason in expected.items():
        (entry,) = find_entries([tmp_path / f"{name}.zip"])
        assert reason in entry.reason and "left out" not in entry.reason
