"""Facts about the results of a run: what was measured, how certain it is, and where it fails."""

from collections.abc import Callable

from covid_keras.metrics.text import METRICS, OVERALL, group_lines, overall, percent
from covid_keras.report.summary import RunSummary, joined, named, number
from covid_keras.utils.text import count

CLUSTERS = ("source", "country")


def facts(run: RunSummary) -> dict[str, str]:
    """Return {name of a fact: what the run folder says, "" if it is not known}."""
    groups = run.results.get("test", {}).get("groups", {})
    clusters = {column: parts for column, parts in groups.items() if column in CLUSTERS}
    in_groups = group_lines(groups)
    scores = _each(run.results, overall)
    intervals = _each(run.held_out, lambda result: result["intervals"])
    panels, command = len(run.gradcam), run.metrics.get("command", "")
    not_done = "not done" if run.results else ""
    updates = joined("none based on test", _fitted_on_val(run)) if run.results else ""
    return {
        "measures": _measures(run) if run.results else "",
        "intervals": intervals and f"{intervals}. {run.seeds}",
        "robustness": joined(*run.comparisons("test"), *in_groups)
        or (not_done and f"{not_done}: no ablations, no scores by group"),
        "explained": f"Grad-CAM, {count(panels, 'panel')}; no proof of looking at disease"
        if panels
        else "",
        "internal": _internal(run) if "test" in run.results else "",
        "external": _each({name: run.results[name] for name in run.external}, _images)
        or (not_done and f"{not_done}: a person has to justify this"),
        "sizes": _each(run.held_out, lambda r: f"{_images(r)}, patients: {number(r['patients'])}"),
        "performance": _in_percent(scores),
        "diagnostic": _in_percent(_each(run.held_out, _per_class)),
        "subgroups": scores and joined("per class: see Scores", *in_groups),
        "failures": _each(run.held_out, _misclassified),
        "characteristics": run.stamp("PHANTOM") or _group_sizes(groups),
        "cluster_method": f"scores within each {' and '.join(clusters)}" if clusters else not_done,
        "clusters": joined(*group_lines(clusters)) or not_done,
        "limitations": joined(*run.stamps, run.seeds) if run.setting("data.dataset") else "",
        "output": run.classes and _output(run),
        "calculated": command and f"one row per image in predictions_*.csv; command: {command}",
        "updating": updates,
        "updated": _at_operating_point(run) or updates,
    }


def _each(results: dict[str, dict], write: Callable[[dict], str]) -> str:
    return named({name: write(result) for name, result in results.items()})


def _in_percent(scores: str) -> str:
    return scores and f"{scores} (percent [95 % interval])"


def _images(result: dict) -> str:
    return count(result["images"], "image")


def _measures(run: RunSummary) -> str:
    calibrated = any("calibration" in result for result in run.results.values())
    one_vs_rest = f"one-vs-rest per class: {', '.join(METRICS.values())}"
    calibration = calibrated and "calibration error (ECE), Brier score"
    return joined(", ".join(OVERALL.values()), one_vs_rest, calibration)


def _internal(run: RunSummary) -> str:
    looks = run.metrics.get("looks", {}).get("test") or "not known"
    return f"test: {_images(run.results['test'])} of the same dataset; evaluations so far: {looks}"


def _per_class(result: dict) -> str:
    classes = []
    for label, entries in result["per_class"].items():
        metrics = ", ".join(f"{title} {percent(entries[key])}" for key, title in METRICS.items())
        classes.append(f"{label}: {metrics}")
    return ", ".join(classes)


def _misclassified(result: dict) -> str:
    errors = [
        f"{row[k]:,} of {sum(row):,} {true} predicted as {predicted}"
        for true, row in zip(result["classes"], result["confusion_matrix"], strict=True)
        for k, predicted in enumerate(result["classes"])
        if predicted != true and row[k]
    ]
    return ", ".join(errors) or "no misclassified image"


def _group_sizes(groups: dict[str, dict[str, dict]]) -> str:
    sizes = {
        column: ", ".join(f"{name} {part['images']:,}" for name, part in parts.items())
        for column, parts in groups.items()
    }
    return named(sizes) and f"test images by {named(sizes)}"


def _output(run: RunSummary) -> str:
    threshold = _point(run).get("threshold")
    operating_point = threshold is not None and (
        f"operating point from val: threshold {threshold:.2f} on the last class, where"
        " sensitivity + specificity is highest"
    )
    probable = f"a probability for each of {run.classes}; the most probable class is predicted"
    return joined(probable, operating_point)


def _fitted_on_val(run: RunSummary) -> str:
    point = _point(run)
    names = [name for name in ("temperature", "threshold") if point.get(name) is not None]
    return named({"fitted on val": ", ".join(f"{name} {point[name]:.2f}" for name in names)})


def _at_operating_point(run: RunSummary) -> str:
    moved = {name: result for name, result in run.held_out.items() if "at_threshold" in result}
    scores = _each(moved, lambda result: overall(result["at_threshold"]))
    return scores and f"at the operating point from val: {scores}"


def _point(run: RunSummary) -> dict:
    return run.metrics.get("operating_point") or {}
