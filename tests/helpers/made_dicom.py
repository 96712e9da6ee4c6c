"""DICOM data sets made from arrays."""

import io

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

CT = "1.2.840.10008.5.1.4.1.1.2"
CR = "1.2.840.10008.5.1.4.1.1.1"


def ct(pixels, **changes) -> Dataset:
    settings = {"RescaleSlope": 1, "RescaleIntercept": -1024, "WindowCenter": 40}
    settings |= {"WindowWidth": 400, "SOPClassUID": CT, "Modality": "CT"} | changes
    return _dataset(pixels, **settings)


def xray(pixels, **changes) -> Dataset:
    return _dataset(pixels, **({"SOPClassUID": CR, "Modality": "CR"} | changes))


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
