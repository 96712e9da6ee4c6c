"""What a verdict says of several folds or seeds beside what it says of one run."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import mean, stdev

from covid_keras.metrics.verdict_words import (
    AGAINST,
    COMPARED,
    FOR,
    GOOD,
    LOOKS,
    OPEN,
    UNKNOWN,
    Sentence,
    listed,
)
from covid_keras.utils.text import count

MEANS = ("accuracy", "macro_auc")
"""The metrics whose mean over runs is told."""


def as_one(metrics: Mapping, name: str) -> Mapping:
    """Return metrics.json with the answers of all folds in the place of their mean, where there
    are folds; the mean is then `over_runs`."""
    result = metrics["splits"][name]
    if "pooled" not in result:
        return metrics
    pooled = result["pooled"] | {"runs": result["runs"], "over_runs": result["metrics"]}
    return {**metrics, "splits": metrics["splits"] | {name: pooled}}


def over_runs(metrics: Mapping, name: str) -> Iterator[Sentence]:
    """Give the mean and the spread of several folds or seeds, by patient where it is known."""
    result = metrics["splits"][name]
    if len(runs := result.get("runs", {})) < 2:
        return
    of = f"Mean over {count(len(runs), 'fold' if 'folds' in result else 'run')}, by"
    by_patient = [spread([run.get(f"patient_{key}") for run in runs.values()]) for key in MEANS]
    if None not in by_patient:
        yield Sentence(GOOD, f"{of} patient: {_scores(by_patient)}.")
    if None in by_patient or "folds" not in result:
        entries = result.get("over_runs", result["metrics"])
        yield Sentence(GOOD, f"{of} image: {_scores([entries[key] for key in MEANS])}.")


def spread(values: Sequence[float | None]) -> dict[str, float] | None:
    """Return mean, lowest and highest value and standard deviation; None if a value is unknown."""
    if not values or None in values:
        return None
    found = {"value": mean(values), "low": min(values), "high": max(values)}
    return found | ({"std": stdev(values)} if len(values) > 1 else {})


def against_baselines(metrics: Mapping, name: str) -> Iterator[Sentence]:
    """Say in how many runs the network is better than the metadata baseline."""
    runs = metrics["splits"][name]["runs"].values()
    leads = [run.get("lead_low") for run in runs]
    if None in leads:
        text = "Not compared with a metadata baseline in every run."
        yield Sentence(COMPARED, text, OPEN)
        return
    better = sum(lead > 0 for lead in leads)
    text = f"Better than the metadata baseline, by AUC, in {better} of {count(len(leads), 'run')}."
    yield Sentence(COMPARED, text, FOR if better == len(leads) else AGAINST)


def looks_of_each(metrics: Mapping, name: str) -> Iterator[Sentence]:
    """Say where the looks of each run are told."""
    yield Sentence(LOOKS, "On the page of each run.", OPEN)


def unfinished(metrics: Mapping, name: str) -> Iterator[Sentence]:
    """Name the folds or seeds without a score."""
    if missing := metrics.get("unfinished"):
        yield Sentence(UNKNOWN, f"Not evaluated: {listed(missing)}.", OPEN)


def is_mean(result: Mapping) -> bool:
    """Return whether a result is the mean of runs that answered the same images."""
    return "runs" in result and "folds" not in result


def _scores(entries: Sequence[Mapping]) -> str:
    accuracy, area = map(_spread, entries)
    return f"accuracy {accuracy}; macro AUC {area}"


def _spread(entry: Mapping) -> str:
    """Return a mean over runs as "70.4 % (lowest 59.5, highest 84.9, standard deviation 9.2)"."""
    if entry["value"] is None:
        return "undefined"
    number, *ends = (f"{100 * entry[key]:.1f}" for key in ("value", "low", "high"))
    std = f", standard deviation {100 * entry['std']:.1f}" if "std" in entry else ""
    return f"{number} % (lowest {ends[0]}, highest {ends[1]}{std})"
