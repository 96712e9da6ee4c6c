"""The training loop on a tiny network: schedule, log, checkpoints, resume, callbacks."""

import csv
import dataclasses
import shutil
import threading
import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import tiny
from sklearn.metrics import log_loss

from covid_keras.models.create import create_model
from covid_keras.pipeline.samples import Samples
from covid_keras.recipes import config
from covid_keras.runs.inference import load_trained, probabilities
from covid_keras.training import fit
from covid_keras.training.callbacks import (
    LOG_COLUMNS,
    VAL_COLUMNS,
    StepCallback,
    read_log,
)
from covid_keras.training.checkpoint import load_checkpoint, read_note
from covid_keras.training.schedule import recipe_schedule
from covid_keras.training.validation import SCORES
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import read_json, write_json

CLOCKED = ("images_per_second", "input_wait", "seconds")
"""Columns of the log that differ from run to run."""


@pytest.fixture(autouse=True)
def float32_afterwards():
    yield
    keras.config.set_dtype_policy("float32")


def weights(run) -> list[np.ndarray]:
    return keras.saving.load_model(run.model_file, compile=False).get_weights()


def log(run) -> list[dict]:
    with run.log_file.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_learns_and_leaves_its_files(tmp_path):
    run = tiny.start_run(tmp_path, training_steps=60, training_eval_every=20)
    fit.train(run)
    trained = load_trained(run.path)
    records = run.split()
    test = records[records["split"] == "test"]
    outputs = probabilities(trained, trained.samples(test, run.data_root()))
    assert outputs.shape == (len(test), 2)
    np.testing.assert_allclose(outputs.sum(axis=1), 1, atol=1e-6)
    assert (outputs.argmax(axis=1) == (test["label"] == "bright")).all()
    assert run.last_checkpoint.exists() and run.best_checkpoint.exists()


def test_log_has_stable_columns_and_the_rate_of_each_step(tmp_path):
    run = tiny.start_run(tmp_path, training_steps=10, training_eval_every=4)
    fit.train(run)
    rows = log(run)
    assert tuple(rows[0]) == LOG_COLUMNS
    assert [int(row["step"]) for row in rows] == list(range(1, 11))
    training = run.recipe().training
    assert [float(row["learning_rate"]) for row in rows] == pytest.approx(
        [recipe_schedule(training).at(step) for step in range(10)]
    )
    evaluated = [int(row["step"]) for row in rows if row["val_loss"]]
    assert evaluated == [4, 8, 10]


def test_logged_loss_is_the_mean_since_the_row_before(tmp_path):
    """The rows of a run logged every step, averaged by hand, equal those logged every 4 steps."""
    run = tiny.start_run(tmp_path, training_steps=80, training_eval_every=40)
    fit.train(run)
    fine = tiny.start_run(tmp_path, "fine", training_steps=80, training_eval_every=40)
    every_step = []
    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: every_step.append((batch, logs["loss"]))
    )
    fit.train(fine, callbacks=[note])
    means = pd.DataFrame(every_step, columns=["batch", "mean"])
    total = means["mean"] * (means["batch"] + 1)
    losses = total - total.shift(fill_value=0).where(means["batch"] > 0, 0)
    expected = losses.to_numpy().reshape(-1, 4).mean(axis=1)
    found = [float(row["loss"]) for row in log(run)]
    np.testing.assert_allclose(found, expected, rtol=2e-4)


def test_the_log_says_how_long_the_steps_waited_for_their_input(tmp_path, monkeypatch):
    """Batches that take a tenth of a second and more, before steps that take milliseconds."""

    def slowed(samples, index):
        with lock:
            time.sleep(0.03)
        return read(samples, index)

    read, lock = Samples.read, threading.Lock()
    monkeypatch.setattr(Samples, "read", slowed)
    run = tiny.start_run(tmp_path, training_steps=12, training_eval_every=6)
    fit.train(run)
    waits = [float(row["input_wait"]) for row in log(run)]
    assert waits[0] == 0, "the step that compiles counts as none"
    assert max(waits[1:6]) > 0.5 and max(waits) <= 1  # of batches fetched in pairs one waits


@pytest.mark.parametrize(
    "stop, changes",
    [
        (4, {}),
        (8, {"training_optimizer": "adam", "training_learning_rate": 0.01}),
        (4, {"augmentation_rotation": 10.0, "augmentation_blur": 0.5, "augmentation_noise": 5.0}),
        (8, {"training_optimizer": "lamb", "model_dropout": 0.3, "data_balance": True}),
    ],
)
def test_resume_ends_at_the_same_weights_bit_for_bit(tmp_path, stop, changes):
    whole = tiny.start_run(tmp_path, "whole", training_steps=14, **changes)
    fit.train(whole)
    parts = tiny.start_run(tmp_path, "parts", training_steps=14, **changes)
    with pytest.raises(KeyboardInterrupt):
        fit.train(parts, callbacks=[tiny.InterruptAt(stop + 2)])
    assert not parts.model_file.exists()
    fit.train(parts, resume=True)
    for one, other in zip(weights(whole), weights(parts), strict=True):
        np.testing.assert_array_equal(one, other)
    columns = [name for name in LOG_COLUMNS if name not in CLOCKED]
    pd.testing.assert_frame_equal(
        pd.DataFrame(log(whole))[columns], pd.DataFrame(log(parts))[columns]
    )


def test_resume_of_a_log_of_an_earlier_version(tmp_path):
    run = tiny.start_run(tmp_path, training_steps=8)
    fit.train(run)
    rows = [dict(row) for row in log(run) if int(row["step"]) <= 4]
    columns = [name for name in LOG_COLUMNS if name != "input_wait"]
    lines = [",".join(columns), *(",".join(row[name] for name in columns) for row in rows)]
    run.log_file.write_text("\n".join(lines) + "\n")
    kept = read_log(run.log_file, 4)
    assert [row | {"input_wait": ""} for row in rows] == kept


def test_several_steps_in_one_call_say_nothing_of_waiting(tmp_path):
    run = tiny.start_run(tmp_path, training_steps=8, training_steps_per_execution=2)
    fit.train(run)
    assert {row["input_wait"] for row in log(run)} == {""}


def test_resume_before_the_first_checkpoint_starts_over(tmp_path):
    whole = tiny.start_run(tmp_path, "whole", training_steps=4)
    fit.train(whole)
    fresh = tiny.start_run(tmp_path, "fresh", training_steps=4)
    fit.train(fresh, resume=True)
    for one, other in zip(weights(whole), weights(fresh), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_seed_decides(tmp_path):
    first = tiny.start_run(tmp_path, "first")
    fit.train(first)
    again = tiny.start_run(tmp_path, "again")
    fit.train(again)
    other = tiny.start_run(tmp_path, "other")
    recipe = dataclasses.replace(other.recipe(), seed=1)
    write_json(other.recipe_file, config.to_json(recipe))
    fit.train(other)
    assert all((a == b).all() for a, b in zip(weights(first), weights(again), strict=True))
    assert any((a != b).any() for a, b in zip(weights(first), weights(other), strict=True))


def test_rate_is_exact_when_several_steps_run_at_once(tmp_path):
    """Eight steps in one call must give the weights of eight calls of one step."""
    single = tiny.start_run(tmp_path, "single", training_steps=16, training_eval_every=8)
    fit.train(single)
    many = tiny.start_run(
        tmp_path, "many", training_steps=16, training_eval_every=8, training_steps_per_execution=8
    )
    fit.train(many)
    for one, other in zip(weights(single), weights(many), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert [int(row["step"]) for row in log(many)] == [8, 16]


def test_test_images_are_never_read(tmp_path):
    run = tiny.start_run(tmp_path)
    records = run.split()
    for image in records.loc[records["split"] == "test", "image"]:
        (run.data_root() / image).unlink()
    fit.train(run)
    assert run.model_file.exists()


def test_model_is_the_best_on_val(tmp_path):
    run = tiny.start_run(tmp_path, training_steps=60, training_eval_every=4)
    classifier = fit.train(run)
    note = load_checkpoint(run.best_checkpoint, classifier.network)
    rows = [row for row in log(run) if row["val_accuracy"]]
    best = max(rows, key=lambda row: (float(row["val_accuracy"]), -float(row["val_loss"])))
    assert note["step"] == int(best["step"])
    assert note["val_accuracy"] == pytest.approx(float(best["val_accuracy"]), abs=1e-5)


@pytest.mark.parametrize("criterion", SCORES)
def test_the_criterion_chooses_the_step(tmp_path, criterion):
    """The rate is too high, so that steps differ."""
    changes = {"training_steps": 12, "training_criterion": criterion}
    run = tiny.start_run(tmp_path, training_eval_every=1, training_learning_rate=0.5, **changes)
    fit.train(run)
    rows = log(run)
    values = [(float(row[f"val_{criterion}"]), -float(row["val_loss"])) for row in rows]
    value, _ = min(values) if criterion == "loss" else max(values)
    kept = read_json(run.fingerprint_file)["kept"]
    assert kept["criterion"] == criterion and kept["steps"] == 12
    assert kept["value"] == pytest.approx(value, abs=1e-5)
    assert float(rows[kept["step"] - 1][f"val_{criterion}"]) == pytest.approx(value, abs=1e-5)


def test_the_last_weights_are_kept_and_nothing_is_best(tmp_path):
    run = tiny.start_run(tmp_path, training_keep="last", training_steps=10)
    ends = []
    end = keras.callbacks.LambdaCallback(
        on_train_end=lambda logs: ends.append(end.model.network.get_weights())
    )
    fit.train(run, callbacks=[end])
    for one, other in zip(weights(run), ends[-1], strict=True):
        np.testing.assert_array_equal(one, other)
    kept = {"step": 10, "steps": 10, "criterion": "", "value": None}
    assert read_json(run.fingerprint_file)["kept"] == kept
    assert not run.best_checkpoint.exists()
    assert log(run)[-1]["val_accuracy"], "val is watched all the same"


def test_without_val_nothing_of_val_is_written_and_a_resumed_run_is_the_same(tmp_path):
    changes = {"training_keep": "last", "training_steps": 10}
    runs = [tiny.start_run(tmp_path, name, val=False, **changes) for name in ("one", "two")]
    fit.train(runs[0])
    with pytest.raises(KeyboardInterrupt):
        fit.train(runs[1], callbacks=[tiny.InterruptAt(6)])
    fit.train(runs[1], resume=True)
    for one, other in zip(*map(weights, runs), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not runs[0].has_val()
    assert {row[name] for row in log(runs[0]) for name in VAL_COLUMNS} == {""}


def test_what_layers_add_to_the_loss_is_trained(tmp_path):
    """One kernel's squares, times a factor so large that they are nearly all of the loss."""
    run = tiny.start_run(tmp_path)
    classifier = fit.build(run.recipe(), run.classes())
    labels = np.array([0, 1, 0, 1])
    outputs = classifier({"image": np.zeros((4, 16, 16, 1), "uint8"), "label": labels})
    plain = float(classifier.compute_loss(y_pred=outputs))
    stem = classifier.network.get_layer("stem")
    stem.kernel.regularizer = keras.regularizers.L2(1000.0)
    squares = 1000 * float((np.asarray(stem.kernel) ** 2).sum())
    assert float(classifier.compute_loss(y_pred=outputs)) == pytest.approx(plain + squares)
    batch = {"image": np.zeros((4, 20, 20, 1), "uint8"), "label": labels}
    logs = classifier.fit((b for b in [(batch,)]), steps_per_epoch=1, verbose=0).history
    assert logs["loss"][0] == pytest.approx(squares + plain, rel=0.1)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains(tmp_path, precision):
    run = tiny.start_run(tmp_path, training_precision=precision, training_steps=60)
    classifier = fit.train(run)
    assert classifier.network.get_layer("features").compute_dtype == precision[6:]
    assert {variable.dtype for variable in classifier.network.weights} == {"float32"}
    assert float(log(run)[-1]["val_accuracy"]) == 1


def test_xla_gives_the_same_step(tmp_path):
    plain = tiny.start_run(tmp_path, "plain", training_jit="off")
    fit.train(plain)
    compiled = tiny.start_run(tmp_path, "compiled", training_jit="on")
    classifier = fit.train(compiled)
    assert classifier.jit_compile
    for one, other in zip(weights(plain), weights(compiled), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_step_callback_counts_the_steps_of_the_whole_run(tmp_path):
    class Note(StepCallback):
        steps, evaluations = [], []

        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            self.steps.append(self.step)

        def on_epoch_end(self, epoch, logs=None):
            self.evaluations.append(self.step)

    run = tiny.start_run(tmp_path, training_steps=10)
    with pytest.raises(KeyboardInterrupt):
        fit.train(run, callbacks=[Note(), tiny.InterruptAt(6)])
    fit.train(run, resume=True, callbacks=[Note()])
    assert Note.steps == [1, 2, 3, 4, 5, 6, 5, 6, 7, 8, 9, 10]
    assert Note.evaluations == [4, 8, 10]


def test_a_loss_that_is_not_a_number_stops_with_the_step(tmp_path):
    run = tiny.start_run(tmp_path, training_learning_rate=1e30, training_steps=40)
    with pytest.raises(InputError, match=r"loss is (nan|inf) at step \d+"):
        fit.train(run)


@pytest.mark.parametrize("text", ["", "step\nx\n", "step,seconds\n1,\n", 'step\n"'])
def test_a_damaged_log_is_one_line(tmp_path, text):
    (tmp_path / "log.csv").write_text(text)
    expected = r"log\.csv: expected rows with step and seconds: .*"
    with pytest.raises(InputError, match=expected) as error:
        read_log(tmp_path / "log.csv", until=2)
    assert "\n" not in str(error.value)


def test_checkpoint_of_another_model_is_refused(tmp_path):
    run = tiny.start_run(tmp_path)
    classifier = fit.train(run)
    wider = create_model("tiny", classes=3, input_shape=(16, 16, 3), head="original")
    with pytest.raises(InputError, match=r"best\.npz: checkpoint of another model: .*expected"):
        load_checkpoint(run.best_checkpoint, wider)
    for note in (b"no JSON", b"[1]", b"\xff", b"{}", b'{"step": "x"}'):
        with np.load(run.best_checkpoint) as whole:
            arrays = dict(whole) | {"note": np.frombuffer(note, np.uint8)}
        np.savez(tmp_path / "note.npz", **arrays)
        with pytest.raises(
            InputError, match=r"note\.npz(: cannot read checkpoint|, note, step): expected"
        ):
            read_note(tmp_path / "note.npz")
    damaged = run.best_checkpoint.read_bytes()[:200]
    run.best_checkpoint.write_bytes(damaged)
    with pytest.raises(InputError, match="cannot read checkpoint"):
        load_checkpoint(run.best_checkpoint, classifier.network)


def test_one_sigmoid_output_learns_two_classes(tmp_path):
    changes = {"training_steps": 60, "training_eval_every": 20, "model_activation": "sigmoid"}
    run = tiny.start_run(tmp_path, **changes)
    classifier = fit.train(run)
    assert classifier.network.output_shape == (None, 1)
    trained, records = load_trained(run.path), run.split()
    test = records[records["split"] == "test"]
    outputs = probabilities(trained, trained.samples(test, run.data_root()))
    assert outputs.shape == (len(test), 2)
    assert (outputs.argmax(axis=1) == (test["label"] == "bright")).all()
    assert float(log(run)[-1]["val_accuracy"]) == 1.0


def test_sigmoid_loss_is_scikit_learns(tmp_path):
    run = tiny.start_run(tmp_path, model_activation="sigmoid")
    classifier = fit.build(run.recipe(), run.classes())
    images = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 1)).astype("uint8")
    labels = np.array([0, 1, 1, 0, 1, 0])
    outputs = classifier({"image": images, "label": labels})
    loss = float(classifier.compute_loss(y_pred=outputs))
    logits = np.asarray(outputs["logits"], dtype="float64")[:, 0]
    assert loss == pytest.approx(log_loss(labels, 1 / (1 + np.exp(-logits))), rel=1e-5)


def test_a_canvas_that_is_not_square(tmp_path):
    canvas = {"input_resize": (18, 24), "input_crop": (14, 20), "input_fit": "canvas"}
    run = tiny.start_run(tmp_path, training_steps=60, training_eval_every=20, **canvas)
    classifier = fit.train(run)
    assert classifier.network.input_shape == (None, 14, 20, 3)
    trained, records = load_trained(run.path), run.split()
    test = records[records["split"] == "test"]
    outputs = probabilities(trained, trained.samples(test, run.data_root()))
    assert (outputs.argmax(axis=1) == (test["label"] == "bright")).all()


class RemoveAt(StepCallback):
    """Removes the run's folder after a step."""

    def __init__(self, folder: Path, stop: int) -> None:
        super().__init__()
        self.folder, self.stop = folder, stop

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        super().on_train_batch_end(batch, logs)
        if self.step == self.stop:
            shutil.rmtree(self.folder)


def test_a_folder_that_is_removed_stops_the_training_at_the_next_evaluation(tmp_path):
    run = tiny.start_run(tmp_path)
    steps = RemoveAt(run.path, 2)
    with pytest.raises(InputError, match="run: the run folder was removed during training"):
        fit.train(run, callbacks=[steps])
    assert steps.step == 4 and not run.path.exists()
