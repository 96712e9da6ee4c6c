"""Grad-CAM panels of val images during training."""

import tiny

from covid_keras.explain.run_figures import features_figure, gradcam_callbacks
from covid_keras.models import registry
from covid_keras.runs.inference import load_trained
from covid_keras.training import fit


def test_panels_are_written_at_each_evaluation(tmp_path):
    run = tiny.start_run(tmp_path, training_gradcam=1)
    fit.train(run, callbacks=gradcam_callbacks(run))
    names = sorted(path.name for path in run.gradcam.iterdir())
    assert names == ["step_000004.png", "step_000008.png", "step_000012.png"]


def test_no_panels_where_the_recipe_asks_for_none(tmp_path):
    assert gradcam_callbacks(tiny.start_run(tmp_path, training_gradcam=0)) == []


def test_a_network_without_a_feature_map_says_so(tmp_path, capsys):
    run = tiny.start_run(tmp_path, training_gradcam=1, model_name="hub:a/b/c/1")
    assert gradcam_callbacks(run) == []
    assert capsys.readouterr().out.strip() == registry.NO_FEATURE_MAP.format("hub:a/b/c/1")


def test_a_network_whose_features_are_all_alike_has_no_tsne_and_says_so(tmp_path, capsys):
    run = tiny.start_run(tmp_path)
    fit.train(run)
    trained = load_trained(run.path)
    stem = trained.network.get_layer("stem")
    stem.set_weights([0 * weight for weight in stem.get_weights()])
    assert features_figure(run, trained, 20) is None
    assert "no figure of the features: t-SNE: expected" in capsys.readouterr().out
