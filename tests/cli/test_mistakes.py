"""Typical mistakes: the message names what was meant, and comes before anything slow."""

import sys

import pytest

from covid_keras import recipes
from covid_keras.cli import main as cli
from covid_keras.training import setup
from covid_keras.utils.errors import InputError

CHOICES = ", ".join(recipes.RECIPES)
TRAIN = "train ct-bit --out OUT"
MISTAKES = {
    "trian ct-bit": ["trian is unknown; did you mean train"],
    "data lst": ["lst is unknown; did you mean list? known: list, verify, describe, phantom, pack"],
    "train ct-bitt": ["recipe 'ct-bitt' is unknown; did you mean ct-bit", f"known: {CHOICES}"],
    "train runs/mine": ["recipe 'runs/mine' is unknown", f"known: {CHOICES}"],
    f"{TRAIN} --lr 0.1": ["--lr", "--set training.learning_rate=VALUE"],
    f"{TRAIN} --batch-size=4": ["--batch-size=4", "--set training.batch=VALUE"],
    f"{TRAIN} --foldz 1": ["--foldz", "did you mean --folds"],
    f"{TRAIN} DATA": ["did you mean --data DATA?"],
    f"{TRAIN} --set training.lr=1": ["training.lr", "did you mean training.learning_rate?"],
    f"{TRAIN} --set epochs=1": ["epochs", "did you mean training.epochs?"],
    f"{TRAIN} --set model.name=resnet19": ["network 'resnet19'", "did you mean resnet18"],
    f"{TRAIN} --weights bitm": ["weights 'bitm'", "did you mean bit-m", "known: random, bit-s"],
    f"{TRAIN} --dataset covid-ct --data DATA": ["data set covid-ct", "did you mean covid19-ct"],
    "audit DATA --data DATA": ["data set DATA", "for images of your own: folder, with --data DATA"],
    "evaluate OUT": ["OUT: expected a run folder", "did you mean our"],
    "evaluate DATA --dataset sars --data DATA": ["data set sars", "did you mean sars-cov-2-ct"],
    "train ct-bit --data DATA --set model.name=squeezenet": ["weights 'bit-m'", "known: random"],
    "compare DATA OUT": ["OUT: expected a run folder", "did you mean our"],
    "export DATA --out OUT --format onxx": ["onxx is unknown; did you mean onnx?", "litert"],
    "models resnet19": ["network 'resnet19'", "did you mean resnet18"],
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_told_before_anything_slow(line, tmp_path, capsys, monkeypatch):
    places = {"DATA": str(tmp_path / "data"), "OUT": str(tmp_path / "out")}
    for folder in ("data", "our"):
        (tmp_path / folder).mkdir()
    monkeypatch.setattr("covid_keras._KERAS", dict.fromkeys(cli.covid_keras._KERAS, "slow"))
    for name in {"train", "evaluate", "audit", "export"} & set(vars(cli.covid_keras)):
        monkeypatch.delattr(cli.covid_keras, name)
    with pytest.raises(SystemExit) as end:
        sys.exit(cli.main([places.get(word, word) for word in line.split()]))
    assert end.value.code in (1, 2)
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    for expected in MISTAKES[line]:
        for name, place in places.items():
            expected = expected.replace(name, place)
        assert expected in printed
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"model.name": "inception_v3", "input.crop": 64}, "input.crop: expected 75 pixels"),
        ({"model.name": "squeezenet", "input.crop": (20, 60)}, "input.crop: expected 21 pixels"),
        ({"model.weights": "missing.npz"}, "weights 'missing.npz': no such file"),
    ],
)
def test_weights_and_network_are_looked_at_before_the_phantom_is_made(
    changes, expected, tmp_path, monkeypatch
):
    monkeypatch.setattr(setup, "MAKERS", {})
    given = {"model.weights": "random"} | changes
    with pytest.raises(InputError, match=expected):
        setup.set_up(tmp_path / "run", "ct-bit", settings=given, quick=True)
    assert not (tmp_path / "run").exists()
