"""NIfTI-1 and MetaImage files written byte by byte."""

import gzip
import struct
from pathlib import Path

import numpy as np


def write_nifti(path: Path, voxels: np.ndarray, affine, slope=1.0, intercept=0.0) -> None:
    """Write int16 voxels (x, y, z), and the affine from voxels to mm: right, front and up grow."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, voxels.ndim, *voxels.shape, *[1] * (7 - voxels.ndim))
    struct.pack_into("<2h", header, 70, 4, 16)
    spacing = np.linalg.norm(np.asarray(affine)[:3, :3], axis=0)
    struct.pack_into("<8f", header, 76, 1, *spacing, 1, 0, 0, 0)
    struct.pack_into("<3f", header, 108, 352, slope, intercept)
    struct.pack_into("<2h", header, 252, 0, 1)  # sform alone
    struct.pack_into("<12f", header, 280, *np.asarray(affine, float)[:3].ravel())
    header[344:348] = b"n+1\0"
    data = bytes(header) + voxels.astype("<i2").tobytes(order="F")
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def write_mha(path: Path, voxels: np.ndarray, matrix=(1, 0, 0, 0, 1, 0, 0, 0, 1)) -> None:
    """Write int16 voxels (x, y, z); the matrix's rows are where x, y and z of the file point, in a
    frame in which left, back and up grow."""
    lines = [
        "ObjectType = Image",
        "NDims = 3",
        "BinaryData = True",
        "BinaryDataByteOrderMSB = False",
        f"TransformMatrix = {' '.join(map(str, matrix))}",
        "Offset = 0 0 0",
        "ElementSpacing = 1 1 1",
        f"DimSize = {' '.join(map(str, voxels.shape))}",
        "ElementType = MET_SHORT",
        "ElementDataFile = LOCAL",
    ]
    path.write_bytes("\n".join([*lines, ""]).encode() + voxels.astype("<i2").tobytes(order="F"))
