"""Answers about the results: what was measured, how sure it is, and where it fails."""

from collections.abc import Callable

from covid_keras.metrics import groups as by_group
from covid_keras.metrics.text import METRICS, OVERALL, beside, beside_lines, overall, percent
from covid_keras.report.checklists.data import notes, phantom
from covid_keras.report.checklists.facts import measured, setting
from covid_keras.report.summary import RunSummary

CLUSTERS = ("source", "country")


def judged(run: RunSummary) -> dict[str, dict]:
    """Results of test and of other data sets: nothing was chosen by them."""
    return {name: r for name, r in measured(run).items() if name not in ("train", "val")}


def measures(run: RunSummary) -> str:
    """Which scores are given."""
    if not run.splits:
        return ""
    calibrated = any("calibration" in result for result in run.splits.values())
    beyond = ["calibration error, Brier score"] if calibrated else []
    each = f"for each class against the rest {', '.join(METRICS.values())}"
    return "; ".join([", ".join(OVERALL.values()), each, *beyond])


def intervals(run: RunSummary) -> str:
    """How the intervals were made, and that there is one seed."""
    said = "; ".join(f"{name}: {result['intervals']}" for name, result in judged(run).items())
    return said and f"{said}. {run.seeds}"


def robustness(run: RunSummary) -> str:
    """Scores beside those of a rule without pixels, of views, of parts, and within groups."""
    if not run.splits:
        return ""
    found = [*beside_lines(beside(run.metrics, "test")), *_group_lines(run)]
    return "; ".join(found) or "not done: neither ablations nor scores by group"


def explained(run: RunSummary) -> str:
    """Maps of what the network looks at."""
    number = len(run.gradcam)
    return f"Grad-CAM, {number} panels; no proof of looking at disease" if number else ""


def internal(run: RunSummary) -> str:
    """The test on a part of the same data set, and how often it was looked at."""
    if "test" not in run.splits:
        return ""
    looks = run.metrics.get("looks", {}).get("test")
    often = f"looks at test so far: {looks or 'not known'}"
    return f"test: {run.splits['test']['images']:,} images of the same data set, {often}"


def external(run: RunSummary) -> str:
    """The tests on other data sets."""
    if not run.splits:
        return ""
    said = [f"{name}: {run.splits[name]['images']:,} images" for name in run.external]
    return "; ".join(said) or "not done: a person has to justify that"


def sizes(run: RunSummary) -> str:
    """How large the sets are that scores are given of; nothing was calculated beforehand."""
    said = []
    for name, result in judged(run).items():
        patients = "not known" if result["patients"] is None else f"{result['patients']:,}"
        said.append(f"{name}: {result['images']:,} images, patients: {patients}")
    return "; ".join(said)


def performance(run: RunSummary) -> str:
    """Scores over all classes, of every set."""
    return _of_each(measured(run), overall)


def diagnostic(run: RunSummary) -> str:
    """Scores of each class, of test and other data sets."""
    return _of_each(judged(run), _per_class)


def with_groups(run: RunSummary) -> str:
    """Scores over all classes, of every set, and within groups of test."""
    said = performance(run)
    return said and "; ".join([said, "by class: under Scores", *_group_lines(run)])


def failures(run: RunSummary) -> str:
    """Which class was taken for which, and how often."""
    said = []
    for name, result in judged(run).items():
        taken = [
            f"{row[k]:,} of {sum(row):,} {true} taken for {called}"
            for true, row in zip(result["classes"], result["confusion_matrix"], strict=True)
            for k, called in enumerate(result["classes"])
            if called != true and row[k]
        ]
        said.append(f"{name}: {', '.join(taken) or 'no image was taken for another class'}")
    return "; ".join(said)


def characteristics(run: RunSummary) -> str:
    """Sizes of the groups of test that are known."""
    if found := phantom(run):
        return found
    said = [
        f"{column}: " + ", ".join(f"{name} {part['images']:,}" for name, part in parts.items())
        for column, parts in _groups(run).items()
    ]
    return f"images of test by {'; '.join(said)}" if said else ""


def cluster_method(run: RunSummary) -> str:
    """By which clusters scores are given."""
    if not run.splits:
        return ""
    known = [column for column in CLUSTERS if column in _groups(run)]
    return f"scores within each {' and '.join(known)}" if known else "not done"


def clusters(run: RunSummary) -> str:
    """Scores within each source and country."""
    if not run.splits:
        return ""
    found = {column: parts for column, parts in _groups(run).items() if column in CLUSTERS}
    return "; ".join(by_group.lines(found, percent)) or "not done"


def limitations(run: RunSummary) -> str:
    """What the stamps and the data set's card warn of."""
    if not setting(run, "data.dataset"):
        return ""
    return "; ".join(filter(None, [*run.stamps, run.seeds, notes(run)]))


def _groups(run: RunSummary) -> dict:
    return run.splits.get("test", {}).get("groups", {})


def _group_lines(run: RunSummary) -> list[str]:
    return by_group.lines(_groups(run), percent)


def _of_each(results: dict[str, dict], write: Callable[[dict], str]) -> str:
    said = "; ".join(f"{name}: {write(result)}" for name, result in results.items())
    return said and f"{said} (percent [95 % interval])"


def _per_class(result: dict) -> str:
    return ", ".join(
        f"{label}: "
        + ", ".join(f"{title} {percent(entries[key])}" for key, title in METRICS.items())
        for label, entries in result["per_class"].items()
    )
