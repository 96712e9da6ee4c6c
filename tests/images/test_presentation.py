"""Numbers of DICOM headers, colours and byte orders: right, or refused by name."""

import logging

import numpy as np
import pytest
from made_dicom import compressed, ct, encode, xray
from pydicom.dataset import Dataset
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.uid import ExplicitVRBigEndian, RLELossless

from covid_keras.images.dicom import decode_dicom
from covid_keras.utils.errors import InputError

DEEP = np.arange(1000, dtype=np.uint16).reshape(25, 40)


def decode(ds: Dataset) -> np.ndarray:
    grey = decode_dicom(encode(ds), "slice.dcm", (-600, 1500))
    assert grey.dtype == np.uint8
    return grey


def big_endian(ds: Dataset) -> Dataset:
    ds.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    tables = [e.keyword for e in ds if e.keyword.endswith("LookupTableData")]
    for keyword in ["PixelData", *tables] if ds.BitsAllocated == 16 else tables:
        swapped = np.frombuffer(ds[keyword].value, np.uint16).byteswap().tobytes()
        setattr(ds, keyword, swapped)
    return ds


@pytest.mark.parametrize(
    ("function", "width", "valid"),
    [
        ("LINEAR", 0, False),
        ("LINEAR", -400, False),
        ("LINEAR", 0.5, False),
        ("LINEAR", 1, True),
        ("LINEAR_EXACT", 0, False),
        ("LINEAR_EXACT", 0.5, True),
        ("SIGMOID", -1, False),
        ("SIGMOID", 0.5, True),
    ],
)
def test_a_window_without_width_is_no_window(function, width, valid, caplog):
    ds = xray(DEEP, WindowCenter=500, WindowWidth=width, VOILUTFunction=function)
    with caplog.at_level(logging.WARNING):
        grey = decode(ds)
    assert np.array_equal(grey, decode(xray(DEEP))) != valid
    assert ("slice.dcm: WindowWidth (0028,1051)" in caplog.text) != valid


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("WindowCenter", "nan"),
        ("WindowWidth", "inf"),
        ("RescaleSlope", "nan"),
        ("RescaleIntercept", "-inf"),
        ("RescaleSlope", "0"),
        ("NumberOfFrames", "1A"),
    ],
)
def test_numbers_that_are_none_are_refused_by_name(keyword, value):
    rest = {"WindowCenter": 9, "WindowWidth": 9, "RescaleSlope": 1, "RescaleIntercept": 0}
    data = encode(xray(DEEP, **(rest | {keyword: 12345678})))
    data = data.replace(b"12345678", value.encode().ljust(8))
    with pytest.raises(InputError, match=rf"^slice\.dcm: {keyword} \(.{{9}}\): .*{value}"):
        decode_dicom(data, "slice.dcm", (-600, 1500))


def test_the_window_of_a_ct_is_not_read():
    assert np.array_equal(decode(ct(DEEP, WindowWidth=0)), decode(ct(DEEP)))


def test_a_hot_pixel_does_not_take_the_greys_of_the_others():
    hot = DEEP.copy()
    hot[0, 0] = 65535
    assert np.abs(decode(xray(hot)).astype(int) - decode(xray(DEEP)))[1:].max() <= 2
    lone = np.full((20, 20), 7, np.uint16)
    lone[3, 4] = 9000
    assert decode(xray(lone)).tolist() == np.where(lone == 7, 0, 255).tolist()


def rgb(dtype, **changes) -> Dataset:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(dtype)
    return xray(pixels << (changes.get("BitsStored", 8) - 8), **changes)


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_deep_colours_are_scaled_by_their_stored_bits(bits):
    expected = decode(rgb(np.uint8))
    assert np.array_equal(decode(rgb(np.uint16, BitsStored=bits)), expected)
    assert np.array_equal(decode(big_endian(rgb(np.uint16, BitsStored=bits))), expected)


SAID_OF_RGB_32 = {
    "rows": 6,
    "columns": 8,
    "samples_per_pixel": 3,
    "bits_allocated": 32,
    "bits_stored": 32,
    "pixel_representation": 0,
    "photometric_interpretation": "RGB",
    "number_of_frames": 1,
    "planar_configuration": 0,
}


@pytest.mark.parametrize("rle", [False, True])
def test_colours_of_32_bits_are_refused(rle):
    ds = rgb(np.uint32)
    if rle:
        frame = RLELosslessEncoder.encode(ds.pixel_array, validate=False, **SAID_OF_RGB_32)
        ds = compressed(ds, RLELossless, frame)
    with pytest.raises(InputError, match=r"^slice\.dcm: expected colours of 8 to 16 bits"):
        decode(ds)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
def test_overlays_above_the_stored_bits_are_no_values(dtype):
    values = np.arange(-500, 500).reshape(25, 40) + (500 if dtype == np.uint16 else 0)
    expected = decode(ct(values.astype(dtype)))
    ds = ct(((values & 0xFFF) | (np.arange(40) % 2 << 15)).astype(np.uint16), BitsStored=12)
    ds.PixelRepresentation = int(dtype == np.int16)
    assert np.array_equal(decode(ds), expected)


@pytest.mark.parametrize("vr", [b"ZZ", b"??", b"\0\0"])
def test_private_elements_of_an_unknown_type_are_no_traceback(vr):
    ds = ct(DEEP)
    ds.add_new(0x00091001, "LO", "SOMEONE")
    ds.add_new(0x00091002, "LO", "A PRIVATE VALUE")
    data = encode(ds)
    at = data.index(b"\x09\0\x02\x10LO") + 4
    data = data[:at] + vr + data[at + 2 :]
    try:
        grey = decode_dicom(data, "slice.dcm", (-600, 1500))
    except InputError as error:
        assert str(error).startswith("slice.dcm: ")
        assert vr != b"ZZ"
    else:
        assert np.array_equal(grey, decode(ct(DEEP)))


@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette_in_either_byte_order(bits):
    ds = xray(np.arange(200, dtype=np.uint8).reshape(10, 20))
    ds.PhotometricInterpretation = "PALETTE COLOR"
    for colour in ("Red", "Green", "Blue"):
        setattr(ds, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, bits])
        table = np.arange(256, dtype=f"u{bits // 8}") << (bits - 8)
        setattr(ds, f"{colour}PaletteColorLookupTableData", table.tobytes())
    expected = np.arange(200).reshape(10, 20)
    assert np.array_equal(decode(ds), expected)
    assert np.array_equal(decode(big_endian(ds)), expected)


@pytest.mark.parametrize("modality", ["MR", "US", "MG"])
@pytest.mark.parametrize("pixels", [DEEP, np.zeros((4, 4, 3), np.uint8)], ids=["grey", "colour"])
def test_other_modalities_are_refused_in_grey_and_colour(modality, pixels):
    ds = xray(pixels, Modality=modality)
    with pytest.raises(InputError, match=f"expected Modality CT.* Received: {modality}"):
        decode(ds)
