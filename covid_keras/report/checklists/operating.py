"""Answers about how the trained network is used: its output, thresholds, and what val decided."""

from covid_keras.metrics.text import overall
from covid_keras.report.checklists.facts import classes
from covid_keras.report.checklists.scores import judged
from covid_keras.report.summary import RunSummary


def output(run: RunSummary) -> str:
    """What the network says of an image, and where its classes begin."""
    names = classes(run)
    if not names:
        return ""
    said = [f"a probability for each of {names}; the class is the most probable"]
    point = run.metrics.get("operating_point") or {}
    if point.get("threshold") is not None:
        said.append(
            f"beside it val's threshold {point['threshold']:.2f} for the last class, with the"
            " highest sensitivity + specificity"
        )
    return "; ".join(said)


def calculated(run: RunSummary) -> str:
    """What made the predictions."""
    command = run.metrics.get("command", "")
    return command and f"a row an image in predictions_*.csv; command: {command}"


def updating(run: RunSummary) -> str:
    """What was refitted after looking at results."""
    if not run.splits:
        return ""
    point = run.metrics.get("operating_point") or {}
    beside = "; ".join(
        f"{name} {point[name]:.2f}"
        for name in ("temperature", "threshold")
        if point.get(name) is not None
    )
    return "none by test" + (f"; fitted on val and held: {beside}" if beside else "")


def updated(run: RunSummary) -> str:
    """Scores at what val decided."""
    said = [
        f"{name} at val's threshold: {overall(result['at_threshold'])}"
        for name, result in judged(run).items()
        if "at_threshold" in result
    ]
    return "; ".join(said) or updating(run)
