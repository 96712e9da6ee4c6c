"""The commands and a study on JAX alone, with the least of everything: what a GPU is asked to do
is rehearsed here to its end."""

import importlib
import importlib.util
import json
import pkgutil
import shutil
import sys
from pathlib import Path

import ct_networks
import cv2
import keras
import made_images
import numpy as np
import pandas as pd
import pytest

import covid_keras
from covid_keras.cli import scripts as study_scripts
from covid_keras.cli.main import main
from covid_keras.explain.maps import gradcam
from covid_keras.export.notes import Notes, write_notes
from covid_keras.runs.evidence import evidence
from covid_keras.runs.run import Run
from covid_keras.utils import backend
from covid_keras.utils.errors import InputError

LESS = ["input.scale=0.15", "training.epochs=1", "training.batch=4", "model.name=squeezenet"]
LESS += ["model.weights=random", "data.positive=dark"]


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    """A `folder` data set of 24 noise images of two classes."""
    folder = tmp_path_factory.mktemp("images")
    records = made_images.dark_and_bright(folder)
    records[["image", "label", "patient"]].to_csv(folder / "labels.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def run(images) -> Run:
    """A trained fold."""
    out = images.parent / "run"
    settings = [word for setting in LESS for word in ("--set", setting)]
    given = ["--dataset", "folder", "--data", str(images)]
    assert main(["train", "ct-networks", *given, *settings, "--out", str(out)]) == 0
    return Run(out)


def test_all_but_tensorflows_rooms_can_be_imported(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # the import fails, installed or not
    names = [module.name for module in pkgutil.walk_packages(covid_keras.__path__, "covid_keras.")]
    refused = set()
    for name in names:
        if name != "covid_keras.__main__":
            try:
                importlib.import_module(name)
            except ImportError as error:
                assert error.name.partition(".")[0] == "tensorflow"
                refused.add(name)
    modules = ("check", "endpoint", "graph", "harmless", "int8", "litert", "savedmodel")
    export = {f"covid_keras.export.{name}" for name in modules}
    assert refused == {"covid_keras.pipeline.tf_data", *export}


def test_a_run_from_training_to_its_page(run, images, capsys):
    for arguments in (["evaluate"], ["explain", "--count", "1"], ["report"]):
        assert main([arguments[0], str(run.path), *arguments[1:]]) == 0, capsys.readouterr().err
    for name in ("report.html", "card.md", "figures/tsne.png", "gradcam/test.png", "metrics.json"):
        assert (run.path / name).exists()
    environment = json.loads(run.environment_file.read_text())
    assert environment["backend"] == "jax" and "jax" in environment["packages"]
    out = run.path / "new.csv"
    files = [str(images / "000.png"), str(images / "001.png")]
    assert main(["predict", str(run.path), *files, "--out", str(out)]) == 0
    assert len(pd.read_csv(out)) == 2


def test_what_needs_tensorflow_says_so_in_one_line(run, tmp_path, capsys):
    saved = tmp_path / "saved"
    saved.mkdir()
    notes = Notes("savedmodel", run.recipe(), run.classes(), (), evidence(run), "float32")
    write_notes(saved, notes, features=6)
    image = str(next(run.data_root().glob("*.png")))
    for arguments in (
        ["export", str(run.path), "--out", str(tmp_path / "x")],
        ["predict", str(saved), image, "--out", str(tmp_path / "p.csv")],
        ["train", "ct-networks", "--weights", "random", "--set", "model.name=hub:a/b/c/1"],
    ):
        assert main(arguments) == 1
        error = capsys.readouterr().err
        assert "KERAS_BACKEND=tensorflow" in error and error.count("\n") == 1
    assert not (tmp_path / "x").exists()


def test_gradcam_is_that_of_its_definition():
    """Of pooling and a dense layer, the gradient is the layer's kernel."""
    inputs = keras.Input((16, 12, 3))
    features = keras.layers.Conv2D(5, 3, strides=4, activation="relu", name="features")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(features)
    outputs = keras.layers.Dense(3, activation="softmax", name="head")(x)
    model = keras.Model(inputs, outputs)
    images = np.random.default_rng(0).normal(size=(4, 16, 12, 3)).astype("float32")
    maps = gradcam(model, images, [0, 1, 2, 1], batch_size=3)
    values = np.asarray(keras.Model(inputs, features)(images))
    kernel = np.asarray(model.get_layer("head").kernel)
    for map_, value, label in zip(maps, values, [0, 1, 2, 1], strict=True):
        coarse = np.maximum(value @ kernel[:, label], 0)
        fine = cv2.resize(coarse, (12, 16), interpolation=cv2.INTER_LINEAR)
        np.testing.assert_allclose(map_, fine / max(fine.max(), 1e-9), atol=1e-5)
    assert maps.max() == 1


def study(monkeypatch, out: Path, images: Path, *arguments: str) -> int:
    """experiments/ct_networks.py, two of its folds."""
    changes = (*LESS[:3], LESS[-1])
    less = [word for setting in changes for word in ("--set", setting)]
    given = ["--dataset", "folder", "--data", str(images), "--out", str(out)]
    networks = ["--networks", "squeezenet", "--weights", "random", "--together"]
    monkeypatch.setattr(ct_networks, "FOLDS", 2)
    everything = [*given, *networks, *less, *arguments]
    return study_scripts.main(ct_networks.PARSER, ct_networks.plan, everything)


def test_protocol_b_in_pieces(images, tmp_path, monkeypatch, capsys):
    """Time is up after the first piece; the next one ends with the table; then nothing is done
    again, also where only the small files are left."""
    out = tmp_path / "study"
    assert study(monkeypatch, out, images, "--minutes", "0.0001") == 0
    printed = capsys.readouterr().out
    assert "time is up: 2 of 2 runs left" in printed and "to continue: " in printed
    assert study(monkeypatch, out, images) == 0
    table = " ".join((out / "table.md").read_text().split())
    assert "| SqueezeNet, random, image folds | 2 " in table
    row = out / "squeezenet-random-image-folds"
    [how] = json.loads((row / "fold_1" / "environment.json").read_text())["trained_together"]
    assert how["runs"] in (1, 2) and how["from_step"] == 0 and not how["batched"]
    assert (row / "fold_0" / "figures" / "tsne.png").exists()
    for run in row.iterdir():
        (run / "model.keras").unlink()
        (run / "checkpoints" / "last.npz").unlink()
    before = (out / "log.txt").read_text()
    capsys.readouterr()
    assert study(monkeypatch, out, images) == 0
    assert "2 of 2 runs had already finished" in capsys.readouterr().out
    assert (out / "log.txt").read_text() == before


def test_other_backends_are_refused(monkeypatch):
    monkeypatch.setattr(backend, "backend", lambda: "torch")
    with pytest.raises(InputError, match=r"expected tensorflow or jax\. Received: torch"):
        backend.import_keras()
    monkeypatch.setattr(backend, "backend", lambda: "tensorflow")
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda n: (n != "tensorflow" and find(n)) or None
    )
    with pytest.raises(InputError, match=r"or set KERAS_BACKEND=jax\. Received: not installed"):
        backend.import_keras()


def test_folds_that_cannot_begin_leave_nothing(images, tmp_path, capsys):
    settings = [word for setting in LESS for word in ("--set", setting)]
    out = tmp_path / "runs"
    given = ["train", "ct-networks", "--dataset", "folder", *settings, "--out", str(out)]
    shutil.copytree(images, tmp_path / "broken")
    broken = tmp_path / "broken" / "005.png"
    broken.write_bytes(broken.read_bytes()[:-30])
    cases = {
        "folds: expected data.split=kfold. Received: holdout": (
            ["--data", str(images), "--folds", "0", "1", "--set", "data.split=holdout"]
        ),
        f"{broken}: truncated": ["--data", str(tmp_path / "broken"), "--folds", "0", "1"],
        "minutes: expected more than 0. Received: 0": (
            ["--data", str(images), "--folds", "0", "--minutes", "0"]
        ),
        "fold: expected": ["--data", str(images), "--folds", "0", "7"],
    }
    for expected, arguments in cases.items():
        assert main([*given, *arguments]) == 1
        error = capsys.readouterr().err.splitlines()[-1]
        assert expected in error, error
        assert not list(tmp_path.glob("runs/*")), expected


def test_folds_whose_time_is_up_say_how_to_go_on(images, tmp_path, capsys):
    settings = [word for setting in LESS for word in ("--set", setting)]
    given = ["train", "ct-networks", "--folds", "0", "1", "--out", str(tmp_path / "runs")]
    data = ["--dataset", "folder", "--data", str(images)]
    assert main([*given, *data, *settings, "--minutes", "1e-9"]) == 0
    said = capsys.readouterr().out.splitlines()
    expected = f"next: covid-keras train ct-networks --out {tmp_path}/runs --folds 0 1 --resume"
    assert said[-2:] == ["time is up", expected]
    assert main([*given, "--resume"]) == 0
    for fold in (0, 1):
        run = Run(tmp_path / "runs" / f"fold_{fold}")
        assert run.model_file.exists() and run.predictions_file("val").exists()
        assert run.recipe().data.fold == fold


def test_what_is_compiled_for_a_gpu_is_kept(tmp_path, monkeypatch):
    import jax

    before = jax.config.jax_compilation_cache_dir
    monkeypatch.setenv("COVID_KERAS_CACHE", str(tmp_path))
    try:
        jax.config.update("jax_compilation_cache_dir", None)
        backend.keep_compiled()
        assert jax.config.jax_compilation_cache_dir == str(tmp_path / "xla")
    finally:
        jax.config.update("jax_compilation_cache_dir", before)
