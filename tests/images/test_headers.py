"""Headers say format, mode, bits and size; one parser for all who ask."""

import pytest
from image_modes import SIZE, cmyk_jpeg, jpeg_files, png_examples, with_junk

from covid_keras.images.headers import Header, read_header
from covid_keras.images.read import read_image
from covid_keras.utils.errors import InputError

PNG = png_examples()
JPEG = jpeg_files()
MODES = {"grey + alpha": "LA", "RGBA": "RGBA", "RGB": "RGB", "palette": "palette", "grey": "L"}


@pytest.mark.parametrize("kind", PNG)
def test_png_of_every_mode(kind, tmp_path):
    path = tmp_path / "slice.png"
    path.write_bytes(PNG[kind].data)
    mode = next(mode for begin, mode in MODES.items() if kind.startswith(begin))
    numbers = [int(word) for word in kind.replace(",", "").split() if word.isdigit()]
    expected = Header("PNG", mode, numbers[0] if numbers else 8, SIZE[1], SIZE[0])
    assert read_header(path) == read_header(path, path.read_bytes()) == expected


@pytest.mark.parametrize("kind", JPEG)
def test_jpeg(kind, tmp_path):
    path = tmp_path / "slice.png"
    path.write_bytes(JPEG[kind])
    mode, (height, width) = "L" if kind == "grey" else "RGB", read_image(path).shape
    assert read_header(path) == Header("JPEG", mode, 8, width, height)


def test_cmyk_is_named():
    assert read_header("ink.jpg", cmyk_jpeg()).mode == "CMYK"


@pytest.mark.parametrize("junk", [b"\0" * 5, b"junk" * 30])
def test_junk_before_a_segment_is_skipped_as_by_the_decoder(junk, tmp_path):
    path = tmp_path / "junk.jpg"
    data = JPEG["4:2:0"]
    path.write_bytes(with_junk(data, junk))
    header = read_header(path)
    assert (header.height, header.width) == read_image(path).shape


def test_a_long_block_before_the_frame_is_no_problem(tmp_path):
    path = tmp_path / "long.jpg"
    data, block = JPEG["grey"], b"\xff\xe2" + (60_000).to_bytes(2) + b"x" * 59_998
    path.write_bytes(data[:2] + block * 3 + data[2:])
    assert read_header(path).width == SIZE[1]


@pytest.mark.parametrize("data", [PNG["RGB"].data[:20], JPEG["4:2:0"][:60]])
def test_a_truncated_header_is_one_line(data, tmp_path):
    path = tmp_path / "half.png"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"half\.png: header of a (PNG|JPEG) file is damaged"):
        read_header(path)
