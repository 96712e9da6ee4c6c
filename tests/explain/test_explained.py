"""Maps of single samples: where they lie on the image, their files, and who has none."""

import dataclasses

import cv2
import keras
import numpy as np
import pytest
from figure_text import words
from made_dicom import ct
from made_images import write_images
from made_records import made_records

from covid_keras.datasets.dicom_tags import series_and_slice
from covid_keras.explain.explained import explain_samples, file_stem, overlay, save_raw
from covid_keras.explain.maps import Explainer, scaled
from covid_keras.figures.canvas import save
from covid_keras.models.network import PREPROCESSING
from covid_keras.pipeline.samples import Samples

DOT = 130, 210
"""Row and column of a bright dot in the image."""
SPEC = {"shape": (64, 64), "crop_to": "annotated", "fit": "stretch", "window": (-600, 1500)}


def brightness(bias: float = 0.0) -> keras.Model:
    """Three classes; the second is the brightness of the brightest of 32 x 32 pixels."""
    inputs = keras.Input((64, 64, 3))
    features = keras.layers.AveragePooling2D(2, name="features")(inputs)
    outputs = keras.layers.Dense(3)(keras.layers.GlobalMaxPooling2D()(features))
    model = keras.Model(inputs, outputs)
    kernel = np.zeros((3, 3), np.float32)
    kernel[:, 1] = 10
    model.layers[-1].set_weights([kernel, np.array([0, bias, 0], np.float32)])
    return model


def with_dot(tmp_path, fit: str, box=(150, 60, 290, 200)) -> Samples:
    pixels = np.full((240, 320), 5, np.uint8)
    pixels[DOT[0] - 1 : DOT[0] + 2, DOT[1] - 1 : DOT[1] + 2] = 255
    write_images(tmp_path, {"scan.png": pixels})
    records = made_records(["scan.png"], "CP", patient="p7", box=(box,))
    return Samples(records, tmp_path, ("NP", "CP", "NCP"), **SPEC | {"fit": fit})


@pytest.mark.parametrize("method", ["layercam", "integrated-gradients", "occlusion"])
@pytest.mark.parametrize("fit", ["stretch", "canvas"])
def test_a_dot_of_the_image_is_found_at_its_pixel(tmp_path, fit, method):
    """Through crop, resize, the map, its picture of 16 bits and its overlay."""
    samples = with_dot(tmp_path, fit, box=(150, 60, 290, 220))
    explainer = Explainer(brightness(), method)
    (found,) = explain_samples(explainer, PREPROCESSING["unit"], samples, [0])
    assert (found.panel.predicted, found.panel.true, found.shown) == ("CP", "CP", "CP")
    save_raw(found, samples, tmp_path / "map.npy")
    whole = cv2.imread(str(tmp_path / "map.png"), cv2.IMREAD_UNCHANGED)
    assert whole.shape == (240, 320) and whole.dtype == np.uint16
    rows, columns = np.nonzero(whole > 0.8 * whole.max())
    step = 10 if method == "occlusion" else 5  # its cells have 10 x 9 pixels of the image
    assert np.abs([rows.mean() - DOT[0], columns.mean() - DOT[1]]).max() <= step
    assert whole[:60].max() == whole[:, :150].max() == whole[:, 290:].max() == 0
    figure = overlay(found, "Layer-CAM", samples, ())
    save(figure, tmp_path / "overlay.png", formats=("png",))
    picture = cv2.imread(str(tmp_path / "overlay.png")).astype(int)
    colourful = picture.max(axis=2) - picture.min(axis=2) > 60
    rows, columns = np.nonzero(colourful[:, : 20 + 320])
    top = picture.shape[0] - 316  # 256 for the key, 60 below
    assert np.abs([rows.mean() - top - DOT[0], columns.mean() - 20 - DOT[1]]).max() <= step


def test_the_files_hold_the_map_as_numbers(tmp_path):
    samples = with_dot(tmp_path, "canvas", box=(0, 0, 320, 240))
    (found,) = explain_samples(Explainer(brightness()), PREPROCESSING["unit"], samples, [0])
    raw = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    panel = dataclasses.replace(found.panel, heat=scaled(raw[None])[0])
    found = dataclasses.replace(found, raw=raw, panel=panel)
    save_raw(found, samples, tmp_path / "map.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "map.npy"), raw)
    whole = cv2.imread(str(tmp_path / "map.png"), cv2.IMREAD_UNCHANGED)
    _, undo = samples.whole(0)
    assert np.abs(whole / 65535 - undo(panel.heat)).max() < 1e-5
    assert file_stem(found) == "0000_scan"


def test_no_map_where_no_class_is_likely_enough(tmp_path):
    """The probabilities of three classes are 0.42, 0.29 and 0.29, then 0.9."""
    samples = with_dot(tmp_path, "stretch", box=(0, 0, 100, 100))  # without the dot
    for bias, likely in ((-0.2, False), (3.0, True)):
        explainer = Explainer(brightness(bias))
        (found,) = explain_samples(explainer, PREPROCESSING["unit"], samples, [0], "NCP")
        assert found.shown == "NCP" and (found.panel.probability >= 0.5) == likely
        assert (found.raw is not None) == (found.panel.heat is not None) == likely
        save_raw(found, samples, tmp_path / f"{likely}.npy")
        assert (tmp_path / f"{likely}.npy").exists() == likely
        figure = overlay(found, "Grad-CAM", samples, ())
        assert ("no map: no class reaches 50 %" in words(figure)) != likely
    with pytest.raises(ValueError):
        explain_samples(explainer, PREPROCESSING["unit"], samples, [0], "no class").__next__()


def test_many_samples_are_explained_in_their_order(tmp_path):
    names = [f"{number}.png" for number in range(20)]
    write_images(tmp_path, {name: np.full((64, 64), 12 * k) for k, name in enumerate(names)})
    samples = Samples(made_records(names, "CP"), tmp_path, ("NP", "CP", "NCP"), **SPEC)
    chosen = [19, 3, *range(17)]
    found = list(explain_samples(Explainer(brightness()), PREPROCESSING["unit"], samples, chosen))
    assert [each.index for each in found] == chosen
    assert [int(each.panel.image[0, 0]) for each in found] == [12 * k for k in chosen]


def test_the_title_names_patient_series_and_slice_where_they_are_known(tmp_path):
    scan = ct(np.arange(64 * 64, dtype=np.int16).reshape(64, 64) % 900)
    scan.SeriesNumber, scan.InstanceNumber = 4, 17
    scan.save_as(tmp_path / "SMITH^JOHN.dcm", enforce_file_format=True)
    write_images(tmp_path, {"plain.png": np.eye(64)})
    assert series_and_slice(tmp_path / "SMITH^JOHN.dcm") == ("4", "17")
    records = made_records(["SMITH^JOHN.dcm", "plain.png"], "CP", patient=["p0a", ""])
    samples = Samples(records, tmp_path, ("NP", "CP", "NCP"), **SPEC)
    explainer = Explainer(brightness())
    found = explain_samples(explainer, PREPROCESSING["unit"], samples, [0, 1], "NCP")
    known, unknown = (words(overlay(each, "Layer-CAM", samples, ())) for each in found)
    assert "Layer-CAM for NCP patient p0a, series 4, slice 17 predicted CP " in known
    assert "true CP" in known and "SMITH" not in known
    assert "Layer-CAM for NCP plain.png predicted" in unknown
