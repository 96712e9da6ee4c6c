import os

import cv2
import numpy as np
import pytest
from image_modes import (
    SIZE,
    animation,
    cmyk_jpeg,
    grey_rule,
    jpeg_files,
    png_chunk,
    png_examples,
    with_junk,
)

from covid_keras.images.formats import is_image
from covid_keras.images.headers import read_header
from covid_keras.images.read import decode_image, read_image
from covid_keras.utils.errors import InputError


def size_of(path) -> tuple[int, int]:
    header = read_header(path)
    return header.width, header.height


PNG = png_examples()
JPEG = jpeg_files()


def test_opencv_follows_the_integer_grey_rule():
    bgr = np.random.default_rng(5).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    expected = grey_rule(bgr[..., ::-1])
    np.testing.assert_array_equal(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), expected)
    with_alpha = np.dstack([bgr, bgr[..., 0]])
    np.testing.assert_array_equal(cv2.cvtColor(with_alpha, cv2.COLOR_BGRA2GRAY), expected)


@pytest.mark.parametrize("mode", PNG)
def test_png_of_every_mode_is_read_exactly(mode, tmp_path):
    path = tmp_path / "slice.png"
    path.write_bytes(PNG[mode].data)
    grey = read_image(path)
    assert grey.dtype == np.uint8
    np.testing.assert_array_equal(grey, PNG[mode].grey)
    assert size_of(path) == SIZE[::-1]


@pytest.mark.parametrize("kind", JPEG)
def test_jpeg_is_the_grey_of_its_decoded_colours(kind, tmp_path):
    path = tmp_path / "slice.jpg"
    path.write_bytes(JPEG[kind])
    colour = cv2.imdecode(
        np.frombuffer(JPEG[kind], np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    )
    grey = read_image(path)
    np.testing.assert_array_equal(grey, grey_rule(colour[..., ::-1]))
    assert size_of(path) == grey.shape[::-1]


def test_exif_orientation_is_ignored():
    np.testing.assert_array_equal(
        decode_image(JPEG["EXIF rotated"], ""), decode_image(JPEG["4:2:0"], "")
    )


def test_the_suffix_is_not_trusted(tmp_path):
    path = tmp_path / "jpeg_called.png"
    path.write_bytes(JPEG["grey"])
    np.testing.assert_array_equal(read_image(path), decode_image(JPEG["grey"], path))
    assert size_of(path) == SIZE[::-1]


@pytest.mark.parametrize("tail", [b"\0" * 99, b"\r\n", b"scanner footer"])
def test_padding_after_the_end_is_allowed(tail):
    np.testing.assert_array_equal(decode_image(PNG["RGB"].data + tail, ""), PNG["RGB"].grey)
    expected = decode_image(JPEG["4:2:0"], "")
    np.testing.assert_array_equal(decode_image(JPEG["4:2:0"] + tail, ""), expected)


@pytest.mark.parametrize("kept", [0.3, 0.9, 0.999])
@pytest.mark.parametrize("data", [PNG["grey"].data, JPEG["4:2:0"], JPEG["progressive"]])
def test_truncated_files_are_refused(data, kept, tmp_path):
    path = tmp_path / "half.png"
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(InputError, match=r"half\.png: .*truncated"):
        read_image(path)


def test_the_end_of_an_exif_thumbnail_is_not_the_end_of_the_image():
    data = JPEG["4:2:0"]
    app1 = b"Exif\0\0" + data
    with_thumbnail = data[:2] + b"\xff\xe1" + (len(app1) + 2).to_bytes(2) + app1 + data[2:]
    np.testing.assert_array_equal(decode_image(with_thumbnail, ""), decode_image(data, ""))
    with pytest.raises(InputError, match="truncated"):
        decode_image(with_thumbnail[:-40], "thumbnail.jpg")


def test_a_png_with_flipped_bits_is_refused():
    data = bytearray(PNG["grey"].data)
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(InputError, match=r"bad\.png: damaged: begins as a PNG file"):
        decode_image(bytes(data), "bad.png")


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("empty.png", b"", "zero bytes"),
        ("notes.png", b"patient,label\n1,covid\n" * 9, r"begins with b'patient,label"),
        ("scan.nii", b"\0" * 400, "3D NIfTI volume; export axial slices"),
        ("scan.nii.gz", b"\x1f\x8b" + b"\0" * 400, "3D NIfTI volume"),
        ("volume.png", b"\0" * 344 + b"n+1\0", "3D NIfTI volume"),
        ("a.png", b"GIF89a" + b"\0" * 50, "a GIF file"),
        ("a.png", b"BM" + b"\0" * 50, "a BMP file"),
        ("a.png", b"II*\0" + b"\0" * 50, "a TIFF file"),
        ("a.png", b"RIFF\0\0\0\0WEBPVP8 ", "a WebP file"),
        ("a.dcm", b"not dicom at all, only text", "begins with b'not dicom"),
    ],
)
def test_other_files_are_refused_with_the_reason(name, data, reason, tmp_path):
    (tmp_path / name).write_bytes(data)
    for reader in (read_image, read_header):
        with pytest.raises(InputError, match=rf"{name}: .*{reason}") as caught:
            reader(tmp_path / name)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("junk", [b"", b"\0" * 5, b"junk" * 30])
def test_cmyk_jpeg_is_refused_also_behind_junk(junk):
    data = cmyk_jpeg()
    with pytest.raises(InputError, match=r"ink\.jpg: .*CMYK"):
        decode_image(with_junk(data, junk), "ink.jpg")


def test_an_animation_gives_its_default_image():
    np.testing.assert_array_equal(decode_image(animation(), ""), PNG["RGB"].grey)


def test_sizes_and_lengths_are_checked_before_decoding():
    data = PNG["RGB"].data
    at = data.index(b"IDAT") - 4
    with pytest.raises(InputError, match=r"long\.png: damaged: .* a chunk of 1,073,741,824 bytes"):
        decode_image(data[:at] + (1 << 30).to_bytes(4) + data[at + 4 :], "long.png")
    header = (20_000).to_bytes(4) * 2 + data[24:29]
    huge = data[:8] + png_chunk(b"IHDR", header) + data[33:]
    with pytest.raises(InputError, match=r"huge\.png: .* Received: 20000 x 20000"):
        decode_image(huge, "huge.png")


def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(InputError, match=r"pipe\.png: expected a file. Received: a pipe"):
        read_image(tmp_path / "pipe.png")


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(InputError, match=r"none\.png: file not found"):
        read_image(tmp_path / "none.png")
    with pytest.raises(InputError, match="Received: a folder"):
        read_image(tmp_path)


def test_real_images_of_every_set(shared_data):
    """Every 40th real file: readable, not cut off, and as large as its header says."""
    files = sorted(path for path in shared_data.rglob("*") if is_image(path))[::40]
    assert len(files) > 100
    for path in files:
        grey = read_image(path)
        assert grey.dtype == np.uint8
        assert grey.shape[::-1] == size_of(path)


@pytest.mark.parametrize("levels", [(0, 65535), (0, 4095), (31418, 32918), (-326, 1174)])
def test_levels_of_16_bits_are_256_equal_parts(tmp_path, levels):
    low, high = levels
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    (path := tmp_path / "slice.png").write_bytes(cv2.imencode(".png", values)[1].tobytes())
    expected = [min(max((v - low) * 256 // (high - low + 1), 0), 255) for v in range(65536)]
    np.testing.assert_array_equal(read_image(path, levels=levels).ravel(), expected)
    if levels == (0, 65535):
        np.testing.assert_array_equal(read_image(path), values >> 8)


def test_levels_change_no_image_of_8_bits():
    for data in (PNG["grey"].data, JPEG["grey"]):
        np.testing.assert_array_equal(decode_image(data, "", (0, 9)), decode_image(data, ""))
