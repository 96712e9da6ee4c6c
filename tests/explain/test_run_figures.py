"""Maps of val images during training, and of test images by every method."""

import dataclasses
import re

import keras
import numpy as np
import pytest
import tiny

import covid_keras
from covid_keras import recipes
from covid_keras.explain.maps import Explainer
from covid_keras.explain.run_figures import map_callbacks, map_figures
from covid_keras.models import registry
from covid_keras.runs.explained import why_no_feature_map
from covid_keras.runs.inference import load_trained
from covid_keras.runs.map_methods import METHODS
from covid_keras.runs.predictions_file import write_predictions
from covid_keras.training import fit
from covid_keras.utils.errors import InputError


@pytest.mark.slow
def test_panels_are_written_at_each_evaluation(tmp_path):
    run = tiny.start_run(tmp_path, training_gradcam=1)
    fit.train(run, callbacks=map_callbacks(run))
    names = sorted(path.name for path in run.gradcam.iterdir())
    assert names == ["step_000004.png", "step_000008.png", "step_000012.png"]


def test_maps_come_at_the_recipes_rhythm_by_its_method_and_at_the_end(tmp_path):
    changes = {"training_gradcam": 2, "training_map_method": "layercam"}
    run = tiny.start_run(tmp_path, **changes)
    fit.train(run, callbacks=map_callbacks(run))
    names = sorted(path.name for path in run.maps("layercam").iterdir())
    assert names == ["step_000008.png", "step_000012.png"]
    assert not run.gradcam.exists()


def test_every_recipe_draws_maps_in_training():
    for name in recipes.RECIPES:
        assert recipes.get(name).training.gradcam > 0


def test_no_panels_where_the_recipe_asks_for_none(tmp_path):
    assert map_callbacks(tiny.start_run(tmp_path, training_gradcam=0)) == []


def pixel(images):
    """Return a feature map of one pixel, as InceptionV3 does at 80 x 80."""
    stem = keras.layers.Conv2D(6, 3, strides=2, padding="same", name="stem")(images)
    return keras.layers.AveragePooling2D(8, name="features")(stem)


def vector(images):
    stem = keras.layers.Conv2D(6, 3, strides=2, padding="same", name="stem")(images)
    return keras.layers.GlobalAveragePooling2D(name="features")(stem)


def vector_head(features, classes, activation, dropout):
    return keras.layers.Dense(classes, activation, dtype="float32", name="head")(features)


@pytest.mark.slow
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
    fit.train(run, callbacks=map_callbacks(run))
    assert capsys.readouterr().out.splitlines().count(said) == 1
    pictures = covid_keras.explain(run, count=1)
    assert [path.name for path in pictures] == ["test_images.png", "tsne.png"]
    single = covid_keras.explain(run, method="occlusion", count=1)[-3]
    assert single.name == "single" and any(single.glob("*_map.npy"))
    capsys.readouterr()
    pictures = covid_keras.explain(run, count=1)
    assert capsys.readouterr().out.splitlines().count(said) == 1
    assert not run.gradcam.exists()
    assert why_no_feature_map(run) == said
    image = run.data_root() / run.split("test")["image"].iloc[0]
    with pytest.raises(InputError, match=re.escape(said)):
        covid_keras.predict(run, image, gradcam=tmp_path / "maps")


@pytest.mark.slow
def test_right_and_wrong_images_are_in_figures_of_their_own(tmp_path):
    run = tiny.start_run(tmp_path)
    fit.train(run)
    trained, test = load_trained(run.path), run.split("test")
    classes = trained.classes
    right = (test["label"] == classes[0]).to_numpy()
    outputs = np.tile([0.9, 0.1], (len(test), 1))  # says the first class of every image
    write_predictions(run.predictions_file("test"), test, outputs, classes)
    explainer = Explainer(trained.network)
    *paths, _ = map_figures(run, trained, explainer, None, count=2)
    assert [path.name for path in paths] == ["test.png", "test_wrong.png"]
    drawn = [path.with_suffix(".svg").read_text() for path in paths]
    for text, of_class, kept in ((drawn[0], 0, right), (drawn[1], 1, ~right)):
        assert f"{kept.sum()} of {len(test)} images" in text
        assert f"true: {classes[of_class]}" in text and f"true: {classes[1 - of_class]}" not in text
    write_predictions(run.predictions_file("test"), test, np.eye(2)[1 - right], classes)
    paths_now = map_figures(run, trained, explainer, None, count=2)
    assert [path.name for path in paths_now] == ["test.png", "single"]
    assert not paths[1].exists() and not paths[1].with_suffix(".svg").exists()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    run = tiny.start_run(tmp_path_factory.mktemp("run"))
    fit.train(run)
    return run


@pytest.fixture(scope="module")
def trained(run):
    return load_trained(run.path)


@pytest.mark.parametrize("method", METHODS)
def test_the_files_of_every_method(run, trained, method):
    pictures = map_figures(run, trained, Explainer(trained.network, method), "dark", count=1)
    assert {path.parent for path in pictures} == {run.maps(method)}
    title = f"{METHODS[method].title} for dark, test"
    assert title in pictures[0].with_suffix(".svg").read_text()
    files = sorted(path.name for path in (run.maps(method) / "single").iterdir())
    stems = {name.rsplit("_", 1)[0] for name in files}
    ends = ("map.npy", "map.png", "overlay.png")
    assert files == sorted(f"{stem}_{end}" for stem in stems for end in ends)


def test_a_layer_of_ones_own(run, trained):
    numbers = []
    for layer in ("features", "stem", None):
        map_figures(run, trained, Explainer(trained.network, "gradcam", layer), None, count=1)
        numbers.append(np.load(min((run.gradcam / "single").glob("*.npy"))))
    assert np.array_equal(numbers[0], numbers[2]) and not np.array_equal(numbers[0], numbers[1])


def test_explain_by_another_method_keeps_the_maps_before(run):
    for method, layer in (("gradcam", None), ("layercam", "stem")):
        pictures = covid_keras.explain(run, method=method, layer=layer, class_name="dark", count=1)
        assert pictures[0] == run.maps(method) / "test.png"
    captions = (run.figures / "captions.md").read_text("utf-8")
    assert "**gradcam/test.** Grad-CAM (Selvaraju et al. 2017) of" in captions
    assert "**layercam/test.** Layer-CAM (Jiang et al. 2021) of" in captions
    assert "**test_images.** " in captions


def test_what_explain_does_not_know_is_one_line(run):
    for arguments, said in (
        ({"layer": "fetures"}, "layer 'fetures' is unknown in tiny; did you mean features"),
        ({"class_name": "drak"}, "class 'drak' is unknown; did you mean dark"),
        ({"method": "gradcm"}, "method 'gradcm' is unknown; did you mean gradcam"),
        ({"method": "occlusion", "layer": "stem"}, "layer: expected none with method occlusion"),
    ):
        with pytest.raises(InputError, match=re.escape(said)):
            covid_keras.explain(run, **arguments)
