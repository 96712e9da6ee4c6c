"""The public API: names, speed of import, examples of the docstrings, a whole script."""

import doctest
import inspect
import itertools
import json
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import made_images
import numpy as np
import pandas as pd
import pytest
import tiny

import covid_keras
from covid_keras.cli.main import main
from covid_keras.runs.run import Run
from covid_keras.utils.errors import InputError

NAMES = covid_keras.__all__
CONTRACT = """
LAMB Run WarmupStepDecay audit batches compare create_backbone create_model describe ensemble
evaluate explain export gradcam list_models load_records make_split measure plan predict preprocess
read_image report train
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with images in class folders, and two runs of different seeds."""
    folder = tmp_path_factory.mktemp("public")
    records = made_images.dark_and_bright(folder / "images", count=40)
    records.to_csv(folder / "images" / "labels.csv", index=False)
    for seed in (0, 1):
        run = covid_keras.train(
            "ct-bit",
            data=folder / "images",
            dataset="folder",
            out=folder / f"run_{seed}",
            settings=tiny.SETTINGS,
            seed=seed,
        )
        covid_keras.evaluate(run)
    return folder


@pytest.fixture
def names(made, tmp_path):
    """What the examples of the docstrings may use."""
    numbers = itertools.count()

    class Names(dict):
        def __missing__(self, key):
            if key == "out":  # a new folder each time
                return tmp_path / f"out_{next(numbers)}"
            if key == "unmeasured_run":
                copy = shutil.copytree(made / "run_0", tmp_path / f"copy_{next(numbers)}")
                (copy / "test_log.csv").unlink()
                return copy
            raise KeyError(key)

    return Names(
        covid_keras=covid_keras,
        keras=keras,
        np=np,
        Path=Path,
        images=made / "images",
        run=Run(made / "run_0"),
        second_run=Run(made / "run_1"),
        tiny=tiny.SETTINGS,
    )


def test_the_contract_s_names_are_there():
    assert set(NAMES) == set(CONTRACT.split())
    for name in NAMES:
        value = covid_keras.__getattr__(name)
        assert value.__doc__ and value.__module__.startswith("covid_keras."), name
    with pytest.raises(AttributeError, match="no attribute 'fly'"):
        covid_keras.__getattr__("fly")


@pytest.mark.parametrize("name", NAMES)
def test_public_functions_have_types_and_an_example(name):
    value = covid_keras.__getattr__(name)
    assert ">>> " in value.__doc__, "expected an example in the docstring"
    if inspect.isfunction(value):
        signature = inspect.signature(value)
        untyped = [p.name for p in signature.parameters.values() if p.annotation is p.empty]
        assert not untyped
        assert signature.return_annotation is not signature.empty


@pytest.mark.parametrize("name", NAMES)
def test_examples_of_the_docstrings_run(name, names):
    value = covid_keras.__getattr__(name)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for test in doctest.DocTestFinder(recurse=False).find(value, name, globs=names):
        test.globs = names
        output = []
        runner.run(test, out=output.append, clear_globs=False)
        assert runner.failures == 0, "".join(output)
    assert runner.tries > 0


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import sys, covid_keras; dir(covid_keras)\n"
        "heavy = {'tensorflow', 'keras', 'numpy', 'pandas', 'matplotlib', 'sklearn', 'cv2'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_callbacks_run_after_the_built_in_ones(made, tmp_path):
    steps = []
    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: steps.append(batch)
    )
    covid_keras.train(
        "ct-bit",
        data=made / "images",
        dataset="folder",
        out=tmp_path / "run",
        settings=tiny.SETTINGS,
        callbacks=[note],
    )
    assert len(steps) == tiny.SETTINGS["training.steps"]


def test_figures_are_written_as_pdf_too_where_asked(made, capsys):
    run = Run(made / "run_0")
    assert not list(run.figures.glob("*.pdf"))
    assert main(["evaluate", str(run.path), "--figures", "pdf"]) == 0
    for name in ("roc_test", "learning_curves"):
        suffixes = {file.suffix for file in run.figures.glob(f"{name}.*")}
        assert suffixes == {".pdf", ".png", ".svg"}


@pytest.mark.slow
def test_folds_train_in_turn_and_are_summarised_on_top(made, tmp_path, capsys):
    train, evaluate = (covid_keras.__getattr__(name) for name in ("train", "evaluate"))
    settings = tiny.SETTINGS | {"data.split": "kfold", "data.folds": 3, "training.steps": 4}
    given = {"data": made / "images", "dataset": "folder", "settings": settings}
    top = train("ct-bit", out=tmp_path / "folds", folds=(0, 1, 2), **given)
    assert [run.path.name for run in top.members] == ["fold_0", "fold_1", "fold_2"]
    assert all(run.predictions_file("val").exists() for run in top.members)
    metrics = evaluate(top)
    for run in top.members:
        [fold] = set(pd.read_csv(run.predictions_file("test"))["fold"])
        assert run.path.name == f"fold_{fold}"
    each = [
        json.loads(run.metrics_file.read_text())["splits"]["test"]["metrics"]["accuracy"]["value"]
        for run in top.members
    ]
    accuracy = metrics["accuracy"]
    assert accuracy["value"] == pytest.approx(np.mean(each))
    assert (accuracy["low"], accuracy["high"]) == (min(each), max(each))
    assert accuracy["method"] == "mean [lowest, highest] of 3 runs"
    assert metrics["images"] == 40 == np.sum(metrics["confusion_matrix"])
    assert json.loads(top.metrics_file.read_text())["splits"]["test"]["runs"].keys() == {
        "fold_0",
        "fold_1",
        "fold_2",
    }
    assert metrics["pooled"]["images"] == 40 and "Mean over 3 folds" in str(metrics)
    capsys.readouterr()
    assert main(["evaluate", str(top.path)]) == 0
    said = capsys.readouterr().out
    for run in top.members:
        assert f"{run.path}: evaluation number 2 of this run on test" in said
        assert f"wrote {run.path}: predictions_test.csv, metrics.json and figures/" in said
    assert f"next: covid-keras explain {top.members[0].path}" in said
    assert "\\begin{tabular}" in metrics.to_latex()
    with pytest.raises(InputError, match="this run has finished"):
        train("ct-bit", out=tmp_path / "folds" / "fold_0", resume=True)
    assert train("ct-bit", out=tmp_path / "folds", folds=(0, 1, 2), resume=True) == top
    with pytest.raises(InputError, match="callbacks: expected a single run"):
        train("ct-bit", out=tmp_path / "x", folds=(0,), callbacks=[keras.callbacks.History()])


SCRIPT = """
import sys
from pathlib import Path
import covid_keras

images, out = map(Path, sys.argv[1:])
records = covid_keras.load_records("folder", images)
print(len(records), "images of", sorted(set(records["label"])))
run = covid_keras.train("ct-bit", data=images, dataset="folder", out=out / "run", settings={
    "data.positive": "dark", "model.weights": "random",
    "model.name": "squeezenet", "model.preprocessing": "tf", "input.resize": 72, "input.crop": 64,
    "training.batch": 4, "training.steps": 4, "training.eval_every": 4, "training.gradcam": 0})
metrics = covid_keras.evaluate(run)
print(metrics)
covid_keras.explain(run, count=1)
covid_keras.report(run)
saved = covid_keras.export(run, out / "saved")
table = covid_keras.predict(saved, images / "000.png")
assert {"image", "bright", "dark"} <= set(table.columns), table
assert abs(table[["bright", "dark"]].sum(axis=1) - 1).max() < 1e-5
covid_keras.audit("folder", images, out=out / "audit")
print(covid_keras.preprocess(images / "000.png", run).shape)
"""


@pytest.mark.slow
def test_twenty_lines_from_a_fresh_interpreter(made, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(made / "images"), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "40 images of ['bright', 'dark']" in done.stdout
    for name in ("run/report.html", "run/figures/test_images.png", "saved/saved_model.pb"):
        assert (tmp_path / name).exists(), name
    assert list((tmp_path / "run" / "gradcam").glob("test*.png")), "of right or of wrong images"
