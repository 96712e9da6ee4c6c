"""Structured reports and key images, read back by pydicom, highdicom, dcmtk and dicom3tools."""

import shutil
import subprocess

import numpy as np
import pydicom
import pytest
import tiny
from made_dicom import ct, encode
from pydicom.uid import generate_uid

from covid_keras.export.export import export
from covid_keras.predict.dicom_out import KEY_IMAGE, NOT_FOR_DIAGNOSIS, REPORT
from covid_keras.predict.predict import predict
from covid_keras.training import fit
from covid_keras.utils.errors import InputError

hd = pytest.importorskip("highdicom", reason="pip install 'covid-keras[dicom]'")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    run = tiny.start_run(tmp_path_factory.mktemp("dicom_out"))
    fit.train(run)
    return run


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Three slices of a patient, and one of another that names no study."""
    folder, random = tmp_path_factory.mktemp("study"), np.random.default_rng(0)
    names = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
    names |= {"PatientName": "Doe^Jane", "PatientID": "secret 7", "StudyID": "1"}
    names |= {"AccessionNumber": "77", "StudyDate": "20260101", "StudyTime": "101010"}
    names |= {"PatientBirthDate": "19500101", "PatientSex": "F", "ReferringPhysicianName": ""}
    for number in range(3):
        pixels = random.integers(900, 1300, (90, 80)).astype(np.uint16)
        pixels[20:70, 10:70] = 200
        changes = names | {"InstanceNumber": number + 1, "SeriesNumber": 2}
        (folder / f"{number}.dcm").write_bytes(encode(ct(pixels, **changes)))
    (folder / "alone.dcm").write_bytes(encode(ct(pixels, PatientID="other")))
    return folder


@pytest.fixture(scope="module")
def written(run, study, tmp_path_factory):
    out = tmp_path_factory.mktemp("reports")
    table = predict(run.path, study, dicom_out=out)
    assert set(table["status"]) == {"answered"}
    (folder,) = out.iterdir()
    return table, folder


def values(item, found=None):
    """Return all {name: values} of a content tree."""
    found = {} if found is None else found
    for part in item.get("ContentSequence", []):
        name = (
            part.ConceptNameCodeSequence[0].CodeMeaning if "ConceptNameCodeSequence" in part else ""
        )
        if part.ValueType == "TEXT":
            found.setdefault(name, []).append(part.TextValue)
        if part.ValueType == "NUM":
            number = part.MeasuredValueSequence[0].NumericValue
            found.setdefault(name, []).append(float(number))
        if part.ValueType == "CODE":
            found.setdefault(name, []).append(part.ConceptCodeSequence[0].CodeMeaning)
        values(part, found)
    return found


def test_the_report_carries_the_answer_and_its_evidence(written, study, run):
    table, folder = written
    patient = table.attrs["patients"][0]
    report = hd.sr.srread(folder / REPORT)
    source = pydicom.dcmread(study / "0.dcm")
    for keyword in ("StudyInstanceUID", "PatientID", "PatientName", "AccessionNumber"):
        assert report[keyword].value == source[keyword].value
    assert report.SeriesInstanceUID != source.SeriesInstanceUID
    assert report.VerificationFlag == "UNVERIFIED"
    found = values(report)
    assert found["Predicted class"] == [patient["predicted"]]
    for name in tiny.CLASSES:
        assert found[f"Score of {name}"] == [pytest.approx(100 * patient[name], rel=1e-4)]
    comments = found["Comment"]
    assert comments[0] == NOT_FOR_DIAGNOSIS
    assert any(patient["run"] in text for text in comments)
    assert set(patient["stamps"].split(" · ")) <= set(comments)
    evidence = report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
    assert len(evidence.ReferencedSOPSequence) == 3


def test_the_key_image_is_in_the_study_and_shows_more_than_the_slice(written, study):
    _, folder = written
    image, source = pydicom.dcmread(folder / KEY_IMAGE), pydicom.dcmread(study / "0.dcm")
    assert image.StudyInstanceUID == source.StudyInstanceUID
    assert (image.Modality, image.BurnedInAnnotation) == ("OT", "YES")
    pixels = image.pixel_array
    assert pixels.shape[0] > 90 and pixels.shape[2] == 3
    assert (pixels[..., 0] > pixels[..., 2] + 50).any(), "the map is in colour"


@pytest.mark.parametrize("name", [REPORT, KEY_IMAGE])
def test_other_programs_accept_the_files(written, name):
    _, folder = written
    if shutil.which("dcmftest") is None or shutil.which("dciodvfy") is None:
        pytest.skip("dcmtk and dicom3tools are not installed")
    done = subprocess.run(["dcmftest", str(folder / name)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    done = subprocess.run(["dciodvfy", str(folder / name)], capture_output=True, text=True)
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error")]
    assert errors == []


def test_dcmtk_prints_the_report(written):
    table, folder = written
    if shutil.which("dsrdump") is None:
        pytest.skip("dcmtk is not installed")
    printed = subprocess.run(["dsrdump", str(folder / REPORT)], capture_output=True, text=True)
    assert printed.returncode == 0 and "Imaging Measurement Report" in printed.stdout
    assert table.attrs["patients"][0]["predicted"] in printed.stdout


def test_what_is_of_no_study_has_no_report_and_is_named(run, study, tmp_path, caplog):
    predict(run.path, study / "alone.dcm", dicom_out=tmp_path / "reports")
    assert not (tmp_path / "reports").exists()
    assert "no DICOM report of p" in caplog.text


@pytest.mark.slow
def test_an_export_has_a_key_image_without_a_map(run, study, tmp_path):
    predict(export(run.path, tmp_path / "saved"), study, dicom_out=tmp_path / "reports")
    (folder,) = (tmp_path / "reports").iterdir()
    assert pydicom.dcmread(folder / KEY_IMAGE).pixel_array.shape[2] == 3


def test_a_folder_that_holds_files_is_not_written_to(run, study):
    with pytest.raises(InputError, match="holds files already; give another --dicom-out"):
        predict(run.path, study, dicom_out=study)
