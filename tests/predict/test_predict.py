"""Prediction of new files: pixels as the network takes them, the table, and Grad-CAM pictures."""

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tiny
from made_images import write_images

from covid_keras.export import graph
from covid_keras.export.export import export
from covid_keras.pipeline.batches import evaluation_batches
from covid_keras.predict.inputs import preprocess
from covid_keras.predict.predict import predict
from covid_keras.runs.inference import load_trained
from covid_keras.training import fit
from covid_keras.utils.errors import InputError


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run on tiny images, with the automatic body crop in its geometry."""
    folder = tmp_path_factory.mktemp("predict")
    run = tiny.start_run(folder, input_box="body", input_resize=40, input_crop=(32, 36))
    fit.train(run)
    return run


@pytest.fixture(scope="module")
def exported(run):
    return export(run.path, run.path.parent / "saved")


@pytest.fixture(scope="module")
def images(run):
    return sorted(run.data_root().glob("*.png"))


def test_pixels_are_those_of_the_pipeline_and_of_the_exported_graph(run, exported, images):
    trained = load_trained(run.path)
    batches = evaluation_batches(trained.samples(run.split(), run.data_root()), 5)
    fed = np.concatenate([batches.read(number)["image"] for number in batches.numbers])
    files = [run.data_root() / image for image in run.split()["image"]]
    assert len(fed) == len(files) == len(images)
    for file, expected in zip(files, fed, strict=True):
        for model in (run.path, run.model_file, exported):
            pixels = preprocess(file, model)
            assert pixels.dtype == np.uint8 and pixels.shape == (32, 36)
            np.testing.assert_array_equal(pixels, expected[..., 0])
        computed = graph.prepare(tf.constant(file.read_bytes()), trained.recipe.input)
        np.testing.assert_array_equal(computed[..., 0], expected[..., 0])


def test_preprocess_takes_one_image_and_a_run(run, images, tmp_path):
    with pytest.raises(InputError, match="not a run folder"):
        preprocess(images[0], tmp_path)
    with pytest.raises(InputError, match="file not found"):
        preprocess(tmp_path / "none.png", run.path)
    with pytest.raises(InputError):
        preprocess(run.data_root(), run.path)


def test_the_table_holds_one_row_an_image_and_equals_the_csv(run, exported, images, tmp_path):
    out = tmp_path / "new" / "predictions.csv"
    table = predict(run.path, [images[0].parent], out=out)
    assert table.columns.tolist() == ["image", *tiny.CLASSES]
    assert table["image"].tolist() == [str(image) for image in images]
    assert (table.dtypes[list(tiny.CLASSES)] == np.float32).all()
    written = pd.read_csv(out)
    assert written["image"].tolist() == table["image"].tolist()
    np.testing.assert_allclose(written[list(tiny.CLASSES)], table[list(tiny.CLASSES)], atol=1e-7)
    other = predict(exported, images[0])
    np.testing.assert_allclose(
        other.iloc[0, 1:].astype(float), table.iloc[0, 1:].astype(float), atol=1e-5
    )


def test_gradcam_pictures_are_drawn_when_asked(run, exported, tmp_path):
    image = write_images(tmp_path, {"one.png": np.full((40, 50), 90, np.uint8)}) / "one.png"
    predict(run.path, image, gradcam=tmp_path / "maps")
    assert [path.name for path in (tmp_path / "maps").iterdir()] == ["0000_one.png"]
    with pytest.raises(InputError, match="Grad-CAM needs the run folder"):
        predict(exported, image, gradcam=tmp_path / "maps")
