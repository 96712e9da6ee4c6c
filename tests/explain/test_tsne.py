"""t-SNE of features: clouds stay apart, odd features are refused, and which images are drawn."""

import dataclasses

import numpy as np
import pytest
import tiny
from sklearn.metrics import silhouette_score

from covid_keras.explain.tsne import features_figure, split_names, tsne
from covid_keras.runs.explained import read_embedding
from covid_keras.runs.inference import load_trained
from covid_keras.training import fit
from covid_keras.utils.errors import InputError


def test_tsne_separates_two_clouds_the_same_way_each_time():
    random = np.random.default_rng(0)
    features = random.normal(size=(60, 32)).astype(np.float32)
    features[30:] += 8
    points = tsne(features, seed=1)
    assert points.shape == (60, 2)
    np.testing.assert_array_equal(points, tsne(features, seed=1))
    assert silhouette_score(points, np.arange(60) >= 30) > 0.5


def test_tsne_caps_the_perplexity_and_refuses_too_few():
    features = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    assert np.isfinite(tsne(features)).all()
    with pytest.raises(InputError, match=r"N >= 5. Received: \(4, 4\)"):
        tsne(features[:4])
    features[0, 0] = np.nan
    with pytest.raises(InputError, match="finite"):
        tsne(features)


def test_tsne_of_equal_features_is_refused_before_it_can_crash():
    for features in (np.zeros((9, 3)), np.full((9, 3), 0.1), 7 + 1e-9 * np.eye(9)):
        with pytest.raises(InputError, match="expected features that differ"):
            tsne(features)
    with pytest.raises(InputError, match=r"Received: \(9, 0\)"):
        tsne(np.zeros((9, 0)))


def test_tsne_of_one_feature_of_two_points_and_of_any_scale():
    features = np.random.default_rng(0).normal(size=(20, 3))
    for some in (features[:, :1], np.repeat(np.eye(2), 10, axis=0)):
        assert np.isfinite(tsne(some)).all()
    plain = tsne(features)
    for scale in (1e-30, 1e38, 1e300):  # float32 ends at 3.4e38, its squares before
        np.testing.assert_allclose(tsne(scale * features), plain, rtol=0.1, atol=0.1 * plain.std())


def test_many_images_are_embedded_by_opentsne():
    random = np.random.default_rng(0)
    features = random.normal(size=(80, 64)).astype(np.float32)
    features[40:] += 4
    points = tsne(features, seed=1, exact=79)
    assert points.shape == (80, 2) and points.dtype == np.float32
    assert silhouette_score(points, np.arange(80) >= 40) > 0.5
    np.testing.assert_array_equal(points, tsne(features, seed=1, exact=79))
    assert not np.array_equal(points, tsne(features, seed=1))


@pytest.mark.parametrize("shown", ["", "test", "all"])
def test_every_image_of_the_papers_splits_is_drawn(shown, tmp_path):
    run = tiny.start_run(tmp_path)
    fit.train(run)
    trained = load_trained(run.path)
    trained = dataclasses.replace(trained, recipe=dataclasses.replace(trained.recipe, tsne=shown))
    features_figure(run, trained)
    drawn = (run.figures / "tsne.svg").read_text()
    counts = run.split()["split"].value_counts()
    splits = {"": ("train", "test"), "test": ("test",), "all": counts.index}[shown]
    assert f"{sum(counts[split] for split in splits)} images" in drawn
    assert ("train and val (n = " in drawn) == (shown == "all")
    assert "Trustworthiness " in drawn
    kept = read_embedding(run).points
    assert len(kept) == sum(counts[split] for split in splits)
    assert sorted(kept["tile"]) == [*range(len(kept))], "few images are all shown"


def test_a_network_whose_features_are_all_alike_has_no_tsne_and_says_so(tmp_path, capsys):
    run = tiny.start_run(tmp_path)
    fit.train(run)
    trained = load_trained(run.path)
    stem = trained.network.get_layer("stem")
    stem.set_weights([0 * weight for weight in stem.get_weights()])
    assert features_figure(run, trained) is None
    assert "no figure of the features: t-SNE: expected" in capsys.readouterr().out


def test_val_counts_as_train_in_an_entire_data_set():
    joined = ["train and val", "train and val", "test"]
    assert split_names(["train", "val", "test"], "all") == joined
    assert split_names(["train", "test"], "all") == ["train", "test"], "a run without val"
    assert split_names(["train", "test"], "") == ["train", "test"]
