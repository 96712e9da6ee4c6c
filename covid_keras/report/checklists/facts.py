"""What several answers are made from."""

from covid_keras.report.summary import OWN_SPLITS, RunSummary, flatten


def setting(run: RunSummary, key: str) -> str:
    """A setting of recipe.json as text, "" where it is not there."""
    return flatten(run.recipe).get(key, "")


def stamped(run: RunSummary, start: str) -> str:
    """The stamp that begins so, "" where the run has none."""
    return next((stamp for stamp in run.stamps if stamp.upper().startswith(start)), "")


def measured(run: RunSummary) -> dict[str, dict]:
    """{set: its results}, the run's own splits first."""
    return {name: run.splits[name] for name in (*OWN_SPLITS, *run.external) if name in run.splits}


def classes(run: RunSummary) -> str:
    """The names of the classes, in the order of the model's outputs."""
    known = run.fingerprint.get("classes") or next(
        (result["classes"] for result in run.splits.values()), ()
    )
    return ", ".join(known)
