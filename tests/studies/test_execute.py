"""What a study runs, what it does not run again, and what a failure leaves."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from threading import Barrier

import pytest
from made_studies import PHANTOM, REAL, FakeWorker, planned, run_fake, small_study

from covid_keras.cli import scripts
from covid_keras.runs.run import Run
from covid_keras.studies import study_table
from covid_keras.studies.execute import Execution, finished
from covid_keras.studies.study import Source, Trial
from covid_keras.utils.errors import InputError, OutOfTime


def test_every_run_is_trained_and_evaluated_in_a_process_of_its_own(tmp_path):
    covid = FakeWorker(tmp_path, small_study())
    assert run_fake(covid, small_study(), REAL) == {}
    run = tmp_path / "bit-m" / "seed_1"
    settings = {"training.batch": 8, "training.steps": "10"}
    given = {"data": Path("data"), "dataset": "covidx-ct-2a", "weights": "bit-m", "quick": False}
    assert covid.calls[8:] == [
        (
            "train",
            {"recipe": "ct-bit", "seed": 1, "resume": False, "out": run, "settings": settings}
            | given,
        ),
        ("evaluate", {"run": run}),
    ]
    drawn = ("train", "evaluate", "explain")
    assert covid.short[:3] == [(verb, "random/seed_0") for verb in drawn], "in the run's process"
    assert [place for verb, place in covid.short if verb == "explain"] == [
        "random/seed_0",
        "bit-m/seed_0",
    ]
    assert covid.processes == 4


def test_two_runs_at_once_are_labelled_and_each_row_is_drawn_once(tmp_path):
    covid, labels, meeting = FakeWorker(tmp_path, small_study()), [], Barrier(2)

    def train_beside_another(verb, **given):
        if verb == "train":
            meeting.wait(timeout=30)  # breaks unless two are trained at the same time
        return covid(verb, **given)

    def workers(label):
        labels.append(label)
        return nullcontext(partial(threads.submit, train_beside_another))

    with ThreadPoolExecutor(4) as threads:
        execution = Execution(small_study(), tmp_path, Source(), workers, at_once=2)
        execution.run()
    assert execution.failed == {}
    assert labels == ["random/seed_0", "random/seed_1", "bit-m/seed_0", "bit-m/seed_1"]
    assert all(finished(tmp_path / trial.folder) for trial in small_study().trials)
    drawn = sorted(place for verb, place in covid.short if verb == "explain")
    assert drawn == ["bit-m/seed_0", "random/seed_0"]


@pytest.mark.parametrize(
    ("given", "quick", "cores", "expected"),
    [
        ([], True, 2, 3),
        ([], True, 1, 1),
        ([], False, 8, 1),
        (["--together"], True, 2, 1),
        (["--at-once", "5"], False, 1, 5),
    ],
)
def test_small_runs_share_the_processor(monkeypatch, given, quick, cores, expected):
    monkeypatch.setattr(scripts.os, "cpu_count", lambda: cores)
    monkeypatch.setattr(scripts, "gpu_count", lambda: 0)
    options = scripts.parser("A study.").parse_args(given)
    assert scripts.at_once(options, Source(quick=quick)) == expected


def test_on_a_gpu_one_run_has_all_of_it(monkeypatch):
    monkeypatch.setattr(scripts, "gpu_count", lambda: 1)
    options = scripts.parser("A study.").parse_args([])
    assert scripts.at_once(options, Source(quick=True)) == 1


def test_a_figure_that_failed_is_not_drawn_twice(tmp_path):
    covid = FakeWorker(tmp_path, small_study(), failing="random/seed_0")
    covid.failing_verb = "explain"
    failed = run_fake(covid, small_study())
    assert list(failed) == ["random/seed_0, explain"]
    assert covid.short.count(("explain", "random/seed_0")) == 1


def test_images_from_outside_are_explained_once(tmp_path):
    source = Source(outside=Path("elsewhere"))
    run_fake(FakeWorker(tmp_path, small_study()), small_study(), source)
    again = FakeWorker(tmp_path, small_study())
    (tmp_path / "random" / "seed_0" / "outside.csv").unlink()
    run_fake(again, small_study(), source)
    assert [(verb, given["inputs"]) for verb, given in again.calls] == [
        ("predict", Path("elsewhere"))
    ]


def test_finished_runs_are_not_repeated_and_interrupted_ones_resume(tmp_path):
    run_fake(FakeWorker(tmp_path, small_study()), small_study())
    (tmp_path / "random" / "seed_0" / "model.keras").unlink()
    (tmp_path / "bit-m" / "seed_0" / "metrics.json").unlink()
    again = FakeWorker(tmp_path, small_study())
    run_fake(again, small_study())
    assert again.short == [("train", "random/seed_0"), ("evaluate", "bit-m/seed_0")]
    assert again.calls[0][1]["resume"] and "settings" not in again.calls[0][1]


def test_together_a_row_is_one_call_and_its_evaluations(tmp_path):
    covid = FakeWorker(tmp_path, small_study())
    assert run_fake(covid, small_study(), REAL, together=True, batched=True) == {}
    assert covid.short[3:6] == [
        ("train", "bit-m"),
        ("evaluate", "bit-m/seed_0"),
        ("evaluate", "bit-m/seed_1"),
    ]
    _, given = covid.calls[3]
    assert given["seeds"] == [0, 1] and given["batched"] and "minutes" not in given
    assert covid.processes == 1
    for name in ("model.keras", "metrics.json"):
        (tmp_path / "bit-m" / "seed_1" / name).unlink()
    (tmp_path / "random" / "seed_1" / "metrics.json").unlink()
    again = FakeWorker(tmp_path, small_study())
    run_fake(again, small_study(), together=True)
    assert again.short == [
        ("evaluate", "random/seed_1"),
        ("train", "bit-m"),
        ("evaluate", "bit-m/seed_1"),
    ]
    assert again.calls[1][1]["resume"] and again.calls[1][1]["seeds"] == [1]


def test_the_time_left_is_given_to_a_training_also_of_one_run(tmp_path):
    """`train` takes `minutes` and `batched` only with seeds or folds."""
    study = small_study(trials=small_study().trials[:1])
    worker = FakeWorker(tmp_path, study)
    options = {"together": True, "batched": True, "deadline": time.monotonic() + 60}
    run_fake(worker, study, **options)
    given = worker.calls[0][1]
    assert given["seeds"] == [0] and given["batched"] and 0.5 < given["minutes"] <= 1


@pytest.mark.parametrize("together", [False, True])
def test_predictions_of_val_that_are_missing_are_made(tmp_path, together):
    """A run that ended between its training and its predictions, as when its time was up."""
    run_fake(FakeWorker(tmp_path, small_study()), small_study())
    run = Run(tmp_path / "random" / "seed_0")
    for file in (run.predictions_file("val"), run.predictions_file("test"), run.metrics_file):
        file.unlink()
    again = FakeWorker(tmp_path, small_study())
    run_fake(again, small_study(), together=together)
    assert again.calls == [
        ("evaluate", {"run": run.path, "split": "val"}),
        ("evaluate", {"run": run.path}),
    ]


def test_together_one_failed_run_does_not_fail_those_beside_it(tmp_path):
    covid = FakeWorker(tmp_path, small_study(), failing="seed_1")
    failed = run_fake(covid, small_study(), together=True)
    assert failed == {"random/seed_1": "seed_1", "bit-m/seed_1": "seed_1"}
    assert ("evaluate", "bit-m/seed_0") in covid.short


def test_what_failed_before_time_was_up_is_named(tmp_path):
    covid = FakeWorker(tmp_path, small_study(), failing="random/seed_0")

    def start(verb, **given):
        if "bit-m" in str(given):
            call = Future()
            call.set_exception(OutOfTime())
            return call
        return covid.start(verb, **given)

    execution = Execution(small_study(), tmp_path, Source(), lambda label: nullcontext(start))
    with pytest.raises(OutOfTime):
        execution.run()
    assert execution.failed == {"random/seed_0": "no such weights"}


def test_nothing_is_started_after_the_deadline(tmp_path):
    covid = FakeWorker(tmp_path, small_study())
    with pytest.raises(OutOfTime):
        run_fake(covid, small_study(), together=True, deadline=time.monotonic() - 1)
    assert covid.calls == []


def test_together_a_failed_training_fails_its_runs(tmp_path):
    covid = FakeWorker(tmp_path, small_study(), failing="everywhere")
    failed = run_fake(covid, small_study(), together=True)
    assert failed == {
        f"{row}/seed_{n}": covid.failing for row in ("random", "bit-m") for n in (0, 1)
    }
    assert [call for call in covid.short if call[0] != "explain"] == [
        ("train", "random"),
        ("train", "bit-m"),
    ]


def test_folds_of_several_seeds_are_a_group_for_each_seed(tmp_path):
    script = ("ct_networks", "--networks", "resnet18", "--seeds", "3", "4", "--data", "x")
    _, source, plan = planned(*script)
    worker = FakeWorker(tmp_path, plan)
    run_fake(worker, plan, source, together=True)
    first, given = (arguments for verb, arguments in worker.calls if verb == "train")
    assert [first["folds"], first["seed"]] == [[0, 1, 2, 3, 4], 3]
    assert given["folds"] == [0, 1, 2, 3, 4] and given["seed"] == 4
    assert given["out"] == tmp_path / "resnet18-imagenet-image-folds" / "seed_4"
    assert "data.fold" not in given["settings"]


def test_small_files_alone_count_as_finished(tmp_path):
    run_fake(FakeWorker(tmp_path, small_study()), small_study())
    run = Run(tmp_path / "random" / "seed_0")
    run.model_file.unlink()
    assert not finished(run.path)
    run.last_checkpoint.unlink()
    assert finished(run.path)


def test_a_failed_run_is_named_while_the_others_finish(tmp_path):
    covid = FakeWorker(tmp_path, small_study(), failing="random/seed_1")
    failed = run_fake(covid, small_study())
    assert failed == {"random/seed_1": "no such weights"}
    found = study_table.run_metrics(small_study(), tmp_path)
    assert {row: len(runs) for row, runs in found.items()} == {"Random": 1, "BiT-M": 2}
    text, _ = study_table.write_table(small_study(), tmp_path, PHANTOM, failed)
    assert "1 of 2" in text and "FAILED random/seed_1: no such weights" in text


def test_a_folder_with_other_settings_is_refused(tmp_path):
    run_fake(FakeWorker(tmp_path, small_study()), small_study())
    other = small_study(trials=(Trial("Random", {"training.batch": 4}),))
    with pytest.raises(
        InputError,
        match=r"seed_0: expected a run with training.batch=4; .* Received: training.batch=8",
    ):
        run_fake(FakeWorker(tmp_path, other), other)
