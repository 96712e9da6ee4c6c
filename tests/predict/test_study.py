"""From studies as a scanner sends them, in a folder and in a ZIP file, to both tables."""

import shutil
import zipfile

import answering
import made_volumes
import numpy as np
import pandas as pd
import pytest
from made_dicom import ct, encode

from covid_keras.images.read import read_image
from covid_keras.predict.answers import answer
from covid_keras.predict.entries import samples_of
from covid_keras.predict.inputs import find_entries
from covid_keras.predict.rows import EVIDENCE

MODEL = answering.model(temperature=1.0, threshold=0.5, patient_rule="mean")
ORIGINAL = ["ORIGINAL", "PRIMARY", "AXIAL"]


def chest(lung: int, lungs: bool = True) -> np.ndarray:
    """Hounsfield units, int16 (64, 64), of a slice: lungs of this density in a body in air."""
    values = np.full((64, 64), -1000, np.int16)
    values[12:52, 6:58] = 40
    if lungs:
        values[18:46, 12:28] = values[18:46, 36:52] = lung
    return values


def write_studies(folder) -> None:
    """Write two patients: one with two series, a scout, a page, a damaged file and a slice of the
    abdomen; one with a single series."""
    number = iter(range(100))

    def write(patient, series, values, **changes):
        settings = {"PatientID": patient, "StudyInstanceUID": f"1.2.{patient}"}
        settings |= {"SeriesInstanceUID": f"1.2.{patient}.{series}", "SeriesNumber": series}
        ds = ct(values, **{"RescaleIntercept": 0, "ImageType": ORIGINAL} | settings | changes)
        path = folder / patient / f"IM{next(number):04}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(ds))
        return path

    write("1", 1, chest(-850), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    for lung in (-860, -850, -840):
        write("1", 2, chest(lung))
    damaged = write("1", 2, chest(-830))
    damaged.write_bytes(damaged.read_bytes()[:-1000])
    write("1", 2, chest(0, lungs=False))
    write("1", 3, chest(-850))
    page = np.zeros((64, 64, 3), np.uint8)
    write(
        "1", 99, page, SOPClassUID="1.2.840.10008.5.1.4.1.1.7", ImageType=["DERIVED", "SECONDARY"]
    )
    for lung in (-500, -480):
        write("2", 1, chest(lung))


@pytest.fixture(params=["folder", "zip"])
def studies(request, tmp_path):
    folder = tmp_path / "studies"
    write_studies(folder)
    if request.param == "folder":
        return folder
    shutil.make_archive(str(folder), "zip", folder)
    shutil.rmtree(folder)
    return tmp_path / "studies.zip"


def test_studies_become_a_table_of_images_and_one_of_patients(studies, tmp_path):
    out = tmp_path / "out.csv"
    answer(MODEL, samples_of(find_entries([studies]), MODEL), out)
    images, patients = (
        pd.read_csv(path, keep_default_na=False) for path in (out, tmp_path / "out_patients.csv")
    )
    told = images["status"].str.removeprefix("not answered: ").tolist()
    expected = ["left out: not an image to classify: ImageType ORIGINAL", *["answered"] * 3]
    expected += ["DICOM pixels cannot be decoded", "left out: outside of the lungs: air fills"]
    expected += ["left out: series 2 of this study is answered: it has the most slices, 5"]
    expected += ["left out: secondary capture of CT", *["answered"] * 2]
    assert [text[: len(start)] for text, start in zip(told, expected, strict=True)] == expected
    assert images["series"].tolist() == [1, 2, 2, 2, 2, 2, 3, 99, 1, 1]
    assert patients[["images", "not_answered"]].to_numpy().tolist() == [[3, 5], [2, 0]]
    assert patients["patient"].tolist() == list(dict.fromkeys(images["patient"]))
    answered = images[images["status"] == "answered"]
    means = answered.assign(bright=answered["bright"].astype(float)).groupby("study")["bright"]
    assert patients["bright"].tolist() == pytest.approx(means.mean()[patients["study"]].tolist())
    for table in (images, patients):
        assert (table[list(EVIDENCE)] == images.loc[0, list(EVIDENCE)]).all(axis=None)
    assert not list(tmp_path.glob("*.partial"))


def test_folder_and_zip_have_the_same_answers(tmp_path):
    folder = tmp_path / "studies"
    write_studies(folder)
    with zipfile.ZipFile(tmp_path / "studies.zip", "w") as archive:
        for path in sorted(folder.rglob("IM*")):
            archive.write(path, path.relative_to(folder))
    one, other = (
        answer(MODEL, samples_of(find_entries([path]), MODEL))
        for path in (folder, tmp_path / "studies.zip")
    )
    different = ["image", "source"]
    pd.testing.assert_frame_equal(one.drop(columns=different), other.drop(columns=different))


def test_the_slices_of_a_volume_are_one_patient(tmp_path):
    pytest.importorskip("SimpleITK")
    slices = [chest(-850), chest(-800), chest(0, lungs=False)]
    affine = np.diag([-1.0, -1, 1, 1])
    made_volumes.write_nifti(tmp_path / "scan.nii.gz", np.stack(slices, -1).swapaxes(0, 1), affine)
    table = answer(MODEL, samples_of(find_entries([tmp_path]), MODEL))
    assert table["image"].tolist() == [f"{tmp_path}/scan.nii.gz/{n}" for n in (1, 2, 3)]
    assert table["predicted"].ne("").tolist() == [True, True, False]
    (patient,) = table.attrs["patients"]
    assert patient["images"] == 2 and patient["patient"] == "scan.nii.gz"


def test_a_real_volume_is_answered_as_its_slices(shared_data, tmp_path):
    """The volume is made from the slices, by the inverse of their window."""
    pytest.importorskip("SimpleITK")
    files = sorted((shared_data / "ct_volume_example").glob("*.jpg"), reverse=True)
    grey = np.stack([read_image(file) for file in files])
    voxels = (grey / 255 * 1500 - 1350).round().astype(np.int16).transpose(2, 1, 0)
    made_volumes.write_nifti(tmp_path / "scan.nii", voxels, np.diag([-0.7, -0.7, 10, 1]))
    table = answer(MODEL, samples_of(find_entries([tmp_path / "scan.nii"]), MODEL))
    alone = answer(MODEL, samples_of(find_entries(files), MODEL))
    left_out = [25 - n for n, answered in enumerate(table["predicted"]) if not answered]
    assert [2 * place + 5 for place in left_out] == [55, 53, 7]
    kept = table["predicted"] != ""
    np.testing.assert_allclose(table["bright"][kept], alone["bright"][kept], atol=0.004)
    (patient,) = table.attrs["patients"]
    assert patient["images"] == 22 and patient["not_answered"] == 3
