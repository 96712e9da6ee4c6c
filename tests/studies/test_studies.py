"""Studies: what is run, what is not run again, what a failure leaves, and the table."""

import ast
import dataclasses
import json
import runpy
import subprocess
import sys
import time
from argparse import Namespace
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from covid_keras import recipes
from covid_keras.models.create import create_model
from covid_keras.models.flops import flops
from covid_keras.recipes import config
from covid_keras.recipes.settings import override
from covid_keras.runs.folder import Run
from covid_keras.studies import cost, execute, figures, results, script, tables
from covid_keras.studies.execute import Source
from covid_keras.studies.study import Column, Study, Trial
from covid_keras.studies.workers import worker
from covid_keras.training.check import check_recipe
from covid_keras.utils.errors import InputError, OutOfTime
from covid_keras.utils.files import write_json, write_text

ROOT = Path(__file__).resolve().parents[2]
PHANTOM = Source()
SCRIPTS = ("ct_bit", "ct_networks", "cxr_bit", "xray_3class", "ct_2class")
COLUMNS = (Column("accuracy", "accuracy"), Column("recall", "sensitivity", -1))


def study(**changes) -> Study:
    trials = tuple(
        Trial(row, {"training.batch": 8}, weights, seed)
        for row, weights in (("Random", ""), ("BiT-M", "bit-m"))
        for seed in (0, 1)
    )
    paper = {"BiT-M": ("99.2", "98.7"), "A peer": ("94.5", "")}
    whole = Study("s", "A study", "ct-bit", trials, COLUMNS, "median [min, max]", paper)
    return dataclasses.replace(whole, **changes)


class Covid:
    """In place of a worker process: makes the files of a run without training."""

    def __init__(self, out: Path, study: Study, failing: str = ""):
        self.out, self.trials, self.failing = out, study.trials, failing
        self.calls: list[tuple[str, dict]] = []
        self.processes = 0

    def workers(self):
        self.processes += 1
        return nullcontext(self)

    @property
    def short(self) -> list[tuple[str, ...]]:
        """Verb and folder of each call, the latter inside the study's folder."""
        return [
            (verb, str(Path(given.get("out") or given["run"]).relative_to(self.out)))
            for verb, given in self.calls
        ]

    def __call__(self, verb: str, **given) -> str:
        self.calls.append((verb, given))
        path = Path(given["run"] if "run" in given else given.get("model", given.get("out")))
        if "seeds" in given:
            for seed in given["seeds"]:
                if self.failing not in ("everywhere", f"seed_{seed}"):
                    self._run(verb, given, Run(path / f"seed_{seed}"))
            return self.failing
        return self._run(verb, given, Run(path))

    def _run(self, verb: str, given: dict, run: Run) -> str:
        if self.failing and self.failing in str(run.path) and verb == "train":
            return "no such weights"
        if verb == "train":
            trial = next(t for t in self.trials if self.out / t.folder == run.path)
            recipe = override(recipes.get("ct-bit"), trial.settings)
            recipe = override(recipe, {"model.weights": trial.weights})
            recipe = dataclasses.replace(recipe, seed=trial.seed)
            write_json(run.recipe_file, config.to_json(recipe))
            log = "step,val_accuracy,seconds\n1,,1\n2,0.5,3600\n4,0.75,7200\n"
            write_text(run.log_file, log)
            write_text(run.last_checkpoint, "")
            write_text(run.model_file, "")
            write_text(run.predictions_file("val"), "")
        if verb == "explain":
            write_text(run.figures / "tsne.png", "")
        if verb == "predict":
            write_text(run.path / "outside.csv", "")
        if verb == "evaluate" and given.get("split") == "val":
            write_text(run.predictions_file("val"), "")
        elif verb == "evaluate":
            write_text(run.predictions_file("test"), "")
            accuracy = 0.9 + 0.02 * run.recipe().seed
            write_json(run.metrics_file, metrics(accuracy))
        return ""


def run_study(covid: Covid, plan: Study, source: Source = PHANTOM, **options) -> dict[str, str]:
    return execute.execute(plan, covid.out, source, covid.workers, **options)


def metrics(accuracy: float, recall: float | None = 0.5) -> dict:
    test = {
        "classes": ["a", "b"],
        "confusion_matrix": [[8, 2], [1, 9]],
        "metrics": {"accuracy": {"value": accuracy}},
        "per_class": {"a": {}, "b": {"sensitivity": {"value": recall}}},
    }
    return {"stamps": ["IMAGE-LEVEL SPLIT", "NOT A MEDICAL DEVICE"], "splits": {"test": test}}


SETTINGS = {"training.steps": "10"}


def test_every_run_is_trained_and_evaluated_in_a_process_of_its_own(tmp_path):
    covid = Covid(tmp_path, study())
    assert run_study(covid, study(), Source("covidx-ct-2a", Path("data"), False, SETTINGS)) == {}
    run = tmp_path / "bit-m" / "seed_1"
    settings = {"training.batch": 8, "training.steps": "10"}
    given = {"data": Path("data"), "dataset": "covidx-ct-2a", "weights": "bit-m", "quick": False}
    assert covid.calls[6:8] == [
        (
            "train",
            {"recipe": "ct-bit", "seed": 1, "resume": False, "out": run, "settings": settings}
            | given,
        ),
        ("evaluate", {"run": run}),
    ]
    assert covid.short[8:] == [("explain", "random/seed_0"), ("explain", "bit-m/seed_0")]
    assert covid.processes == 4 + 2


def test_images_from_outside_are_explained_once(tmp_path):
    source = Source(outside=Path("elsewhere"))
    run_study(Covid(tmp_path, study()), study(), source)
    again = Covid(tmp_path, study())
    (tmp_path / "random" / "seed_0" / "outside.csv").unlink()
    run_study(again, study(), source)
    assert [(verb, given["inputs"]) for verb, given in again.calls] == [
        ("predict", Path("elsewhere"))
    ]


def test_finished_runs_are_not_repeated_and_interrupted_ones_resume(tmp_path):
    run_study(Covid(tmp_path, study()), study())
    (tmp_path / "random" / "seed_0" / "model.keras").unlink()
    (tmp_path / "bit-m" / "seed_0" / "metrics.json").unlink()
    again = Covid(tmp_path, study())
    run_study(again, study())
    assert again.short == [("train", "random/seed_0"), ("evaluate", "bit-m/seed_0")]
    assert again.calls[0][1]["resume"] and "settings" not in again.calls[0][1]


def test_together_a_row_is_one_call_and_its_evaluations(tmp_path):
    covid = Covid(tmp_path, study())
    source = Source("covidx-ct-2a", Path("data"), False, SETTINGS)
    assert run_study(covid, study(), source, together=True, batched=True) == {}
    assert covid.short[3:6] == [
        ("train", "bit-m"),
        ("evaluate", "bit-m/seed_0"),
        ("evaluate", "bit-m/seed_1"),
    ]
    _, given = covid.calls[3]
    assert given["seeds"] == [0, 1] and given["batched"] and given["minutes"] is None
    assert covid.processes == 1
    for name in ("model.keras", "metrics.json"):
        (tmp_path / "bit-m" / "seed_1" / name).unlink()
    (tmp_path / "random" / "seed_1" / "metrics.json").unlink()
    again = Covid(tmp_path, study())
    run_study(again, study(), together=True)
    assert again.short == [
        ("evaluate", "random/seed_1"),
        ("train", "bit-m/seed_1"),
        ("evaluate", "bit-m/seed_1"),
    ]
    assert again.calls[1][1]["resume"]


@pytest.mark.parametrize("together", [False, True])
def test_predictions_of_val_that_are_missing_are_made(tmp_path, together):
    """A run that ended between its training and its predictions, as when its time was up."""
    run_study(Covid(tmp_path, study()), study())
    run = Run(tmp_path / "random" / "seed_0")
    for file in (run.predictions_file("val"), run.predictions_file("test"), run.metrics_file):
        file.unlink()
    again = Covid(tmp_path, study())
    run_study(again, study(), together=together)
    assert again.calls == [
        ("evaluate", {"run": run.path, "split": "val"}),
        ("evaluate", {"run": run.path}),
    ]


def test_together_one_failed_run_does_not_fail_those_beside_it(tmp_path):
    covid = Covid(tmp_path, study(), failing="seed_1")
    failed = run_study(covid, study(), together=True)
    assert failed == {"random/seed_1": "seed_1", "bit-m/seed_1": "seed_1"}
    assert ("evaluate", "bit-m/seed_0") in covid.short


def test_what_failed_before_time_was_up_is_named(tmp_path):
    covid = Covid(tmp_path, study(), failing="random/seed_0")

    def call(verb, **given):
        if "bit-m" in str(given):
            raise OutOfTime
        return covid(verb, **given)

    with pytest.raises(OutOfTime) as stop:
        execute.execute(study(), tmp_path, Source(), lambda: nullcontext(call))
    assert stop.value.failed == {"random/seed_0": "no such weights"}


def test_nothing_is_started_after_the_deadline(tmp_path):
    covid = Covid(tmp_path, study())
    with pytest.raises(OutOfTime):
        run_study(covid, study(), together=True, deadline=time.monotonic() - 1)
    assert covid.calls == []


def test_a_failure_in_a_worker_is_a_reason_and_a_traceback(tmp_path, capfd):
    log = tmp_path / "study" / "log.txt"
    with worker(log) as call:
        assert "unknown recipe" in call("train", recipe="none", out=tmp_path / "run")
        assert "unknown recipe" in capfd.readouterr().err
        assert call("no_such_function").startswith("AttributeError: module 'covid_keras'")
        assert "Traceback" in log.read_text()
        assert call("list_models") == "" and "squeezenet" in log.read_text()


def test_together_a_failed_training_fails_its_runs(tmp_path):
    covid = Covid(tmp_path, study(), failing="everywhere")
    failed = run_study(covid, study(), together=True)
    assert failed == {
        f"{row}/seed_{n}": covid.failing for row in ("random", "bit-m") for n in (0, 1)
    }
    assert [call for call in covid.short if call[0] != "explain"] == [
        ("train", "random"),
        ("train", "bit-m"),
    ]


def test_folds_of_several_seeds_are_a_group_for_each_seed(monkeypatch):
    _, plan = planned(monkeypatch, "ct_networks", "--networks", "resnet18", "--seeds", "3", "4")
    groups = execute._rows(plan.trials)
    assert [[trial.folder.name for trial in group] for group in groups] == [
        [f"fold_{fold}" for fold in range(5)]
    ] * 2
    given = execute._train("ct-networks", groups[1], Path("x"), Source(), False)
    assert given["folds"] == [0, 1, 2, 3, 4] and given["seed"] == 4
    assert given["out"] == Path("x") / "resnet18-imagenet-image-folds" / "seed_4"
    assert "data.fold" not in given["settings"]


def test_small_files_alone_count_as_finished(tmp_path):
    run_study(Covid(tmp_path, study()), study())
    run = Run(tmp_path / "random" / "seed_0")
    run.model_file.unlink()
    assert not execute.finished(run.path)
    run.last_checkpoint.unlink()
    assert execute.finished(run.path)


def test_what_needs_jax_or_together_says_so(monkeypatch, tmp_path):
    random = ["--weights", "random", "--out", str(tmp_path)]
    options, _ = planned(monkeypatch, "ct_networks", *random, "--minutes", "3")
    with pytest.raises(InputError, match="--minutes: only with --together"):
        script._deadline(options)
    options, _ = planned(monkeypatch, "ct_networks", *random, "--together", "--minutes", "0")
    with pytest.raises(InputError, match="--minutes: expected more than 0"):
        script._deadline(options)
    options, _ = planned(monkeypatch, "ct_networks", *random, "--together")
    with pytest.raises(InputError, match=r"expected KERAS_BACKEND=jax\. Received: tensorflow"):
        script._deadline(options)


def test_a_failed_run_is_named_while_the_others_finish(tmp_path):
    covid = Covid(tmp_path, study(), failing="random/seed_1")
    failed = run_study(covid, study())
    assert failed == {"random/seed_1": "no such weights"}
    found = results.measured(study(), tmp_path)
    assert {row: len(runs) for row, runs in found.items()} == {"Random": 1, "BiT-M": 2}
    text = tables.table(study(), found, failed)
    assert "1 of 2" in text and "FAILED random/seed_1: no such weights" in text


def test_a_folder_with_other_settings_is_refused(tmp_path):
    run_study(Covid(tmp_path, study()), study())
    other = study(trials=(Trial("Random", {"training.batch": 4}),))
    with pytest.raises(
        InputError, match=r"seed_0: a run with other settings: training.batch=8, not"
    ):
        run_study(Covid(tmp_path, other), other)


def test_cells():
    assert results.cell([0.9, 0.92, 0.97], "median [min, max]") == "92.0 [90.0, 97.0]"
    assert results.cell([0.9, 0.92, 0.94], "mean (std)") == "92.0 (2.0)"
    assert results.cell([0.9], "mean (std)") == "90.0"
    assert results.cell([0.9, None], "mean (std)") == "undefined in 1 of 2"
    assert results.cell([], "mean (std)") == ""
    assert results.value(metrics(0.9, None), COLUMNS[1]) is None
    assert results.value(metrics(0.9), Column("x", "accuracy", split="val")) is None
    moved = metrics(0.9)
    moved["splits"]["test"]["at_threshold"] = {"metrics": {"accuracy": {"value": 0.8}}}
    assert results.value(moved, Column("x", "accuracy", at="at_threshold")) == 0.8
    assert results.value(metrics(0.9), Column("x", "accuracy", at="at_threshold")) is None


def test_the_table_has_ours_beside_the_papers_and_the_stamps(tmp_path):
    run_study(Covid(tmp_path, study()), study())
    found = results.measured(study(), tmp_path)
    text = tables.write_summary(study(), tmp_path, Source(), found, {})
    assert text == (tmp_path / "table.md").read_text()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    assert ["BiT-M", "2", "91.0 [90.0, 92.0]", "50.0 [50.0, 50.0]"] in rows
    assert ["- the paper", "", "99.2", "98.7"] in rows
    assert ["A peer, the paper", "", "94.5", ""] in rows
    assert "not the paper's settings: training.batch=8 (paper: 64)." in text
    assert "**IMAGE-LEVEL SPLIT**" in text and "**NOT A MEDICAL DEVICE**" in text
    runs = json.loads((tmp_path / "study.json").read_text())["runs"]
    assert [run["hours"] for run in runs] == [2.0] * 4


def test_pictures(tmp_path):
    run_study(Covid(tmp_path, study()), study())
    found = results.measured(study(), tmp_path)
    stamps = results.stamps(found)
    assert stamps == ["IMAGE-LEVEL SPLIT", "NOT A MEDICAL DEVICE"]
    logs = {"Random": [tmp_path / "random" / f"seed_{seed}" / "log.csv" for seed in (0, 1)]}
    figures.curves(tmp_path / "curves.png", logs, stamps)
    figures.confusion_matrices(tmp_path / "matrices.png", found, stamps)
    for name in ("curves.png", "matrices.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_curves_of_folds_of_unlike_length_are_one_line(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(figures, "save", lambda figure, path: drawn.append(figure))
    for name, steps in (("a", (10, 20)), ("b", (9, 18))):
        rows = "".join(f"{step},0.{step}\n" for step in steps)
        write_text(tmp_path / name, f"step,val_accuracy\n1,\n{rows}")
    figures.curves(tmp_path / "x.png", {"Row": [tmp_path / "a", tmp_path / "b"]}, [])
    [line] = drawn[0].axes[0].lines
    np.testing.assert_allclose(line.get_xydata(), [[9.5, 50], [19, 19]])


def test_weights_by_name_file_and_both():
    given = ["random", "imagenet", "a/b.npz", "ImageNet=a/c=d.npz"]
    expected = {"random": "", "imagenet": "imagenet", "b.npz": "a/b.npz", "ImageNet": "a/c=d.npz"}
    assert script.named_weights(given) == expected


def planned(monkeypatch, name: str, *arguments: str) -> tuple[Namespace, Study]:
    """The options and the study that a script makes of its arguments, without a run."""
    seen = []
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *arguments])
    monkeypatch.setattr(
        script, "main", lambda options, plan: seen.append((options, plan(options))) or 0
    )
    with pytest.raises(SystemExit):
        runpy.run_path(str(ROOT / "experiments" / f"{name}.py"), run_name="__main__")
    return seen[0]


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("quick", [[], ["--quick"]])
def test_scripts_plan_runs_with_known_settings(name, quick, monkeypatch):
    options, study = planned(monkeypatch, name, "--data", "x", *quick)
    source = Source("", Path("x"), script.is_quick(options))
    for trial in study.trials:
        check_recipe(execute.recipe_of(study, trial, source))
    assert len(study.trials) == {"ct_networks": 60}.get(name, 3)


def test_what_quick_cuts_is_said(monkeypatch):
    _, study = planned(monkeypatch, "ct_networks", "--data", "x", "--quick")
    source = Source("", Path("x"), quick=True)
    assert execute.changes(study, source) == [
        "input.scale=0.5 (paper: 1.0)",
        "training.epochs=10 (paper: 100)",
    ]


def test_without_data_the_phantoms_settings_are_said(monkeypatch):
    _, study = planned(monkeypatch, "xray_3class")
    said = execute.changes(study, Source("", quick=True))
    assert "training.epochs=20 (paper: 50)" in said, "and not the quick recipe's 4"


def test_the_papers_networks_are_no_change_of_the_recipe(monkeypatch):
    for name in ("ct_networks", "xray_3class", "ct_2class"):
        _, study = planned(monkeypatch, name, "--data", "x")
        for trial in study.trials:
            assert execute.recipe_of(study, trial, Source("", Path("x"))).changes == ()
    other = Source("", Path("x"), settings={"model.dropout": 0.1})
    assert execute.recipe_of(study, study.trials[0], other).changes


def test_weights_that_are_not_there_are_one_line_before_any_run(tmp_path, monkeypatch, capsys):
    arguments = ["--weights", "Mine=none.npz", "--networks", "resnet18", "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["ct_networks.py", *arguments])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "experiments" / "ct_networks.py"), run_name="__main__")
    said = capsys.readouterr().err
    assert ended.value.code == 1 and not list(tmp_path.iterdir())
    assert said.startswith("ct_networks.py: error: weights 'none.npz': no such file")
    assert len(said.splitlines()) == 1


def test_a_missing_data_folder_is_one_line_before_any_run(tmp_path, monkeypatch, capsys):
    arguments = ["xray_3class.py", "--data", str(tmp_path / "none"), "--out", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "experiments" / "xray_3class.py"), run_name="__main__")
    said = capsys.readouterr()
    assert ended.value.code == 1 and said.out == "" and not (tmp_path / "out").exists()
    assert (
        said.err.startswith("xray_3class.py: error: ") and "none: expected the folder" in said.err
    )
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "study", "runs"),
    [
        ("ct_bit", "initialisation", 5),
        ("ct_bit", "resolution-schedule-mixup", 32),
        ("ct_bit", "few-images", 12),
        ("cxr_bit", "resolution-schedule-mixup", 24),
        ("cxr_bit", "few-images", 15),
    ],
)
@pytest.mark.parametrize("quick", [[], ["--quick"]])
def test_studies_of_bit(name, study, runs, quick, monkeypatch):
    _, plan = planned(monkeypatch, name, "--data", "x", "--study", study, *quick)
    assert len(plan.trials) == len({trial.folder for trial in plan.trials}) == runs


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)


def cost_of(monkeypatch, name: str, *arguments: str) -> float:
    options, plan = planned(monkeypatch, name, *arguments, "--list")
    found = cost.costs(plan, Path("none"), Source(options.dataset, options.data))
    return sum(row.hours for row in found.values())


@pytest.mark.parametrize(
    ("name", "label", "arguments"),
    [
        slow("ct_bit", "main", []),
        slow("cxr_bit", "main", []),
        slow("ct_bit", "initialisation", ["--study", "initialisation"]),
        slow("ct_bit", "resolution-schedule-mixup", ["--study", "resolution-schedule-mixup"]),
        slow("ct_bit", "few-images, a seed,", ["--study", "few-images"]),
        slow("cxr_bit", "resolution-schedule-mixup", ["--study", "resolution-schedule-mixup"]),
        slow("cxr_bit", "few-images, a seed,", ["--study", "few-images"]),
        slow("ct_2class", "three networks", []),
        slow("ct_networks", "covid19-ct", []),
        slow("ct_networks", "sars-cov-2-ct", ["--dataset", "sars-cov-2-ct"]),
    ],
)
def test_the_docstring_holds_the_cost(name, label, arguments, monkeypatch):
    said = " ".join(ast.get_docstring(ast.parse(source_of(name))).split())
    assert f"hours of a GPU that sustains {cost.SUSTAINED / 1e12:.0f} TFLOP/s" in said
    assert f"{label} {cost_of(monkeypatch, name, *arguments):.2g}" in said


@pytest.mark.slow
def test_the_cost_on_real_images_is_in_the_docstring(shared_data, monkeypatch):
    hours = cost_of(monkeypatch, "xray_3class", "--data", str(shared_data / "darkcovid_xray"))
    assert f"three networks {hours:.2g}" in source_of("xray_3class")


def test_an_unpublished_number_of_images_needs_the_folder(monkeypatch):
    with pytest.raises(InputError, match="xray-3class: its number of images is not published"):
        cost_of(monkeypatch, "xray_3class")


def test_costs_by_hand(monkeypatch):
    """SqueezeNet at 76x100 on COVID19-CT: 2 epochs of 17 steps of 32, val twice and at the end."""
    settings = {"input.scale": 0.3, "training.epochs": 2}
    _, plan = planned(
        monkeypatch, "ct_networks", "--networks", "squeezenet", "--weights", "random", "--list"
    )
    [row] = cost.costs(plan, Path("none"), Source(settings=settings)).values()
    trained, val, test = 3 * 2 * 17 * 32, 3 * 60, 149
    recipe = execute.recipe_of(plan, plan.trials[0], Source(settings=settings))
    model = create_model("squeezenet", classes=1, input_shape=(*recipe.input.crop, 3))
    forward = flops(model, (*recipe.input.crop, 3))
    assert (row.runs, row.finished, row.images, row.steps) == (5, 0, 537, 34)
    assert row.operations == 5 * forward * (trained + val + test)
    text = cost.listing({"SqueezeNet": row}, "these")
    assert text.splitlines()[1].split()[:5] == ["SqueezeNet", "5", "0", "537", "34"]


def source_of(name: str) -> str:
    return (ROOT / "experiments" / f"{name}.py").read_text(encoding="utf-8")


def test_the_papers_networks_started_from_imagenet_in_folds_of_images(monkeypatch):
    given = [
        "--networks",
        "squeezenet",
        "--weights",
        "random",
        "SARS=a.keras",
        "--split",
        "patient",
    ]
    _, plan = planned(monkeypatch, "ct_networks", "--data", "x", *given)
    cells = ("87.3 (3.2)", "86.3 (6.1)", "86.5 (2.3)", "87.9 (6.3)", "86.5 (3.0)", "", "")
    assert plan.paper == {"SqueezeNet, ImageNet, image folds": cells}
    assert not set(plan.paper) & set(plan.rows)
    _, plan = planned(monkeypatch, "ct_networks", "--data", "x", "--weights", "ImageNet=a.npz")
    assert set(plan.paper) == set(plan.rows) and len(plan.paper["ResNet18, ImageNet, image folds"])
    _, plan = planned(monkeypatch, "ct_networks", "--data", "x", "--dataset", "folder")
    assert plan.paper == {}


@pytest.mark.slow
def test_two_networks_in_folds_on_the_phantom(tmp_path):
    """A whole study as its user runs it, interrupted by nothing, with the least of everything."""
    less = ["training.epochs=1", "input.scale=0.2", "data.per_class=16", "training.batch=8"]
    program = [sys.executable, str(ROOT / "experiments" / "ct_networks.py"), "--out", str(tmp_path)]
    program += ["--networks", "squeezenet", "--weights", "random"]
    program += [word for setting in less for word in ("--set", setting)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=1200, check=False)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "table.md").read_text()
    assert "PHANTOM" in text and "| SqueezeNet, random, image folds | 5 " in text
    run = tmp_path / "squeezenet-random-image-folds" / "fold_0"
    for picture in ("figures/test_images.png", "figures/tsne.png", "gradcam/test.png"):
        assert (run / picture).exists()
