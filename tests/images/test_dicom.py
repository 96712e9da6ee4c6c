import re
import warnings

import numpy as np
import pydicom
import pytest
import simplejpeg
from made_dicom import CR, FRAMES_12_BITS, RAMP_12_BITS, compressed, ct, encode, xray
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSLossless,
    RLELossless,
)

from covid_keras.images import dicom, jpeg_ls
from covid_keras.images.dicom import decode_dicom, header_to_classify
from covid_keras.images.headers import read_header
from covid_keras.images.presentation import apply_window
from covid_keras.images.read import read_image
from covid_keras.utils.errors import InputError

LUNG = (-600.0, 1500.0)


def decode(ds: Dataset, window=LUNG) -> np.ndarray:
    return decode_dicom(encode(ds), "slice.dcm", window)


HU = np.array([[-2000, -1350, -1349, -601, -600, 0, 147, 149, 150, 3000]], np.int16)
GREY = [[0, 0, 0, 127, 128, 230, 254, 255, 255, 255]]
"""floor((HU + 1350) / 1500 * 255 + 0.5), by hand."""


def test_apply_window_by_hand():
    grey = apply_window(HU, LUNG)
    assert grey.dtype == np.uint8
    assert grey.tolist() == GREY
    assert apply_window(np.array([30.0, 40.0, 50.0]), (40, 20)).tolist() == [0, 128, 255]


def test_apply_window_equals_exact_arithmetic_at_every_hounsfield_unit():
    values = np.arange(-3000, 3001)
    exact = np.clip(((2 * (values + 1350) * 255 + 1500) // 3000), 0, 255)
    np.testing.assert_array_equal(apply_window(values, LUNG), exact)


def test_apply_window_refuses_a_width_of_zero():
    with pytest.raises(InputError, match="positive width"):
        apply_window(HU, (0, 0))


def test_ct_uses_slope_and_intercept_and_not_its_own_window():
    assert decode(ct(HU, RescaleIntercept=0)).tolist() == GREY
    stored = (HU.astype(np.int32) + 2000).astype(np.uint16)
    assert decode(ct(stored, RescaleIntercept=-2000)).tolist() == GREY
    assert decode(ct(stored * 2, RescaleSlope=0.5, RescaleIntercept=-2000)).tolist() == GREY


def test_an_empty_modality_table_is_none():
    expected = decode(ct(HU, RescaleIntercept=0))
    for empty in ([], [Dataset()]):
        ds = ct(HU, RescaleIntercept=0, ModalityLUTSequence=empty)
        np.testing.assert_array_equal(decode(ds), expected)
    stored = np.arange(100, dtype=np.uint8).reshape(4, 25)
    np.testing.assert_array_equal(decode(xray(stored, ModalityLUTSequence=[Dataset()])), stored)


def test_ct_of_12_stored_bits():
    stored = np.array([[0, 424, 1174, 4095]], np.uint16)
    assert decode(ct(stored, BitsStored=12)).tolist() == [[55, 128, 255, 255]]


def test_padding_is_black_whatever_the_window():
    stored = np.array([[-2000, 0, 1500]], np.int16)
    whole = (0.0, 8000.0)
    assert decode(ct(stored, RescaleIntercept=0), whole)[0, 0] == 64
    assert decode(ct(stored, RescaleIntercept=0, PixelPaddingValue=-2000), whole)[0, 0] == 0
    unsigned = ct(stored, RescaleIntercept=0, PixelPaddingValue=-2000)
    unsigned["PixelPaddingValue"].VR = "US"
    unsigned["PixelPaddingValue"].value = 65536 - 2000
    assert decode(unsigned, whole).tolist() == [[0, 128, 175]]


def test_padding_range():
    stored = np.array([[0, 5, 10, 500, 1000]], np.uint16)
    ds = xray(stored, BitsStored=12, PixelPaddingValue=0, PixelPaddingRangeLimit=10)
    ds.PhotometricInterpretation = "MONOCHROME1"
    assert decode(ds).tolist() == [[0, 0, 0, 255, 0]]


def test_monochrome1_is_inverted():
    pixels = np.array([[0, 51, 255]], np.uint8)
    assert decode(xray(pixels)).tolist() == [[0, 51, 255]]
    assert decode(xray(pixels, PhotometricInterpretation="MONOCHROME1")).tolist() == [[255, 204, 0]]


def test_deep_xray_without_window_is_stretched_over_its_own_values():
    stored = np.array([[100, 600, 1100]], np.uint16)
    assert decode(xray(stored, BitsStored=12)).tolist() == [[0, 128, 255]]
    assert decode(xray(np.full((2, 2), 9, np.uint16))).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("LINEAR", [0, 0, 128, 255, 255]),  # (x - 499.5) / 499 + 0.5
        ("LINEAR_EXACT", [0, 0, 128, 255, 255]),
        ("SIGMOID", [5, 30, 128, 225, 250]),
    ],
)
def test_xray_window_of_the_file(function, expected):
    stored = np.array([[0, 250, 500, 750, 1000]], np.uint16)
    ds = xray(stored, WindowCenter=[500, 9], WindowWidth=[500, 9], VOILUTFunction=function)
    assert decode(ds).tolist() == [expected]


def test_linear_and_linear_exact_differ_as_the_standard_says():
    stored = np.array([[0, 1, 2, 3, 4]], np.uint16)
    linear = xray(stored, WindowCenter=2, WindowWidth=4)
    assert decode(linear).tolist() == [[0, 85, 170, 255, 255]]
    linear.VOILUTFunction = "LINEAR_EXACT"
    assert decode(linear).tolist() == [[0, 64, 128, 191, 255]]


def test_xray_grey_table_of_the_file():
    item = Dataset()
    item.LUTDescriptor = [4, 10, 16]
    item.LUTData = [0, 400, 800, 1000]
    item["LUTDescriptor"].VR = item["LUTData"].VR = "US"
    stored = np.array([[5, 10, 11, 12, 13, 99]], np.uint16)
    expected = [[0, 0, 102, 204, 255, 255]]
    assert decode(xray(stored, VOILUTSequence=[item], WindowCenter=1, WindowWidth=2)).tolist() == (
        expected
    )
    rescaled = xray(stored, VOILUTSequence=[item], RescaleSlope=1, RescaleIntercept=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode(rescaled).tolist() == expected


def test_colour_captures_follow_the_grey_rule():
    rgb = np.random.default_rng(0).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    r, g, b = (rgb[..., c].astype(int) for c in range(3))
    expected = (9798 * r + 19235 * g + 3735 * b + 16384) >> 15
    np.testing.assert_array_equal(decode(ct(rgb)), expected)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_compressed_pixels(syntax):
    stored = np.random.default_rng(0).integers(0, 2000, (32, 40), dtype=np.uint16)
    ds = ct(stored)
    expected = decode(ds)
    ds.compress(syntax)
    np.testing.assert_array_equal(decode(ds), expected)


@pytest.mark.parametrize("syntax", FRAMES_12_BITS)
def test_jpeg_of_12_bits(syntax, capfd):
    ds = ct(RAMP_12_BITS.astype(np.uint16), BitsStored=12)
    expected = decode(ds).astype(int)
    grey = decode(compressed(ds, syntax, FRAMES_12_BITS[syntax]))
    assert np.abs(grey - expected).max() <= (syntax == JPEGExtended12Bit)
    assert capfd.readouterr().err == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kept", "timeout", "message"),
    [(100, 60, "damaged JPEG-LS data"), (-1, 0.01, "JPEG-LS data not decoded in 0.01 seconds")],
    ids=["cut", "too slow"],
)
def test_jpeg_ls_that_cannot_be_decoded_in_time_is_refused(kept, timeout, message, monkeypatch):
    monkeypatch.setattr(jpeg_ls, "TIMEOUT", timeout)
    ds = ct(RAMP_12_BITS.astype(np.uint16), BitsStored=12)
    ds = compressed(ds, JPEGLSLossless, FRAMES_12_BITS[JPEGLSLossless][:kept])
    with pytest.raises(InputError, match=rf"^slice\.dcm: {message}$"):
        decode(ds)


def test_a_jpeg_of_another_size_than_its_file_is_refused():
    ds = ct(RAMP_12_BITS.astype(np.uint16), BitsStored=12)
    ds = compressed(ds, JPEGExtended12Bit, FRAMES_12_BITS[JPEGExtended12Bit])
    ds.Rows = 9
    with pytest.raises(InputError, match=r"slice\.dcm: expected a JPEG of 16 x 9 L.* 16 x 8 L"):
        decode(ds)


@pytest.mark.parametrize("shape", [(40, 56), (40, 56, 3)])
def test_damaged_jpeg_in_dicom_is_refused(shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    kind = "GRAY" if pixels.ndim == 2 else "RGB"
    frame = simplejpeg.encode_jpeg(pixels.reshape(40, 56, -1), 95, kind, "444")
    ds = xray(pixels)
    ds.PhotometricInterpretation = "MONOCHROME2" if kind == "GRAY" else "YBR_FULL_422"
    grey = decode(compressed(ds, JPEGBaseline8Bit, frame)).astype(int)
    assert np.abs(grey - decode(xray(pixels))).mean() < 4
    half = frame[: len(frame) // 2]
    for bad in (half + b"\xff\xd9", half + b"\xff\0" * 30 + frame[len(half) + 60 :]):
        with pytest.raises(InputError, match=r"slice\.dcm: truncated or damaged baseline JPEG"):
            decode(compressed(ds, JPEGBaseline8Bit, bad))


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_file_without_meta_header(syntax, tmp_path):
    ds = ct(HU, RescaleIntercept=0)
    ds.file_meta.TransferSyntaxUID = syntax
    implicit = syntax == ImplicitVRLittleEndian
    path = tmp_path / "export"
    with path.open("wb") as file:  # Dataset(ds) drops the header
        pydicom.dcmwrite(file, Dataset(ds), implicit_vr=implicit, little_endian=True)
    assert path.read_bytes()[128:132] != b"DICM"
    assert read_image(path).tolist() == GREY
    header = read_header(path)
    assert (header.format, header.width, header.height) == ("DICOM", 10, 1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"NumberOfFrames": 30}, "expected a single slice. Received: multi-frame DICOM with 30"),
        ({"Modality": "MR", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}, "Received: MR"),
        ({"Modality": "", "SOPClassUID": CR}, "Received: none"),
        ({"RescaleType": "Z_EFF"}, "expected CT in HU. Received: RescaleType Z_EFF"),
    ],
)
def test_refused_with_the_reason(changes, reason):
    with pytest.raises(InputError, match=rf"slice\.dcm: .*{reason}"):
        decode(ct(HU, **changes))


def test_ct_without_rescale_is_not_guessed():
    ds = ct(HU)
    del ds.RescaleIntercept
    with pytest.raises(InputError, match="HU are unknown"):
        decode(ds)


def test_structured_report_is_refused(tmp_path):
    ds = ct(HU, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", Modality="SR")
    del ds.PixelData, ds.Rows
    path = tmp_path / "report.dcm"
    path.write_bytes(encode(ds))
    with pytest.raises(InputError, match=r"without pixel data: Basic Text SR Storage"):
        read_image(path)
    with pytest.raises(InputError, match=r"without an image: Basic Text SR Storage"):
        read_header(path)


@pytest.mark.parametrize("kept", [0.05, 0.3, 0.6, 0.98])
def test_truncated_dicom_is_refused(kept):
    data = encode(ct(np.zeros((64, 64), np.int16)))
    with pytest.raises(InputError, match=r"^slice\.dcm: ") as caught:
        decode_dicom(data[: int(len(data) * kept)], "slice.dcm", LUNG)
    assert "\n" not in str(caught.value)


def test_real_ct_has_dark_lungs_in_a_bright_body(shared_data):
    grey = read_image(shared_data / "dicom" / "fodicom_CT_chest_helical_ct.dcm")
    assert grey.shape == (512, 512)
    assert grey[5, 5] == 0  # outside the field of view: -2000
    assert grey[280:300, 130:150].mean() < 120 < 200 < grey[240:260, 240:260].mean()  # lung, heart


@pytest.mark.parametrize(
    ("name", "lung", "middle"),
    [
        ("fodicom_CR-MONO1-10-chest.dcm", (250, 130), (330, 225)),
        ("pydicomdata_RG1_J2KI.dcm", (700, 450), (1300, 930)),
        ("xrv_1.2.276.0.7230010.3.1.4.8323329.6904.1517875201.850819.dcm", (400, 250), (600, 500)),
    ],
)
def test_real_xrays_have_lungs_darker_than_the_mediastinum(shared_data, name, lung, middle):
    grey = read_image(shared_data / "dicom" / name).astype(int)
    patch = grey.shape[0] // 40
    dark, bright = (
        grey[y - patch : y + patch, x - patch : x + patch].mean() for y, x in (lung, middle)
    )
    assert dark + 25 < bright


def test_real_monochrome1_is_the_negative_of_its_monochrome2_twin(shared_data):
    folder = shared_data / "dicom"
    twin = "xrv_1.2.276.0.7230010.3.1.4.8323329.6904.1517875201.850819.dcm"
    inverted = read_image(folder / "xrv_Fake_MONOHR1.dcm")
    np.testing.assert_array_equal(255 - inverted, read_image(folder / twin))


def test_an_element_of_the_wrong_length_is_refused_in_one_line():
    """RescaleSlope is declared as an eight-byte number and has four bytes."""
    data = encode(ct(HU, RescaleSlope="1.00"))
    at = data.index(b"\x28\x00\x53\x10DS") + 4
    with pytest.raises(InputError, match=r"^slice\.dcm: RescaleSlope \(0028,1053\)"):
        decode_dicom(data[:at] + b"FD" + data[at + 2 :], "slice.dcm", LUNG)


@pytest.mark.parametrize("word", ["LOCALIZER", "MPR", "SCREEN SAVE"])
def test_what_is_no_image_to_classify_is_told_by_its_image_type(word, tmp_path):
    path = tmp_path / "slice.dcm"
    path.write_bytes(encode(ct(HU, ImageType=["DERIVED", "SECONDARY", word])))
    reason = rf"not an image to classify: ImageType DERIVED\\SECONDARY\\{word}"
    assert re.fullmatch(reason, header_to_classify(path, path, [])[1])
    with pytest.raises(InputError, match=rf"slice\.dcm: {reason}"):
        read_image(path)
    path.write_bytes(encode(ct(HU, ImageType=["ORIGINAL", "PRIMARY", "AXIAL"])))
    values, reason = header_to_classify(path, path, ["ImageType"])
    assert values == {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"]} and reason == ""


def test_a_deflated_file_is_unpacked_to_a_limit(monkeypatch):
    ds = ct(HU, RescaleIntercept=0)
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data = encode(ds)
    assert decode_dicom(data, "slice.dcm", LUNG).tolist() == GREY
    with pytest.raises(InputError, match=r"slice\.dcm: damaged or truncated DICOM"):
        decode_dicom(data[:-40], "slice.dcm", LUNG)
    monkeypatch.setattr(dicom, "_MAX_BYTES", 100)
    with pytest.raises(InputError, match=r"slice\.dcm: expected at most 100 bytes unpacked"):
        decode_dicom(data, "slice.dcm", LUNG)


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 3)])
@pytest.mark.filterwarnings("ignore:The number of bytes of pixel data")
def test_more_pixels_than_declared_are_refused(shape):
    ds = xray(np.zeros(shape, np.uint8))
    ds.Rows = 4
    with pytest.raises(InputError, match=r"slice\.dcm: expected 4 x 8 grey or RGB\. Rec.* 2 x 4"):
        decode(ds)
