"""Facts about the results of a run: what was measured, how certain it is, and where it fails."""

from collections.abc import Callable

from covid_keras.metrics.text import METRICS, OVERALL, group_lines, overall, percent
from covid_keras.report.summary import RunSummary, joined, named, number
from covid_keras.utils.text import count


def facts(run: RunSummary) -> dict[str, str]:
    """Return {name of a fact: what the run folder says, "" if it is not known}."""
    results, held_out = run.results, run.held_out
    groups = results.get("test", {}).get("groups", {})
    clusters = {
        column: parts for column, parts in groups.items() if column in ("source", "country")
    }
    in_groups = group_lines(groups)
    sizes = named({c: _listed(p, lambda part: f"{part['images']:,}") for c, p in groups.items()})
    scores, scale = _each(results, overall), "(percent [95 % interval])"
    diagnostic = _each(held_out, lambda result: _listed(result["per_class"], _metrics, ": "))
    intervals = _each(held_out, lambda result: result["intervals"])
    moved = {name: result for name, result in held_out.items() if "at_threshold" in result}
    at_point = _each(moved, lambda result: overall(result["at_threshold"]))
    point = run.metrics.get("operating_point") or {}
    fitted = {k: v for k in ("temperature", "threshold") if (v := point.get(k)) is not None}
    on_val = named({"fitted on val": _listed(fitted, "{:.2f}".format)})
    updates = joined("none based on test", on_val) if results else ""
    panels, command = len(run.gradcam), run.metrics.get("command", "")
    looks = run.metrics.get("looks", {}).get("test") or "not known"
    not_done = "not done" if results else ""
    return {
        "measures": joined(
            ", ".join(OVERALL.values()),
            f"one-vs-rest per class: {', '.join(METRICS.values())}",
            any("calibration" in result for result in results.values())
            and "calibration error (ECE), Brier score",
        )
        if results
        else "",
        "intervals": intervals and f"{intervals}. {run.seeds}",
        "robustness": joined(*run.comparisons("test"), *in_groups)
        or (not_done and f"{not_done}: no ablations, no scores by group"),
        "explained": f"Grad-CAM, {count(panels, 'panel')}; no proof of looking at disease"
        if panels
        else "",
        "internal": f"test: {_images(results['test'])} of the same dataset; evaluations so far:"
        f" {looks}"
        if "test" in results
        else "",
        "external": _each({name: results[name] for name in run.external}, _images)
        or (not_done and f"{not_done}: a person has to justify this"),
        "sizes": _each(held_out, lambda r: f"{_images(r)}, patients: {number(r['patients'])}"),
        "performance": scores and f"{scores} {scale}",
        "diagnostic": diagnostic and f"{diagnostic} {scale}",
        "subgroups": scores and joined("per class: see Scores", *in_groups),
        "failures": _each(held_out, _misclassified),
        "characteristics": run.stamp("PHANTOM") or (sizes and f"test images by {sizes}"),
        "cluster_method": f"scores within each {' and '.join(clusters)}" if clusters else not_done,
        "clusters": joined(*group_lines(clusters)) or not_done,
        "limitations": joined(*run.stamps, run.seeds) if run.setting("data.dataset") else "",
        "output": run.classes
        and joined(
            f"a probability for each of {run.classes}; the most probable class is predicted",
            "threshold" in fitted
            and f"operating point from val: threshold {fitted['threshold']:.2f} on the last class,"
            " where sensitivity + specificity is highest",
        ),
        "calculated": command and f"one row per image in predictions_*.csv; command: {command}",
        "updating": updates,
        "updated": f"at the operating point from val: {at_point}" if at_point else updates,
    }


def _each(results: dict[str, dict], write: Callable[[dict], str]) -> str:
    """Return "set: text" of the evaluated sets, joined."""
    return named({name: write(result) for name, result in results.items()})


def _listed(values: dict, write: Callable[..., str], between: str = " ") -> str:
    """Return "name text" of the values, with commas."""
    return ", ".join(f"{name}{between}{write(value)}" for name, value in values.items())


def _images(result: dict) -> str:
    return count(result["images"], "image")


def _metrics(entries: dict) -> str:
    return ", ".join(f"{title} {percent(entries[key])}" for key, title in METRICS.items())


def _misclassified(result: dict) -> str:
    errors = [
        f"{row[k]:,} of {sum(row):,} {true} predicted as {predicted}"
        for true, row in zip(result["classes"], result["confusion_matrix"], strict=True)
        for k, predicted in enumerate(result["classes"])
        if predicted != true and row[k]
    ]
    return ", ".join(errors) or "no misclassified image"
