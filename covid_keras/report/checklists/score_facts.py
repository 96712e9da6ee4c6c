"""Facts about the results of a run: what was measured, how certain it is, and where it fails."""

from collections.abc import Callable

from covid_keras.metrics import groups as by_group
from covid_keras.metrics.text import METRICS, OVERALL, overall, percent
from covid_keras.report.checklists.data_facts import notes, phantom
from covid_keras.report.summary import NOT_KNOWN, RunSummary, joined

CLUSTERS = ("source", "country")


def measures(run: RunSummary) -> str:
    """Return which scores are given."""
    calibrated = any("calibration" in result for result in run.splits.values())
    each = f"for each class against the rest {', '.join(METRICS.values())}"
    beyond = calibrated and "calibration error, Brier score"
    return joined(", ".join(OVERALL.values()), each, beyond) if run.splits else ""


def intervals(run: RunSummary) -> str:
    """Return how the intervals were made, and how many seeds there are."""
    methods = _each(run.tests, lambda result: result["intervals"])
    return methods and f"{methods}. {run.seeds}"


def robustness(run: RunSummary) -> str:
    """Return baselines, test-time augmentation, ablations and scores within groups."""
    lines = joined(*run.comparisons("test"), *_group_lines(run))
    return (lines or "not done: neither ablations nor scores by group") if run.splits else ""


def explained(run: RunSummary) -> str:
    """Return the maps of what the network looks at."""
    panels = len(run.gradcam)
    return f"Grad-CAM, {panels} panels; no proof of looking at disease" if panels else ""


def internal(run: RunSummary) -> str:
    """Return the test on a part of the same data set, and how often it was measured."""
    if "test" not in run.splits:
        return ""
    looks = run.metrics.get("looks", {}).get("test") or NOT_KNOWN
    images = f"{run.splits['test']['images']:,} images of the same data set"
    return f"test: {images}, looks at test so far: {looks}"


def external(run: RunSummary) -> str:
    """Return the tests on other data sets."""
    sets = [f"{name}: {run.splits[name]['images']:,} images" for name in run.external]
    return (joined(*sets) or "not done: a person has to justify that") if run.splits else ""


def sizes(run: RunSummary) -> str:
    """Return the sizes of the test sets; nothing was calculated beforehand."""
    return _each(run.tests, _size)


def performance(run: RunSummary) -> str:
    """Return the scores over all classes, of every set."""
    return _in_percent(_each(run.splits, overall))


def diagnostic(run: RunSummary) -> str:
    """Return the scores of each class, of test and other data sets."""
    return _in_percent(_each(run.tests, _per_class))


def with_groups(run: RunSummary) -> str:
    """Return the scores over all classes, of every set, and within groups of test."""
    scores = performance(run)
    return scores and joined(scores, "by class: under Scores", *_group_lines(run))


def failures(run: RunSummary) -> str:
    """Return which class was taken for which, and how often."""
    return _each(run.tests, _confusions)


def characteristics(run: RunSummary) -> str:
    """Return the sizes of the groups of test that are known."""
    sizes = [
        f"{column}: " + ", ".join(f"{name} {part['images']:,}" for name, part in parts.items())
        for column, parts in _groups(run).items()
    ]
    return phantom(run) or (f"images of test by {'; '.join(sizes)}" if sizes else "")


def cluster_method(run: RunSummary) -> str:
    """Return by which clusters scores are given."""
    clusters = [column for column in CLUSTERS if column in _groups(run)]
    method = f"scores within each {' and '.join(clusters)}" if clusters else "not done"
    return method if run.splits else ""


def clusters(run: RunSummary) -> str:
    """Return the scores within each source and country."""
    scores = {column: parts for column, parts in _groups(run).items() if column in CLUSTERS}
    return (joined(*by_group.lines(scores, percent)) or "not done") if run.splits else ""


def limitations(run: RunSummary) -> str:
    """Return what the stamps and the data set's card warn of."""
    known = run.setting("data.dataset")
    return known and joined(*run.stamps, run.seeds, notes(run))


def output(run: RunSummary) -> str:
    """Return what the network says of an image, and where its classes begin."""
    threshold = _point(run).get("threshold")
    beside = threshold is not None and (
        f"beside it val's threshold {threshold:.2f} for the last class, with the highest"
        " sensitivity + specificity"
    )
    classes = run.classes
    likeliest = f"a probability for each of {classes}; the class is the most probable"
    return classes and joined(likeliest, beside)


def calculated(run: RunSummary) -> str:
    """Return what made the predictions."""
    command = run.metrics.get("command", "")
    return command and f"a row an image in predictions_*.csv; command: {command}"


def updating(run: RunSummary) -> str:
    """Return what was fitted after the training."""
    point = _point(run)
    names = [name for name in ("temperature", "threshold") if point.get(name) is not None]
    held = "; ".join(f"{name} {point[name]:.2f}" for name in names)
    return joined("none by test", held and f"fitted on val and held: {held}") if run.splits else ""


def updated(run: RunSummary) -> str:
    """Return the scores at what val decided."""
    moved = {f"{k} at val's threshold": r for k, r in run.tests.items() if "at_threshold" in r}
    return _each(moved, lambda result: overall(result["at_threshold"])) or updating(run)


def _each(results: dict[str, dict], write: Callable[[dict], str]) -> str:
    return "; ".join(f"{name}: {write(result)}" for name, result in results.items())


def _in_percent(scores: str) -> str:
    return scores and f"{scores} (percent [95 % interval])"


def _size(result: dict) -> str:
    patients = NOT_KNOWN if result["patients"] is None else f"{result['patients']:,}"
    return f"{result['images']:,} images, patients: {patients}"


def _confusions(result: dict) -> str:
    taken = [
        f"{row[k]:,} of {sum(row):,} {true} taken for {called}"
        for true, row in zip(result["classes"], result["confusion_matrix"], strict=True)
        for k, called in enumerate(result["classes"])
        if called != true and row[k]
    ]
    return ", ".join(taken) or "no image was taken for another class"


def _per_class(result: dict) -> str:
    return ", ".join(
        f"{label}: "
        + ", ".join(f"{title} {percent(entries[key])}" for key, title in METRICS.items())
        for label, entries in result["per_class"].items()
    )


def _point(run: RunSummary) -> dict:
    return run.metrics.get("operating_point") or {}


def _groups(run: RunSummary) -> dict:
    return run.splits.get("test", {}).get("groups", {})


def _group_lines(run: RunSummary) -> list[str]:
    return by_group.lines(_groups(run), percent)
