"""Training on JAX, with TensorFlow not to be had: one run, and several at once."""

import csv
import importlib
import shutil
import sys
import time
import warnings

import keras
import made_images
import numpy as np
import pandas as pd
import pytest
import tiny

from covid_keras.runs import run as run_folder
from covid_keras.runs.inference import load_trained, probabilities
from covid_keras.runs.run import Run
from covid_keras.training import callbacks, fit, resident, stacked, together
from covid_keras.training.checkpoint import read_note
from covid_keras.training.together import train_together
from covid_keras.utils.errors import InputError, OutOfTime


@pytest.fixture(autouse=True)
def float32_afterwards():
    yield
    keras.config.set_dtype_policy("float32")


def start_folds(folder, count: int = 3, val: bool = True, **changes) -> list[Run]:
    """Runs with other test images each, as folds have; the last has other seeds as well."""
    records = made_images.dark_and_bright(folder / "images")
    if not val:
        records = records.assign(split=records["split"].replace("val", "train"))
    found = []
    for fold in range(count):
        splits = np.roll(records["split"].to_numpy(), fold)
        recipe = tiny.recipe(data_fold=fold, **changes)
        recipe = recipe if fold < 2 else tiny.replace_seed(recipe, 7)
        path = folder / f"fold_{fold}"
        run_folder.create(
            path, recipe, records.assign(split=splits), tiny.CLASSES, folder / "images"
        )
        found.append(Run(path))
    return found


def weights(run: Run) -> np.ndarray:
    network = keras.saving.load_model(run.model_file, compile=False)
    return np.concatenate([array.ravel() for array in network.get_weights()])


def log(run: Run) -> pd.DataFrame:
    return pd.read_csv(run.log_file)


def test_tensorflow_is_not_there():
    with pytest.raises(ImportError):
        importlib.import_module("tensorflow")
    assert keras.config.backend() == "jax"


def test_a_run_sees_every_batch_and_learns(tmp_path):
    run = tiny.start_run(tmp_path, training_steps=60, training_eval_every=20)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*ran out of data.*")
        fit.train(run)
    assert log(run)["step"].iloc[-1] == 60
    assert log(run)["input_wait"].between(0, 1).all()
    trained = load_trained(run.path)
    records = run.split()
    test = records[records["split"] == "test"]
    outputs = probabilities(trained, trained.samples(test, run.data_root()))
    assert (outputs.argmax(axis=1) == (test["label"] == "bright")).all()


def test_resume_ends_at_the_same_weights_bit_for_bit(tmp_path):
    changes = {"training_steps": 14, "augmentation_mixup": 0.4}
    whole = tiny.start_run(tmp_path, "whole", **changes)
    fit.train(whole)
    parts = tiny.start_run(tmp_path, "parts", **changes)
    with pytest.raises(KeyboardInterrupt):
        fit.train(parts, callbacks=[tiny.InterruptAt(6)])
    fit.train(parts, resume=True)
    np.testing.assert_array_equal(weights(whole), weights(parts))
    columns = ["step", "learning_rate", "loss", "accuracy", "val_loss", "val_accuracy"]
    pd.testing.assert_frame_equal(log(whole)[columns], log(parts)[columns])


RECIPES = {
    "float32": {
        "augmentation_mixup": 0.4,
        "augmentation_noise": 9.0,
        "model_dropout": 0.3,
        "training_optimizer": "lamb",
        "training_weight_decay": 1.0,
        "training_learning_rate": 0.01,
    },
    "float16": {
        "training_precision": "mixed_float16",
        "training_optimizer": "adam",
        "model_activation": "sigmoid",
        "data_balance": True,
    },
}


@pytest.mark.parametrize("batched", [False, True], ids=["in turn", "batched"])
@pytest.mark.parametrize("changes", RECIPES.values(), ids=RECIPES)
def test_together_is_as_alone(tmp_path, changes, batched):
    changes = changes | {"training_steps": 14, "training_eval_every": 4}
    folds = start_folds(tmp_path / "together", **changes)
    train_together(folds, batched=batched)
    alone = start_folds(tmp_path / "alone", **changes)[2]
    fit.train(alone)
    tolerance = 2e-3 if "training_precision" in changes else 2e-5
    np.testing.assert_allclose(weights(folds[2]), weights(alone), atol=tolerance)
    there = log(alone)
    there = there[there["val_loss"].notna()]
    columns = ["step", "learning_rate", *callbacks.VAL_COLUMNS]
    np.testing.assert_allclose(log(folds[2])[columns], there[columns], atol=tolerance, rtol=1e-3)
    assert all(run.last_checkpoint.exists() and run.best_checkpoint.exists() for run in folds)
    assert np.abs(weights(folds[1]) - weights(folds[2])).max() > 10 * tolerance


@pytest.mark.parametrize("val", [True, False])
def test_together_keeps_the_last_weights(tmp_path, val):
    changes = {"training_keep": "last", "training_steps": 10, "training_learning_rate": 0.3}
    folds = start_folds(tmp_path / "together", 2, val=val, **changes)
    train_together(folds)
    (alone,) = start_folds(tmp_path / "alone", 1, val=val, **changes)
    fit.train(alone)
    np.testing.assert_allclose(weights(folds[0]), weights(alone), atol=2e-5)
    assert not folds[0].best_checkpoint.exists()
    assert log(folds[0])["val_loss"].notna().all() == val


def test_together_logs_the_means_since_the_evaluation_before(tmp_path):
    changes = {"training_steps": 80, "training_eval_every": 40}
    (fold,) = start_folds(tmp_path / "together", 1, **changes)
    train_together([fold])
    (alone,) = start_folds(tmp_path / "alone", 1, **changes)
    fit.train(alone)
    rows = log(alone)["loss"].to_numpy().reshape(2, -1).mean(axis=1)
    np.testing.assert_allclose(log(fold)["loss"], rows, rtol=1e-4)


@pytest.mark.parametrize("batched", [False, True], ids=["in turn", "batched"])
def test_together_goes_on_after_the_deadline(tmp_path, batched):
    changes = {"training_steps": 14, "training_eval_every": 4, "augmentation_mixup": 0.4}
    whole = start_folds(tmp_path / "whole", 2, **changes)
    train_together(whole, batched=batched)
    parts = start_folds(tmp_path / "parts", 2, **changes)
    for _ in range(2):
        with pytest.raises(OutOfTime):
            train_together(parts, batched=batched, deadline=time.monotonic())
    assert not parts[0].model_file.exists()
    train_together(parts, batched=batched)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(weights(one), weights(other))
        assert list(log(one)["step"]) == list(log(other)["step"]) == [4, 8, 12, 14]


@pytest.mark.parametrize("batched", [False, True], ids=["in turn", "batched"])
def test_together_compiles_one_step_and_goes_on_after_ctrl_c(tmp_path, batched):
    changes = {"training_steps": 16, "training_eval_every": 4, "augmentation_mixup": 0.4}
    whole = start_folds(tmp_path / "whole", 2, **changes)
    compiled = []
    train_together(
        whole,
        batched=batched,
        on_evaluation=lambda group: compiled.append(group.train_step._cache_size()),
    )
    assert compiled == [1, 1, 1, 1]
    parts = start_folds(tmp_path / "parts", 2, **changes)

    def interrupt(group):
        if group.step == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_together(parts, batched=batched, save_seconds=0.0, on_evaluation=interrupt)
    assert read_note(parts[0].last_checkpoint)["step"] >= 4
    train_together(parts, batched=batched)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(weights(one), weights(other))
        assert list(log(one)["step"]) == list(log(other)["step"]) == [4, 8, 12, 16]


def test_runs_that_take_other_steps_are_other_groups(tmp_path):
    folds = start_folds(tmp_path, training_steps=8)
    longer = start_folds(tmp_path / "longer", 1, training_steps=12)
    assert together.alike([*folds, *longer]) == [folds, longer]
    train_together(folds[:1])
    assert together.alike(folds) == [folds[:1], folds[1:]]
    train_together([*folds[1:], *longer])
    assert all(run.model_file.exists() for run in [*folds, *longer])


def test_runs_of_another_folder_are_another_group(tmp_path):
    """The same names may be other images there."""
    one, other = start_folds(tmp_path / "one", 1), start_folds(tmp_path / "other", 1)
    assert together.alike([*one, *other]) == [one, other]


@pytest.mark.parametrize("batched", [False, True], ids=["in turn", "batched"])
def test_a_loss_that_is_no_number_stops_its_run_alone(tmp_path, batched):
    """The second run's state is spoilt after its second evaluation."""
    folds = start_folds(tmp_path, training_steps=12)
    whole = start_folds(tmp_path / "whole", training_steps=12)
    train_together(whole, batched=batched)

    def spoil(group):
        for stack, number in group.running:
            if stack.members[number].run == folds[1] and group.step == 8:
                trainable, *others = stack.state
                stack.state = ([value.at[number].set(np.nan) for value in trainable], *others)

    with pytest.raises(InputError, match=r"fold_1: loss is nan at step 9"):
        train_together(folds, batched=batched, on_evaluation=spoil)
    assert [run.model_file.exists() for run in folds] == [True, False, True]
    for number in (0, 2):
        np.testing.assert_array_equal(weights(folds[number]), weights(whole[number]))


def test_gradients_that_overflow_at_every_scale_name_run_and_step(tmp_path, monkeypatch):
    monkeypatch.setattr(callbacks, "LEAST_SCALE", 2.0**40)
    changes = {"training_precision": "mixed_float16", "training_steps": 8}
    folds = start_folds(tmp_path, 2, **changes)
    with pytest.raises(InputError, match=r"fold_0: gradients overflow float16 by step 4, at"):
        train_together(folds)
    with pytest.raises(InputError, match=r"^gradients overflow float16 by step 4, at"):
        fit.train(folds[1])


def test_images_that_do_not_fit_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(resident, "MOST_BYTES", 100)
    with pytest.raises(InputError, match="all images lie on the device"):
        train_together(start_folds(tmp_path, 2))


def test_evaluation_counts_every_image_once(tmp_path):
    runs_ = start_folds(tmp_path, 2)
    sources = [fit.samples(run, run.recipe(), "train") for run in runs_]
    placed = resident.put(sources, "read")
    for source, place in zip(sources, placed.places, strict=True):
        for index, where in enumerate(place):
            np.testing.assert_array_equal(placed.images[where, ..., 0], source.read(index))
    places = [placed.places[0], placed.places[1][:-1]]
    batches = resident.evaluation_indices(places, 5)
    for number in range(2):
        seen = np.concatenate([indices[number][counted[number]] for indices, counted in batches])
        np.testing.assert_array_equal(seen, places[number])


def test_stacked_states_come_apart_again():
    states = [([np.full(3, n, "float32")], [], [], []) for n in range(3)]
    whole = stacked.stack(states)
    assert [float(stacked.member(whole, n)[0][0][0]) for n in range(3)] == [0, 1, 2]
    other = stacked.stack(states[::-1])
    taken = stacked.take_where(np.array([True, False, True]), whole, other)
    assert np.asarray(taken[0][0])[:, 0].tolist() == [0, 1, 2]


def test_no_row_of_the_log_is_lost(tmp_path):
    (fold,) = start_folds(tmp_path, 1, training_steps=10, training_eval_every=4)
    train_together([fold])
    with fold.log_file.open(newline="") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["4", "8", "10"]
    assert "tensorflow" not in {name for name, module in sys.modules.items() if module}


def test_a_folder_that_is_removed_stops_its_training_only(tmp_path):
    first, other = start_folds(tmp_path, count=2)

    def remove(group):
        shutil.rmtree(first.path, ignore_errors=True)

    with pytest.raises(InputError, match="fold_0: the run folder was removed during training"):
        train_together([first, other], on_evaluation=remove)
    assert not first.path.exists() and other.model_file.exists()
