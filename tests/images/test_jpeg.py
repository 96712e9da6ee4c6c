"""JPEG by libjpeg-turbo: the pixels of OpenCV, and no damage without an error."""

import cv2
import numpy as np
import pytest
from image_modes import jpeg_files
from made_dicom import FRAMES_12_BITS, RAMP_12_BITS
from pydicom.uid import JPEGExtended12Bit

from covid_keras.images.jpeg import decode_12_bits, decode_jpeg, parse_jpeg
from covid_keras.images.read import read_image
from covid_keras.utils.errors import InputError

JPEG = jpeg_files()


def scan_start(data: bytes) -> int:
    """The offset of the first coded byte."""
    at = data.index(b"\xff\xda")
    return at + 2 + int.from_bytes(data[at + 2 : at + 4])


@pytest.mark.parametrize("kind", ["grey", "4:4:4", "4:2:0", "progressive"])
@pytest.mark.parametrize("damage", ["garbled", "cut before the end marker", "cut"])
def test_damage_in_the_coded_data_is_refused(kind, damage, tmp_path):
    data, path = bytearray(JPEG[kind]), tmp_path / "bad.jpg"
    middle = (scan_start(JPEG[kind]) + len(data)) // 2
    if damage == "garbled":
        data[middle : middle + 30] = b"\xff\x00" * 15
    else:
        data[middle:] = b"" if damage == "cut" else b"\xff\xd9"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"bad\.jpg: truncated or damaged \w+ JPEG") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


def test_pixels_of_real_files_are_those_of_opencv(shared_data):
    folders = ("sars_cov2_ct/COVID", "covid19_ct", "darkcovid_xray/Covid-19", "covid_ct_lesions")
    count = 0
    for folder in folders:
        files = sorted((shared_data / folder).rglob("*.[jJ][pP]*[gG]"))
        for path in files[:: max(1, len(files) // 60)][:60]:
            data = path.read_bytes()
            expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
            if expected.ndim == 3:
                expected = cv2.cvtColor(expected, cv2.COLOR_BGR2GRAY)
            np.testing.assert_array_equal(decode_jpeg(data, path), expected)
            count += 1
    assert count >= 200


def test_comments_and_colour_profiles_do_not_matter():
    data = JPEG["4:2:0"]
    broken_profile = b"ICC_PROFILE\0\x09\x01" + b"x" * 50
    comment = b"\xff\xe2" + (len(broken_profile) + 2).to_bytes(2) + broken_profile
    np.testing.assert_array_equal(
        decode_jpeg(data[:2] + comment + data[2:], ""), decode_jpeg(data, "")
    )


@pytest.mark.parametrize(
    ("marker", "bits", "encoding"),
    [
        (0xC1, 12, "extended JPEG of 12 bits"),
        (0xC2, 12, "progressive JPEG of 12 bits"),
        (0xC3, 16, "lossless JPEG of 16 bits"),
    ],
)
def test_deep_jpeg_is_refused_by_its_encoding(marker, bits, encoding):
    data = bytearray(JPEG["grey"])
    at = data.index(b"\xff\xc0")
    data[at + 1], data[at + 4] = marker, bits
    with pytest.raises(InputError, match=rf"^deep\.jpg: .* of 8 bits. Received: {encoding}$"):
        decode_jpeg(bytes(data), "deep.jpg")


@pytest.mark.parametrize(("marker", "encoding"), [(0xC9, "arithmetic-coded"), (0xC5, "hierarch")])
def test_encodings_that_cannot_be_decoded_are_named(marker, encoding):
    data = bytearray(JPEG["grey"])
    data[data.index(b"\xff\xc0") + 1] = marker
    with pytest.raises(InputError, match=rf"odd\.jpg: truncated or damaged {encoding}"):
        decode_jpeg(bytes(data), "odd.jpg")


def test_a_scan_may_not_be_repeated_for_ever():
    data = JPEG["progressive"]
    last = data.rindex(b"\xff\xda")
    with pytest.raises(InputError, match=r"many\.jpg: expected at most 100 scans. Received: 1"):
        decode_jpeg(data[:last] + data[last:-2] * 999 + data[-2:], "many.jpg")


@pytest.mark.parametrize("signed", [False, True])
def test_grey_of_12_bits(signed):
    values = decode_12_bits(parse_jpeg(FRAMES_12_BITS[JPEGExtended12Bit], ""), signed, "")
    assert values.dtype == (np.int16 if signed else np.uint16)
    assert (values.min() < 0) == signed
    assert np.abs(values.astype(int) % 4096 - RAMP_12_BITS).max() <= 2


def test_other_depths_are_not_decoded_as_12_bits():
    with pytest.raises(InputError, match=r"expected JPEG of 8 bits or grey of 12. Received: base"):
        decode_12_bits(parse_jpeg(JPEG["grey"], ""), False, "")
