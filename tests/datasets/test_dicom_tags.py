"""Patients and attributes from DICOM headers, and what the audit makes of them."""

import hashlib
import hmac
import logging
import shutil
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pydicom
import pytest
from made_dicom import ct, encode, xray
from made_images import write_images

from covid_keras.audit.audit import audit
from covid_keras.datasets import dicom_tags, splits
from covid_keras.datasets.attributes import attributes
from covid_keras.datasets.dicom_tags import image_tags, patient_ids, years
from covid_keras.datasets.records import load_records
from covid_keras.datasets.splits import make_split
from covid_keras.utils.errors import InputError

HEADERLESS = "fodicom_CR-MONO1-10-chest.dcm"


def write(path: Path, seed: int = 0, make=ct, **tags) -> None:
    """A DICOM file of 32x32 smooth shapes, unlike those of any other seed."""
    noise = np.random.default_rng(seed).normal(size=(32, 32)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(make((400 + 300 * smooth / smooth.std()).astype(np.int16), **tags)))


@pytest.fixture
def scans(tmp_path) -> Path:
    """Class folders below train/ and test/: 12 patients of two slices a class; 8 of them train."""
    for number in range(48):
        patient, label = number // 2, "ab"[number // 2 % 2]
        split = "train" if patient < 16 else "test"
        tags = {"PatientID": f"P{patient:03}", "PatientAge": f"{40 + patient:03}Y"}
        write(tmp_path / "set" / split / label / f"{number:02}.dcm", number, **tags)
    return tmp_path / "set"


def look(root: Path):
    return audit("folder", root)


def pseudonym(name: str, files: Iterable[Path]) -> str:
    """HMAC of the id; its key is the hash of all instance UIDs of the files."""
    images = [pydicom.dcmread(file) for file in files if pydicom.misc.is_dicom(file)]
    uids = " ".join(sorted(image.SOPInstanceUID for image in images))
    key = hashlib.sha256(uids.encode()).digest()
    return "p" + hmac.new(key, name.encode(), "sha256").hexdigest()[:12]


def all_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_class_folders_know_the_patients_of_their_dicom_files(scans, tmp_path):
    write_images(scans, {"train/a/plain.png": np.zeros((9, 9), np.uint8)})
    records = load_records("folder", scans).set_index("image")
    assert records.loc["train/a/00.dcm", "patient"] == pseudonym("P000", all_files(scans))
    assert records.loc["test/b/47.dcm", "patient"] == pseudonym("P023", all_files(scans))
    assert records.loc["train/a/plain.png", "patient"] == ""
    assert records["patient"].dtype == "str"
    drawn = make_split(load_records("folder", scans).query("patient != ''").assign(split=""))
    assert not splits.is_image_level(drawn)
    assert drawn.groupby("patient")["split"].nunique().eq(1).all()


def test_a_patient_in_train_and_test_is_found_by_the_audit_and_stops_a_run(scans):
    write(scans / "test/b/47.dcm", 47, PatientID="P002")
    found = look(scans)
    patient = pseudonym("P002", all_files(scans))
    assert [f.text for f in found.findings if f.severity == "fail"] == [
        f"1 patient in several splits, with 3 images; the first is {patient} in test and train"
    ]
    with pytest.raises(InputError, match=f"patient {patient} is in (train|val) and test"):
        make_split(load_records("folder", scans), rule="official")


def test_one_id_in_every_file_is_no_patient(scans, caplog):
    for path in scans.rglob("*.dcm"):
        write(path, int(path.stem), PatientID="ANON")
    with caplog.at_level(logging.WARNING):
        records = load_records("folder", scans)
    assert (records["patient"] == "").all()
    assert "all 48 DICOM files of a class have the same PatientID" in caplog.text
    assert "in each of the classes a, b: it does not identify patients" in caplog.text
    found = look(scans)
    assert not found.failed
    assert any("48 of 48 images have no patient id" in f.text for f in found.findings)


def test_one_id_in_one_class_is_a_patient(scans):
    names = ["train/a/00.dcm", "train/a/01.dcm"]
    assert (
        patient_ids(scans, names, ["a", "a"])
        == [pseudonym("P000", [scans / name for name in names])] * 2
    )


def test_one_id_for_each_class_is_no_patient(scans, caplog):
    names = ["train/a/00.dcm", "train/a/01.dcm", "train/b/02.dcm", "train/b/03.dcm"]
    assert patient_ids(scans, names, ["a", "a", "b", "b"]) == [""] * 4
    assert "it does not identify patients" in caplog.text


def test_dicom_files_without_a_suffix_are_found_in_class_folders(scans):
    for name, new in (("00.dcm", "IM0001"), ("01.dcm", "1.2.840.113")):
        (scans / "train/a" / name).rename(scans / "train/a" / new)
    records = load_records("folder", scans).set_index("image")
    assert len(records) == 48
    assert records.loc["train/a/IM0001", "patient"] == pseudonym("P000", all_files(scans))
    assert records.loc["train/a/1.2.840.113", "patient"] == pseudonym("P000", all_files(scans))


def test_no_id_of_a_patient_is_written(scans):
    records = load_records("folder", scans)
    assert not records["patient"].str.contains("P0").any()
    plain = {hashlib.sha256(f"P{n:03}".encode()).hexdigest()[:12] for n in range(1000)}
    assert not plain & set(records["patient"].str[1:]), "ids can be guessed by trying them"


def test_a_csv_without_patients_is_left_as_it_is_and_its_columns_win(scans):
    images = sorted(path.relative_to(scans).as_posix() for path in scans.rglob("*.dcm"))
    table = pd.DataFrame({"image": images, "label": [name.split("/")[1] for name in images]})
    table.assign(age="33", sex="").to_csv(scans / "labels.csv", index=False)
    for path in scans.rglob("*.dcm"):
        write(path, int(path.stem), PatientSex="F")
    records = load_records("folder", scans)
    assert (records["patient"] == "").all()
    known = attributes("folder", scans, records)
    assert set(known["age"]) == {"33"}, "not the header's"
    assert set(known["sex"]) == {"F"}, "an empty column says nothing"
    shutil.move(scans / "labels.csv", scans / "other.csv")
    again = attributes("folder", scans / "other.csv", load_records("folder", scans / "other.csv"))
    pd.testing.assert_frame_equal(known, again)


def test_a_manufacturer_that_is_the_class_is_found(scans):
    for path in scans.rglob("*.dcm"):
        maker = {"a": "Here", "b": "There"}[path.parent.name]
        write(path, int(path.stem), PatientID=f"P{int(path.stem) // 2}", Manufacturer=maker)
    found = look(scans)
    assert not found.failed
    assert any(
        "the manufacturer alone predicts all 16 test images correctly" in f.text
        for f in found.findings
    )
    strongest = found.inventory[0]
    assert (strongest.column, strongest.cramers_v) == ("manufacturer", pytest.approx(1))


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        ("054Y", "54"),
        ("018M", "1.5"),
        ("006M", "0.5"),
        ("026W", "0.5"),
        ("073D", "0.2"),
        ("000Y", "0"),
        ("62", "62"),
        ("", ""),
        ("Y", ""),
        ("054X", ""),
        ("1990Y", ""),
    ],
)
def test_ages_in_years(age, expected):
    assert years(age) == expected


def test_every_tag_and_its_column(tmp_path):
    tags = {
        "PatientAge": "030M",
        "PatientSex": "O",
        "ViewPosition": "PA",
        "Manufacturer": "  GE  Medical ",
        "ManufacturerModelName": "CT/i",
        "StationName": "CT2",
        "InstitutionName": "Klinikum Süd",
        "KVP": "120.0",
        "SliceThickness": "1.250",
        "ConvolutionKernel": ["B70f", "3"],
        "BodyPartExamined": "CHEST",
        "BurnedInAnnotation": "NO",
        "PixelSpacing": [0.703125, 0.703125],
        "SpecificCharacterSet": "ISO_IR 100",
    }
    write(tmp_path / "a.dcm", **tags)
    write(tmp_path / "b.dcm", make=xray, PixelSpacing=[0.2, 0.1])
    (tmp_path / "text.dcm").write_text("not DICOM at all")
    (tmp_path / "cut.dcm").write_bytes((tmp_path / "a.dcm").read_bytes()[:200])
    table = image_tags(tmp_path, ["text.dcm", "a.dcm", "missing.dcm", "b.dcm", "cut.dcm"])
    assert table.loc[1].to_dict() == {
        "age": "2.5",
        "sex": "O",
        "view": "PA",
        "modality": "CT",
        "manufacturer": "GE Medical",
        "model": "CT/i",
        "station": "CT2",
        "institution": "Klinikum Süd",
        "kvp": "120",
        "slice_thickness": "1.25",
        "convolution_kernel": "B70f\\3",
        "body_part": "CHEST",
        "burned_in_annotation": "NO",
        "pixel_spacing": "0.703125",
    }
    assert table.loc[3, ["modality", "pixel_spacing", "age"]].tolist() == ["CR", "0.2\\0.1", ""]
    assert (table.loc[[0, 2, 4]] == "").to_numpy().all()


@pytest.mark.parametrize("kind", [b"FD", b"SQ"])
def test_a_damaged_element_hides_no_other(kind, tmp_path):
    """KVP is declared as an eight-byte number or a sequence, and is neither."""
    data = encode(ct(np.zeros((4, 4), np.int16), PatientSex="M", KVP="120"))
    at = data.index(b"\x18\x00\x60\x00DS") + 4
    (tmp_path / "a.dcm").write_bytes(data[:at] + kind + data[at + 2 :])
    row = image_tags(tmp_path, ["a.dcm"]).loc[0]
    assert (row["sex"], row["kvp"]) == ("M", "")


def test_a_file_without_header_is_read(shared_data):
    data = (shared_data / "dicom" / HEADERLESS).read_bytes()
    assert data[128:132] != b"DICM"
    row = image_tags(shared_data / "dicom", [HEADERLESS]).loc[0]
    assert (row["view"], row["model"], row["body_part"]) == ("PA", "9000", "CHEST")
    assert row["manufacturer"] == "FUJI PHOTO FILM CO. LTD." and row["age"] == ""


def test_real_headers(shared_data):
    folder = shared_data / "dicom"
    names = sorted(path.name for path in folder.glob("xrv_*.dcm"))
    table = image_tags(folder, names)
    assert table["age"].tolist() == ["62", "62"] and table["sex"].tolist() == ["M", "M"]
    assert len(set(patient_ids(folder, names, ["a", "a"]))) == 1


def test_png_and_jpeg_are_not_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(dicom_tags, "read_bytes", lambda *_: pytest.fail("opened"))
    names = ("a/1.PNG", "a/2.jpg", "b/1.PNG", "b/2.jpg")
    write_images(tmp_path, dict.fromkeys(names, np.zeros((9, 9), np.uint8)))
    records = load_records("folder", tmp_path)
    assert attributes("folder", tmp_path, records).shape == (4, 0)
