"""Grad-CAM panels of val images during training."""

import dataclasses
import re

import keras
import numpy as np
import pytest
import tiny

import covid_keras
from covid_keras.explain.run_figures import gradcam_callbacks, gradcam_figures
from covid_keras.models import registry
from covid_keras.runs.inference import load_trained
from covid_keras.runs.predictions_file import write_predictions
from covid_keras.training import fit
from covid_keras.utils.errors import InputError


def test_panels_are_written_at_each_evaluation(tmp_path):
    run = tiny.start_run(tmp_path, training_gradcam=1)
    fit.train(run, callbacks=gradcam_callbacks(run))
    names = sorted(path.name for path in run.gradcam.iterdir())
    assert names == ["step_000004.png", "step_000008.png", "step_000012.png"]


def test_no_panels_where_the_recipe_asks_for_none(tmp_path):
    assert gradcam_callbacks(tiny.start_run(tmp_path, training_gradcam=0)) == []


def pixel(images):
    """Return a feature map of one pixel, as InceptionV3 does at 80 x 80."""
    stem = keras.layers.Conv2D(6, 3, strides=2, padding="same", name="stem")(images)
    return keras.layers.AveragePooling2D(8, name="features")(stem)


def vector(images):
    stem = keras.layers.Conv2D(6, 3, strides=2, padding="same", name="stem")(images)
    return keras.layers.GlobalAveragePooling2D(name="features")(stem)


def vector_head(features, classes, activation, dropout):
    return keras.layers.Dense(classes, activation, dtype="float32", name="head")(features)


@pytest.mark.parametrize(
    ("graph", "head", "layer", "said"),
    [
        (pixel, tiny.original_head, "features", registry.ONE_PIXEL.format("odd", 16, 16)),
        (vector, vector_head, "", registry.NO_FEATURE_MAP.format("odd")),
    ],
)
def test_a_network_without_a_map_says_why_and_gets_its_other_figures(
    tmp_path, capsys, graph, head, layer, said
):
    row = dataclasses.replace(
        tiny.ROW, name="odd", graph=graph, original_head=head, gradcam_layer=layer
    )
    registry.register(row)
    run = tiny.start_run(tmp_path, training_gradcam=1, model_name="odd")
    fit.train(run, callbacks=gradcam_callbacks(run))
    assert capsys.readouterr().out.splitlines().count(said) == 1
    pictures = covid_keras.explain(run, count=1)
    assert [path.name for path in pictures] == ["test_images.png", "tsne.png"]
    assert capsys.readouterr().out.splitlines().count(said) == 1
    assert not run.gradcam.exists()
    image = run.data_root() / run.split("test")["image"].iloc[0]
    with pytest.raises(InputError, match=re.escape(said)):
        covid_keras.predict(run, image, gradcam=tmp_path / "maps")


def test_right_and_wrong_images_are_in_figures_of_their_own(tmp_path):
    run = tiny.start_run(tmp_path)
    fit.train(run)
    trained, test = load_trained(run.path), run.split("test")
    classes = trained.classes
    right = (test["label"] == classes[0]).to_numpy()
    outputs = np.tile([0.9, 0.1], (len(test), 1))  # says the first class of every image
    write_predictions(run.predictions_file("test"), test, outputs, classes)
    paths = gradcam_figures(run, trained, count=2)
    assert [path.name for path in paths] == ["test.png", "test_wrong.png"]
    drawn = [path.with_suffix(".svg").read_text() for path in paths]
    for text, of_class, kept in ((drawn[0], 0, right), (drawn[1], 1, ~right)):
        assert f"{kept.sum()} of {len(test)} images" in text
        assert f"true: {classes[of_class]}" in text and f"true: {classes[1 - of_class]}" not in text
    write_predictions(run.predictions_file("test"), test, np.eye(2)[1 - right], classes)
    assert [path.name for path in gradcam_figures(run, trained, count=2)] == ["test.png"]
    assert not paths[1].exists() and not paths[1].with_suffix(".svg").exists()
