"""What images are compared with, written and read."""

import dataclasses
import pickle
import re

import numpy as np
import pytest

from covid_keras.metrics.input_check import InputCheck, Normal
from covid_keras.runs import input_check_file
from covid_keras.runs.input_check_file import FILE, read_input_check, write_input_check
from covid_keras.utils.errors import InputError

LIMITS = {name: float(place) for place, name in enumerate(input_check_file._LIMITS)}


def a_normal(width):
    random = np.random.default_rng(width)
    parts = (random.normal(0, 1, shape).astype(np.float32) for shape in ((width,),) * 2)
    axes = random.normal(0, 1, (width, 3)).astype(np.float32)
    return Normal(*parts, axes, np.ones(3, np.float32), 0.5)


@pytest.fixture
def check():
    return InputCheck(a_normal(128), a_normal(7), np.zeros((129, 6), np.float32), LIMITS, 40, 0.025)


def test_written_and_read_again(tmp_path, check):
    assert read_input_check(tmp_path) is None
    write_input_check(tmp_path, check)
    found = read_input_check(tmp_path)
    for name in ("layout", "features"):
        for key, value in dataclasses.asdict(getattr(check, name)).items():
            np.testing.assert_array_equal(getattr(getattr(found, name), key), value)
    assert (found.limits, found.images, found.false_alarms) == (LIMITS, 40, 0.025)


def test_damaged_and_foreign_files_are_refused(tmp_path, check):
    write_input_check(tmp_path, check)
    file, whole = tmp_path / FILE, (tmp_path / FILE).read_bytes()
    with np.load(file) as archive:
        arrays = dict(archive)
    changes = {
        "turned": arrays["turned"][:5],
        "layout_mean": np.full(128, np.nan, np.float32),
        "features_axes": np.array([["text"]]),
        "note": np.frombuffer(b'{"images": 1}', np.uint8),
        "layout_scale": np.array([object()]),
    }
    for name, array in changes.items():
        np.savez(file, **arrays | {name: array})
        with pytest.raises(InputError, match=re.escape(str(file))):
            read_input_check(tmp_path)
    for content in (b"", whole[:300], b"no archive", pickle.dumps({"turned": 1})):
        file.write_bytes(content)
        with pytest.raises(InputError, match=f"{FILE}: damaged: "):
            read_input_check(tmp_path)


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path, check, monkeypatch):
    write_input_check(tmp_path, check)
    monkeypatch.setattr(input_check_file, "_MAX_BYTES", 1000)
    with pytest.raises(InputError, match="at most 1,000 bytes unpacked"):
        read_input_check(tmp_path)
