"""A plan: what is claimed of the test split, frozen before it is looked at; and the verdict."""

import hashlib
import json
from collections.abc import Mapping, Sequence

from covid_keras.metrics import operating_point
from covid_keras.metrics.claims import judge, parse
from covid_keras.runs.environment import commit, date
from covid_keras.runs.predictions_file import read_predictions
from covid_keras.runs.run import Run
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import read_json, read_json_value, sha256, write_json

PASS, FAIL, TAMPERED = "PASS", "FAIL", "TAMPERED"
SET = "test"
ANALYSIS = (
    "Each claim is judged once, by the first evaluation of the test split after this plan. 95 %"
    " intervals by patient as in docs/explanation/intervals.md; temperature, threshold and patient"
    " rule fitted on val alone."
)


def write_plan(run: Run, claims: Sequence[str]) -> dict:
    """Write plan.json: the claims, and what must not change until they are judged.

    Raises:
        InputError: no claim, one that is not about test, a run that has not ended, a test split
            that was measured before, or a plan that exists.
    """
    if run.members:
        raise InputError(f"{run.path}: expected one run. Received: a folder of folds or seeds")
    if not claims:
        raise InputError("plan: expected at least one claim (--claim). Received: none")
    for text in claims:
        if (named := parse(text).set) not in ("", SET):
            raise InputError(f"plan: expected claims about {SET}. Received: {text!r}, of {named}")
    run.check()
    if not run.model_file.exists() or not run.predictions_file("val").exists():
        raise InputError(f"{run.path}: expected a run that has ended. Received: no model or val")
    if looks := run.looks().get(SET, 0):
        raise InputError(
            f"{run.path}: expected a run whose test split was never measured. Received: {looks}"
            f" measurement{'s' * (looks > 1)}, by test_log.csv; plan before evaluate"
        )
    if run.plan_file.exists():
        raise InputError(f"{run.plan_file}: a plan exists, and cannot be replaced")
    plan = {"claims": list(claims), "set": SET, "analysis": ANALYSIS, "date": date()}
    plan |= {"commit": commit(), "seed": run.recipe().seed} | _state(run)
    plan["digest"] = _digest(plan)
    write_json(run.plan_file, plan)
    return plan


def judge_plan(run: Run, metrics: Mapping) -> dict:
    """Return the verdict on a run's plan, ready for metrics.json.

    Args:
        metrics: the content of metrics.json, with the test split.

    Returns:
        {verdict: `PASS`, `FAIL` or `TAMPERED`, reasons, claims, date, digest, look}; the reasons
        say what was tampered with, and `look` is the number of this measurement of test.

    Raises:
        InputError: plan.json is no JSON object, or lacks its parts.
    """
    plan = read_json(run.plan_file)
    claims = read_json_value(run.plan_file, "claims", list)
    reasons = [_changed(name, plan, now) for name, now in _state(run).items()]
    reasons = [reason for reason in reasons if reason]
    if plan.get("digest") != _digest(plan):
        reasons.insert(0, "plan.json was edited: its digest is another")
    if early := [when for when in run.look_dates(SET) if when < str(plan.get("date"))]:
        reasons.append(f"test was measured before the plan, on {early[0]}")
    found = judge([parse(text) for text in claims], metrics, SET)
    verdict = PASS if all(claim["holds"] for claim in found) else FAIL
    return {
        "verdict": TAMPERED if reasons else verdict,
        "reasons": reasons,
        "claims": found,
        "date": plan.get("date"),
        "digest": plan.get("digest"),
        "look": run.looks().get(SET, 0),
    }


def _state(run: Run) -> dict:
    """Return what a plan freezes: the hashes of recipe, classes, split, network and predictions of
    val, and the operating point that these give."""
    hashes = read_json_value(run.fingerprint_file, "hashes", dict)
    val = run.predictions_file("val")
    point = operating_point.fit(read_predictions(val)).to_json()
    return {"hashes": hashes | {"predictions_val": sha256(val)}, "operating_point": point}


def _changed(name: str, plan: Mapping, now: object) -> str:
    """Return what differs from the plan, "" if nothing does."""
    planned = plan.get(name)
    if planned == now:
        return ""
    if not isinstance(planned, dict) or not isinstance(now, dict):
        return f"{name}: missing in the plan"
    parts = [key for key in {**planned, **now} if planned.get(key) != now.get(key)]
    return f"{name.replace('_', ' ')}: another {', '.join(parts)} than planned"


def _digest(plan: Mapping) -> str:
    """Return the SHA-256 of a plan without its digest."""
    content = {key: value for key, value in plan.items() if key != "digest"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
