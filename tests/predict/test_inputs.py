import logging

import numpy as np
import pytest
from made_dicom import ct, encode

from covid_keras.predict.inputs import records_of_files
from covid_keras.utils.errors import InputError

PIXELS = np.zeros((8, 8), np.int16)


def test_a_study_leaves_out_what_is_no_image_to_classify(tmp_path, caplog):
    report = ct(PIXELS, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.67", Modality="SR")
    del report.PixelData, report.Rows
    scout = ct(PIXELS, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    for name, ds in {"slice": ct(PIXELS), "scout": scout, "report": report}.items():
        (tmp_path / f"{name}.dcm").write_bytes(encode(ds))
    with caplog.at_level(logging.WARNING):
        records = records_of_files([tmp_path])
    assert [image.rpartition("/")[2] for image in records["image"]] == ["slice.dcm"]
    (warning,) = caplog.messages
    assert "2 of 3 files left out" in warning
    assert "Radiation Dose SR" in warning
    assert "LOCALIZER" in warning
    (tmp_path / "slice.dcm").unlink()
    with pytest.raises(InputError, match="2 of 2 files left out"):
        records_of_files([tmp_path])
