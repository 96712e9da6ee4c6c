"""DICOM data sets made from arrays."""

import base64
import io

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    generate_uid,
)

CT = "1.2.840.10008.5.1.4.1.1.2"
CR = "1.2.840.10008.5.1.4.1.1.1"

RAMP_12_BITS = 40 + 60 * np.arange(8)[:, None] + 230 * np.arange(16)
"""Values of 12 bits, of which `FRAMES_12_BITS` are the compressed forms."""
FRAMES_12_BITS = {
    JPEGExtended12Bit: base64.b64decode(  # quality 90, by libjpeg-turbo 3 (imagecodecs 2026.3.6)
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4R"
        "DgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/wQALDAAIABABAREA/8QAFQABAQAAAAAAAAAAAAAAAAAADA3/xAAcEAAA"
        "BgMAAAAAAAAAAAAAAAAACgwmOENVYXL/2gAIAQEAAD8ALTp88u5G1s4+jjQplafPLuRtbOPo40P/2Q=="
    ),
    JPEGLosslessSV1: base64.b64decode(  # by the same
        "/9j/4AAQSkZJRgABAQAAAQABAAD/wwALDAAIABABAREA/8QAFgABAQEAAAAAAAAAAAAAAAAACAYL/9oACAEBAAEA"
        "AMCdzOZzOZzOZzOZzOZzOZzOZzXjmczmczmczmczmczmczmczmvHM5nM5nM5nM5nM5nM5nM5nNeOZzOZzOZzOZzO"
        "ZzOZzOZzOa8czmczmczmczmczmczmczmc145nM5nM5nM5nM5nM5nM5nM5rxzOZzOZzOZzOZzOZzOZzOZzXjmczmc"
        "zmczmczmczmczmczm//Z"
    ),
    JPEGLSLossless: base64.b64decode(  # by CharLS (python-gdcm 3.2.6)
        "/9j/9wALEAAIABABAREA//gADQH//wASAEMBFABA/9oACAEBAAAAAET7l3LuXcnx/F8Pwe/73u+57ftezjxHiO06"
        "TlcLdbLVaLNZLFYN6PEdtza2NbU0tDOzMrIxsTCjtOmBfXl1cW1pZWVhXV1ZsnSctWrRozZsmTJixYsGCcrhgwXr"
        "169cuXLVq1YsXC3WK1atUqVKlSlSpUqVutlChQwwwwuuuuuuutj/2Q=="
    ),
}


def ct(pixels, **changes) -> Dataset:
    settings = {"RescaleSlope": 1, "RescaleIntercept": -1024, "WindowCenter": 40}
    settings |= {"WindowWidth": 400, "SOPClassUID": CT, "Modality": "CT"} | changes
    return _dataset(pixels, **settings)


def xray(pixels, **changes) -> Dataset:
    return _dataset(pixels, **({"SOPClassUID": CR, "Modality": "CR"} | changes))


def compressed(ds: Dataset, syntax: str, frame: bytes) -> Dataset:
    """Return the data set with `frame` as its pixels, in this transfer syntax."""
    ds.file_meta.TransferSyntaxUID = syntax
    ds.PixelData = encapsulate([frame])
    ds["PixelData"].VR = "OB"
    return ds


def _dataset(pixels, **settings) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPInstanceUID = generate_uid()
    ds.PatientID = "7"
    ds.Rows, ds.Columns = pixels.shape[:2]
    ds.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    ds.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
    if pixels.ndim == 3:
        ds.PlanarConfiguration = 0
    ds.BitsAllocated = ds.BitsStored = 8 * pixels.dtype.itemsize
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    for name, value in settings.items():
        setattr(ds, name, value)
    ds.HighBit = ds.BitsStored - 1
    ds.PixelData = pixels.tobytes()
    return ds


def encode(ds: Dataset) -> bytes:
    stream = io.BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
