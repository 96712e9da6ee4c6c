"""Which DICOM files are answered, by header alone."""

import numpy as np
import pytest
from made_dicom import ct, encode, xray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage, generate_uid

from covid_keras.predict.inputs import find_entries
from covid_keras.utils.errors import InputError

PIXELS = np.zeros((8, 8), np.int16)
CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
AXIAL = {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"]}
ACROSS, CORONAL = [1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, -1]


def found(folder, **files) -> dict:
    """Write the files; return {name: entry}."""
    for name, ds in files.items():
        (folder / f"{name}.dcm").write_bytes(encode(ds))
    entries = find_entries([folder])
    return {entry.image.rpartition("/")[2].removesuffix(".dcm"): entry for entry in entries}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (AXIAL, ""),
        ({"ImageOrientationPatient": ACROSS}, ""),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0.87, -0.5]}, ""),  # a tilted gantry
        ({"ImageType": ["DERIVED", "PRIMARY", "AXIAL"], "LossyImageCompression": "01"}, ""),
        ({"BodyPartExamined": "CHEST"}, ""),
        ({"BodyPartExamined": "POUMONS"}, ""),
        ({"BodyPartExamined": "HEAD"}, "BodyPartExamined HEAD"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "ImageType ORIGINAL.PRIMARY.LOCALI"),
        ({"ImageType": ["DERIVED", "PRIMARY", "AXIAL"]}, "not an original slice"),
        ({"ImageType": ["DERIVED", "SECONDARY", "AXIAL"]}, "secondary capture of CT"),
        ({"SOPClassUID": CAPTURE}, "secondary capture of CT"),
        ({"ImageOrientationPatient": CORONAL}, "not an axial slice"),
        ({"Modality": "MR", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}, "Modality MR"),
    ],
)
def test_ct_is_answered_where_it_is_original_primary_axial_and_of_the_chest(
    tmp_path, changes, reason
):
    entry = found(tmp_path, file=ct(PIXELS, **changes))["file"]
    if not reason:
        assert entry.reason == "" and entry.ct
    else:
        assert entry.reason.startswith("left out: ") and reason.replace(".", "\\") in entry.reason


def test_of_a_study_the_series_with_the_most_slices_is_answered(tmp_path):
    def slices(series, number, count, study="1.2.3"):
        uids = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SeriesNumber": number}
        return {f"{series}_{n}": ct(PIXELS, **uids, **AXIAL) for n in range(count)}

    files = slices("1.1", 2, 2) | slices("1.2", 3, 3) | slices("1.3", 4, 3)
    files |= slices("1.4", 1, 1, study="1.2.4")
    files["scout"] = ct(
        PIXELS, StudyInstanceUID="1.2.3", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]
    )
    entries = found(tmp_path, **files)
    answered = {name for name, entry in entries.items() if not entry.reason}
    assert answered == {"1.2_0", "1.2_1", "1.2_2", "1.4_0"}
    reason = "left out: series 3 of this study is answered: it has the most slices, 3"
    assert entries["1.1_0"].reason == entries["1.3_2"].reason == reason
    assert len({entry.study for entry in entries.values()}) == 2
    assert entries["scout"].patient == entries["1.1_0"].patient != ""


def test_an_xray_keeps_its_view_and_a_capture_stands_alone(tmp_path):
    study = {"StudyInstanceUID": "1.2.3"}
    film = xray(PIXELS, ViewPosition="PA", **study)
    page = xray(PIXELS, SOPClassUID=CAPTURE, Modality="OT", **study)
    alone = xray(PIXELS, SOPClassUID=CAPTURE, Modality="OT", StudyInstanceUID="1.2.4")
    entries = found(tmp_path, film=film, page=page, alone=alone)
    assert entries["film"].view == "PA" and not entries["film"].ct
    assert entries["page"].reason == "left out: secondary capture in a study with other images"
    assert entries["film"].reason == entries["alone"].reason == ""


def test_a_file_without_an_image_is_left_out_and_a_damaged_one_is_left_to_reading(tmp_path):
    report = ct(PIXELS, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.67", Modality="SR")
    del report.PixelData, report.Rows
    index = Dataset()
    index.file_meta = FileMetaDataset()
    index.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    index.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    index.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    index.FileSetID = "CD"
    (tmp_path / "DICOMDIR").write_bytes(encode(index))
    (tmp_path / "cut.dcm").write_bytes(encode(ct(PIXELS))[:300])
    entries = found(tmp_path, report=report)
    assert "Radiation Dose SR" in entries["report"].reason
    assert "Media Storage Directory" in entries["DICOMDIR"].reason
    assert entries["cut"].reason == ""
    with pytest.raises(InputError, match="no PNG, JPEG or DICOM files"):
        (tmp_path / "empty").mkdir()
        find_entries([tmp_path / "empty"])
