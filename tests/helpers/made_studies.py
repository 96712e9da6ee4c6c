"""A small study, its runs made without training, and the plans of the scripts in experiments/."""

import argparse
import dataclasses
import importlib
from concurrent.futures import Future
from contextlib import nullcontext
from pathlib import Path

from made_predictions import two_networks

from covid_keras import recipes
from covid_keras.cli import scripts as study_scripts
from covid_keras.metrics.scores import METRICS, OVERALL
from covid_keras.recipes import config
from covid_keras.recipes.published import Published
from covid_keras.recipes.settings import override
from covid_keras.runs.predictions_file import write_predictions
from covid_keras.runs.run import Run
from covid_keras.studies.execute import Execution
from covid_keras.studies.study import POSITIVE, Column, Source, Study, Trial
from covid_keras.utils.files import write_json, write_text

COLUMNS = (Column("accuracy", "accuracy"), Column("recall", "sensitivity", POSITIVE))
PHANTOM = Source()
SETTINGS = {"training.steps": "10"}
REAL = Source("covidx-ct-2a", Path("data"), settings=SETTINGS)


def small_study(**changes) -> Study:
    """Return a study of two rows with two seeds each."""
    trials = tuple(
        Trial(row, {"training.batch": 8}, weights, seed)
        for row, weights in (("Random", "random"), ("BiT-M", "bit-m"))
        for seed in (0, 1)
    )
    rows = {"BiT-M": {"accuracy": "99.2", "recall": "98.7"}, "A peer": {"accuracy": "94.5(0.5)"}}
    paper = Published("table 1 of A. Author", "covidx-ct-2a", ("accuracy", "recall"), rows)
    study = Study("s", "A study", "ct-bit", trials, COLUMNS, "median [min, max]", paper)
    return dataclasses.replace(study, **changes)


class FakeWorker:
    """Stands in for a worker process: writes the files of a run without training."""

    def __init__(self, out: Path, study: Study, failing: str = ""):
        self.out, self.trials, self.failing = out, study.trials, failing
        self.failing_verb = "train"
        self.calls: list[tuple[str, dict]] = []
        self.processes = 0

    def workers(self, label: str = ""):
        self.processes += 1
        return nullcontext(self.start)

    def start(self, verb: str, **given) -> Future:
        done = Future()
        done.set_result(self(verb, **given))
        return done

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
        for kind in ("seed", "fold"):
            if members := given.get(f"{kind}s"):
                for number in members:
                    if self.failing not in ("everywhere", f"{kind}_{number}"):
                        self._run(verb, given, Run(path / f"{kind}_{number}"))
                return self.failing
        return self._run(verb, given, Run(path))

    def _run(self, verb: str, given: dict, run: Run) -> str:
        if self.failing and self.failing in str(run.path) and verb == self.failing_verb:
            return "no such weights"
        if verb == "train":
            trial = next(t for t in self.trials if self.out / t.folder == run.path)
            recipe = override(recipes.get("ct-bit"), trial.settings)
            recipe = override(recipe, {"model.weights": trial.weights})
            recipe = dataclasses.replace(recipe, seed=trial.seed)
            write_json(run.recipe_file, config.to_json(recipe))
            log = "step,val_accuracy,seconds\n1,,1\n2,0.5,3600\n4,0.75,7200\n"
            write_text(run.log_file, log)
            write_json(run.fingerprint_file, {"images": {"train": {}, "val": {}, "test": {}}})
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
            strength = 2.0 if run.recipe().model.weights == "bit-m" else 1.0
            made = two_networks(strength - 1, run.recipe().seed)[1]
            write_predictions(
                run.predictions_file("test"), made.table, made.probabilities, made.classes
            )
            accuracy = 0.9 + 0.02 * run.recipe().seed
            write_json(run.metrics_file, metrics(accuracy))
        return ""


def run_fake(worker: FakeWorker, study: Study, source: Source = PHANTOM, **options):
    """Run the study by the fake worker; return the failures."""
    execution = Execution(study, worker.out, source, worker.workers, **options)
    execution.run()
    return execution.failed


def metrics(accuracy: float, recall: float | None = 0.5) -> dict:
    """Return a metrics.json of two classes."""
    ours, theirs = ({"value": each, "low": None, "high": None} for each in (accuracy, recall))
    test = {
        "images": 20,
        "patients": None,
        "classes": ["a", "b"],
        "images_per_class": {"a": 10, "b": 10},
        "confusion_matrix": [[8, 2], [1, 9]],
        "metrics": dict.fromkeys(OVERALL, ours),
        "per_class": {name: dict.fromkeys(METRICS, theirs) for name in ("a", "b")},
        "intervals": "none",
        "notes": [],
    }
    return {"stamps": ["IMAGE-LEVEL SPLIT", "NOT A MEDICAL DEVICE"], "splits": {"test": test}}


def planned(name: str, *arguments: str) -> tuple[argparse.Namespace, Source, Study]:
    """Return the options, source and study that a script makes of its arguments."""
    script = importlib.import_module(name)
    options = script.PARSER.parse_args(arguments)
    source = study_scripts.source(options)
    return options, source, script.plan(options, source)
