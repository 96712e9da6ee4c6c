"""What a verdict says of several folds or seeds beside what it says of one run."""

from collections.abc import Iterator, Mapping

from covid_keras.metrics.verdict_words import GOOD, OPEN, UNKNOWN, Sentence, listed
from covid_keras.utils.text import count


def as_one(metrics: Mapping, name: str) -> Mapping:
    """Return metrics.json with the answers of all folds in the place of their mean, where there
    are folds; the mean is then `over_runs`."""
    result = metrics["splits"][name]
    if "pooled" not in result:
        return metrics
    pooled = result["pooled"] | {"runs": result["runs"], "over_runs": result["metrics"]}
    return {**metrics, "splits": metrics["splits"] | {name: pooled}}


def over_runs(metrics: Mapping, name: str) -> Iterator[Sentence]:
    """Give the mean and the spread of several folds or seeds."""
    result = metrics["splits"][name]
    if len(result.get("runs", ())) < 2:
        return
    unit = count(len(result["runs"]), "fold" if "folds" in result else "run")
    entries = result.get("over_runs", result["metrics"])
    accuracy, area = (_spread(entries[key]) for key in ("accuracy", "macro_auc"))
    yield Sentence(GOOD, f"Mean over {unit}, by image: accuracy {accuracy}; macro AUC {area}.")


def not_compared(metrics: Mapping, name: str) -> Iterator[Sentence]:
    """Say where runs are compared with their baselines, which have no mean."""
    text = "The metadata baseline and where it looks: on the page of each run."
    yield Sentence(UNKNOWN, text, OPEN)


def unfinished(metrics: Mapping, name: str) -> Iterator[Sentence]:
    """Name the folds or seeds without a score."""
    if missing := metrics.get("unfinished"):
        yield Sentence(UNKNOWN, f"Not evaluated: {listed(missing)}.", OPEN)


def is_mean(result: Mapping) -> bool:
    """Return whether a result is the mean of runs that answered the same images."""
    return "runs" in result and "folds" not in result


def _spread(entry: Mapping) -> str:
    """Return a mean over runs as "70.4 % (lowest 59.5, highest 84.9, standard deviation 9.2)"."""
    if entry["value"] is None:
        return "undefined"
    number, *ends = (f"{100 * entry[key]:.1f}" for key in ("value", "low", "high"))
    std = f", standard deviation {100 * entry['std']:.1f}" if "std" in entry else ""
    return f"{number} % (lowest {ends[0]}, highest {ends[1]}{std})"
