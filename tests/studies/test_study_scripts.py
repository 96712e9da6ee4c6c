"""A study from its script: bad input is one line, and a tiny study runs to its table."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from covid_keras.cli import scripts

ROOT = Path(__file__).resolve().parents[2]


def run(name: str, *arguments: str) -> int:
    script = importlib.import_module(name)
    return scripts.main(script.PARSER, script.plan, arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--minutes", "3"], "--batched, --minutes: expected --together as well"),
        (["--together", "--minutes", "0"], "--minutes: expected more than 0"),
        (["--at-once", "0"], "--at-once: expected 1 or more"),
        (["--together", "--at-once", "2"], "--at-once: expected 1 or more, and 1 with --together"),
        (["--together"], "--together: expected KERAS_BACKEND=jax. Received: tensorflow"),
    ],
)
def test_what_needs_jax_or_together_says_so(arguments, message, tmp_path, capsys):
    script = ["--weights", "random", "--data", "x", "--out", str(tmp_path)]
    assert run("ct_networks", *script, *arguments) == 1
    assert message in capsys.readouterr().err


def test_weights_that_are_not_there_are_one_line_before_any_run(tmp_path, monkeypatch, capsys):
    arguments = ["--weights", "Mine=none.npz", "--networks", "resnet18", "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["ct_networks.py"])
    status = run("ct_networks", *arguments)
    said = capsys.readouterr().err
    assert status == 1 and not list(tmp_path.iterdir())
    assert said.startswith("ct_networks.py: error: weights 'none.npz': no such file")
    assert len(said.splitlines()) == 1


def test_a_missing_data_folder_is_one_line_before_any_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["xray_3class.py"])
    folders = ["--data", str(tmp_path / "none"), "--out", str(tmp_path / "out")]
    status = run("xray_3class", *folders)
    said = capsys.readouterr()
    assert status == 1 and said.out == "" and not (tmp_path / "out").exists()
    assert (
        said.err.startswith("xray_3class.py: error: ") and "none: expected the folder" in said.err
    )
    assert len(said.err.splitlines()) == 1


@pytest.mark.slow
def test_two_networks_in_folds_on_the_phantom(tmp_path):
    """A whole study as its user runs it, interrupted by nothing, with the least of everything."""
    less = ["training.epochs=1", "input.scale=0.2", "data.per_class=16", "training.batch=8"]
    program = [sys.executable, str(ROOT / "experiments" / "ct_networks.py"), "--out", str(tmp_path)]
    program += ["--networks", "squeezenet", "--weights", "random"]
    program += [word for setting in less for word in ("--set", setting)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=1200, check=False)
    assert done.returncode == 0, done.stderr
    text = " ".join((tmp_path / "table.md").read_text().split())
    assert "PHANTOM" in text and "| SqueezeNet, random, image folds | 5 " in text
    run = tmp_path / "squeezenet-random-image-folds" / "fold_0"
    for picture in ("figures/test_images.png", "figures/tsne.png", "gradcam/test.png"):
        assert (run / picture).exists()
    for file in ("table.csv", "table.tex", "networks.md", "captions.md", "data/counts.png"):
        assert (tmp_path / file).exists()
