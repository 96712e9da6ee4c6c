"""A plan: frozen before test is measured; PASS, FAIL and each way of TAMPERED."""

import made_runs
import numpy as np
import pytest
from made_predictions import two_networks
from made_records import made_records

from covid_keras.evaluation.plan import judge_plan, write_plan
from covid_keras.metrics.scores import score
from covid_keras.metrics.sentences import plan_lines
from covid_keras.recipes import get
from covid_keras.runs import run as run_folder
from covid_keras.runs.kept import Kept
from covid_keras.runs.predictions_file import read_predictions, write_predictions
from covid_keras.runs.run import Run
from covid_keras.utils.errors import InputError

TRUE, FALSE = "auc.low > 0.6", "test.accuracy.low > 0.99"


@pytest.fixture
def run(tmp_path) -> Run:
    """A trained run with predictions of val and test, and a file in the place of a network."""
    predictions, _ = two_networks(better=1.5)
    table = predictions.table
    records = made_records(table["image"], table["label"], patient=predictions.patients)
    records = records.assign(split=np.where(np.arange(240) < 120, "val", "test"))
    run = run_folder.create(tmp_path / "run", get("ct-bit"), records, predictions.classes, tmp_path)
    for split in ("val", "test"):
        rows = (records["split"] == split).to_numpy()
        part = predictions.take(rows)
        write_predictions(run.predictions_file(split), part.table, part.probabilities, part.classes)
    run.model_file.write_bytes(b"weights")
    run.tie_model(run.model_file, Kept(4, 4, "", None))
    return run


def content(run: Run) -> dict:
    """What metrics.json would hold after a first look at test."""
    run.log_look("test", 120)
    test = read_predictions(run.predictions_file("test"))
    return {"stamps": [], "splits": {"test": score(test)}}


@pytest.mark.parametrize(("claims", "verdict"), [([TRUE], "PASS"), ([TRUE, FALSE], "FAIL")])
def test_the_first_look_judges_the_plan(run, claims, verdict):
    frozen = write_plan(run, claims)
    assert frozen["hashes"].keys() == {"recipe", "classes", "split", "network", "predictions_val"}
    assert 0 < frozen["operating_point"]["threshold"] < 1
    found = judge_plan(run, content(run))
    assert found["verdict"] == verdict and found["reasons"] == [] and found["look"] == 1
    assert [claim["holds"] for claim in found["claims"]] == [True, False][: len(claims)]
    assert plan_lines(found)[0].endswith(f": {verdict}")
    again = judge_plan(run, content(run))
    assert "measurement 2 of test" in plan_lines(again)[-1]


def edit_claims(run):
    made_runs.change(run.path, "plan.json", claims=["auc.low > 0.1"])


def new_split(run):
    text = run.split_file.read_text().splitlines()
    run.split_file.write_text("\n".join(text[:-1]) + "\n")
    made_runs.tie(run.path)


def new_network(run):
    run.model_file.write_bytes(b"other weights")
    run.tie_model(run.model_file, Kept(4, 4, "", None))


def new_seed(run):
    made_runs.change(run.path, "recipe.json", seed=1)
    made_runs.tie(run.path)


def new_val(run):
    file = run.predictions_file("val")
    file.write_text("\n".join(file.read_text().splitlines()[:-8]) + "\n")


def early_look(run):
    run.test_log.write_text("date,set,images,commit,command\n2020-01-01T00:00:00+00:00,test,9,,\n")


@pytest.mark.parametrize(
    ("tamper", "reason"),
    [
        (edit_claims, "plan.json was edited"),
        (new_split, "hashes: another split than planned"),
        (new_network, "hashes: another network than planned"),
        (new_seed, "hashes: another recipe than planned"),
        (new_val, "hashes: another predictions_val than planned"),
        (early_look, "test was measured before the plan, on 2020-01-01"),
    ],
)
def test_what_changes_after_the_plan_is_tampered(run, tamper, reason):
    write_plan(run, [TRUE])
    tamper(run)
    found = judge_plan(run, content(run))
    assert found["verdict"] == "TAMPERED" and reason in "; ".join(found["reasons"])


def test_a_plan_comes_before_the_look_once(run):
    with pytest.raises(InputError, match="expected at least one claim"):
        write_plan(run, [])
    with pytest.raises(InputError, match=r"expected claims about test. Received: 'val.auc > 0.5'"):
        write_plan(run, ["val.auc > 0.5"])
    with pytest.raises(InputError, match="unknown metric"):
        write_plan(run, ["acc > 0.5"])
    write_plan(run, [TRUE])
    with pytest.raises(InputError, match="a plan exists"):
        write_plan(run, [TRUE])
    run.plan_file.unlink()
    run.log_look("test", 9)
    with pytest.raises(InputError, match=r"never measured. Received: 1 measurement, by test_log"):
        write_plan(run, [TRUE])
    run.test_log.unlink()
    run.model_file.unlink()
    with pytest.raises(InputError, match="expected a run that has ended"):
        write_plan(run, [TRUE])
