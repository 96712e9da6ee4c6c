"""Volumes as files that are written byte by byte: size, Hounsfield units and orientation."""

import numpy as np
import pytest
from made_volumes import write_mha, write_nifti

from covid_keras.images.presentation import apply_window
from covid_keras.images.read import LUNG_WINDOW
from covid_keras.images.volumes import Volume
from covid_keras.utils.errors import InputError

pytest.importorskip("SimpleITK")

X, Y, Z = np.meshgrid(np.arange(3), np.arange(4), np.arange(5), indexing="ij")
PLACES = (-1000 + 100 * X + 10 * Y + 400 * (Z // 2) + Z).astype(np.int16)
"""(x, y, z) with x to the left, y to the back, z up: the axes of DICOM."""


def greys(path) -> np.ndarray:
    volume = Volume(path)
    return np.stack([volume.grey(number, LUNG_WINDOW) for number in range(volume.slices)])


def expected(voxels=PLACES) -> np.ndarray:
    return apply_window(voxels.transpose(2, 1, 0), LUNG_WINDOW)


@pytest.mark.parametrize(
    ("axes", "flipped"),
    [((0, 1, 2), ()), ((0, 1, 2), (0, 1)), ((0, 1, 2), (2,)), ((2, 0, 1), (0,)), ((1, 2, 0), (1,))],
)
@pytest.mark.parametrize("suffix", ["nii", "nii.gz", "mha"])
def test_slices_are_axial_with_the_front_up_and_the_right_on_the_left(
    tmp_path, axes, flipped, suffix
):
    path, directions = tmp_path / f"a.{suffix}", np.eye(3)
    for axis in flipped:
        directions[axis, axis] = -1
    stored = np.flip(PLACES, flipped).transpose(axes)
    directions = directions[:, axes]  # columns: where the stored axes point, in DICOM's frame
    if suffix == "mha":
        write_mha(path, stored, directions.T.ravel().astype(int))
    else:
        affine = np.eye(4)
        affine[:3, :3] = np.diag([-1, -1, 1]) @ directions  # NIfTI grows to the right and front
        write_nifti(path, stored, affine)
    np.testing.assert_array_equal(greys(path), expected())


def test_hounsfield_units_are_by_slope_and_intercept_of_the_file(tmp_path):
    affine = np.diag([-1.0, -1, 1, 1])
    write_nifti(tmp_path / "a.nii", (PLACES + 1024) // 2, affine, slope=2, intercept=-1024)
    wanted = expected(PLACES // 2 * 2)
    np.testing.assert_array_equal(greys(tmp_path / "a.nii"), wanted)


def test_a_volume_is_read_again_when_each_slice_has_been(tmp_path):
    write_mha(tmp_path / "a.mha", PLACES)
    volume = Volume(tmp_path / "a.mha")
    first, second = (
        [volume.grey(number, LUNG_WINDOW) for number in range(volume.slices)] for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_what_is_no_volume_of_ct_is_refused_in_one_line(tmp_path):
    write_mha(tmp_path / "grey.mha", (PLACES + 1000) // 8)
    with pytest.raises(InputError, match=r"grey\.mha: expected Hounsfield units, .*: 0 to 1"):
        greys(tmp_path / "grey.mha")
    write_nifti(tmp_path / "flat.nii", PLACES[..., 0], np.eye(4))
    with pytest.raises(InputError, match=r"flat\.nii: expected three dimensions"):
        greys(tmp_path / "flat.nii")
    (tmp_path / "cut.nii").write_bytes(b"\x5c\x01\0\0" + b"\0" * 300)
    with pytest.raises(InputError, match=r"cut\.nii: damaged volume"):
        greys(tmp_path / "cut.nii")
    write_mha(tmp_path / "cut.mha", PLACES)
    data = (tmp_path / "cut.mha").read_bytes()
    (tmp_path / "cut.mha").write_bytes(data[:-30])
    with pytest.raises(InputError, match=r"cut\.mha: damaged volume"):
        greys(tmp_path / "cut.mha")
    huge = data.replace(b"DimSize = 3 4 5", b"DimSize = 9999 9999 9999")
    (tmp_path / "huge.mha").write_bytes(huge)
    with pytest.raises(InputError, match=r"huge\.mha: expected at most .* voxels"):
        greys(tmp_path / "huge.mha")
