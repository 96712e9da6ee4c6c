import logging

import numpy as np
import pytest
from made_dicom import ct, encode
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage, generate_uid

from covid_keras.predict.inputs import records_of_files
from covid_keras.utils.errors import InputError

PIXELS = np.zeros((8, 8), np.int16)


def test_a_study_leaves_out_what_is_no_image_to_classify(tmp_path, caplog):
    report = ct(PIXELS, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.67", Modality="SR")
    del report.PixelData, report.Rows
    scout = ct(PIXELS, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    page = ct(PIXELS, ImageType=["DERIVED", "SECONDARY", "SCREEN SAVE"])
    files = {"slice": ct(PIXELS), "scout": scout, "page": page, "report": report}
    for name, ds in files.items():
        (tmp_path / f"{name}.dcm").write_bytes(encode(ds))
    index = Dataset()
    index.file_meta = FileMetaDataset()
    index.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    index.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    index.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    index.FileSetID = "CD"
    (tmp_path / "DICOMDIR").write_bytes(encode(index))
    with caplog.at_level(logging.WARNING):
        records = records_of_files([tmp_path])
    assert [image.rpartition("/")[2] for image in records["image"]] == ["slice.dcm"]
    (warning,) = caplog.messages
    assert "4 of 5 files left out" in warning
    assert "Radiation Dose SR" in warning
    assert "LOCALIZER" in warning
    assert "SCREEN SAVE" in warning
    assert "Media Storage Directory" in warning
    (tmp_path / "slice.dcm").unlink()
    with pytest.raises(InputError, match="4 of 4 files left out"):
        records_of_files([tmp_path])
