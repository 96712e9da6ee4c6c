"""The score cards on top of a run's page: by patient first, each with what it is compared with."""

from collections.abc import Iterator, Mapping

from covid_keras.datasets.label_files import SPLITS
from covid_keras.metrics.member_sentences import as_one
from covid_keras.metrics.scores import OVERALL
from covid_keras.metrics.sentences import CHANCE_AUC, fitted, sizes
from covid_keras.report.page import Bar, Card, metric_bar
from covid_keras.utils.text import count


def cards(metrics: Mapping, name: str) -> list[Card]:
    """Return the cards of the set `name` of a metrics.json, and one for each external set.

    Of folds they are of the answers of all of them.
    """
    metrics = as_one(metrics, name)
    result = metrics["splits"][name]
    marks = _marks(metrics, name)
    others = (other for other in metrics["splits"] if other not in (*SPLITS, name))
    found = [*_by_patient(result, marks), *_by_image(result, marks), *_decided(result)]
    return [*found, *(_external(other, metrics["splits"][other]) for other in others)]


def _one_image_each(result: Mapping) -> bool:
    """Return whether a score by patient is that by image."""
    level = result.get("patient_level")
    return bool(level) and level["patients"] == result["images"]


def _by_patient(result: Mapping, marks: Mapping[str, Mapping[str, float]]) -> Iterator[Card]:
    """Yield accuracy and AUC by patient; a card that says so where they are unknown."""
    level = result.get("patient_level")
    if not level:
        if "runs" not in result or "folds" in result:
            unknown = Bar("", "unknown", None, None, None)
            yield Card("By patient", "no score by patient", unknown, {})
        return
    note = count(level["patients"], "patient")
    compared = {"accuracy": {}, "macro_auc": {"chance": CHANCE_AUC}}
    if _one_image_each(result):
        note, compared = f"{note}, one image each", marks
    for metric in ("accuracy", "macro_auc"):
        bar = metric_bar("", level["metrics"][metric])
        yield Card(f"By patient: {OVERALL[metric]}", note, bar, compared[metric])


def _by_image(result: Mapping, marks: Mapping[str, Mapping[str, float]]) -> Iterator[Card]:
    told = ("accuracy", "macro_auc") if _one_image_each(result) else ()
    for metric, title in OVERALL.items():
        if metric in told:
            continue
        bar = metric_bar("", result["metrics"][metric])
        note = count(result["images"], "image")
        yield Card(f"By image: {title}", note, bar, marks.get(metric, {}))


def _decided(result: Mapping) -> Iterator[Card]:
    """Yield sensitivity and specificity of the second of two classes at the operating point."""
    if not (moved := result.get("at_threshold")):
        return
    label = result["classes"][1]
    note = f"{label} above {moved['threshold']:.2f}, {fitted(result)}"
    for metric in ("sensitivity", "specificity"):
        bar = metric_bar("", moved["per_class"][label][metric], 1)
        yield Card(f"By image: {metric} of {label}", note, bar, {})


def _external(name: str, result: Mapping) -> Card:
    bar, note = metric_bar("", result["metrics"]["macro_auc"]), sizes(result)
    return Card(f"On {name}: macro AUC", note, bar, {"chance": CHANCE_AUC})


def _marks(metrics: Mapping, name: str) -> dict[str, dict[str, float]]:
    """Return {metric by image: {what it is compared with: its value}}."""
    images = metrics["splits"][name]["images_per_class"].values()
    marks = {
        "accuracy": {"one class for all": max(images) / sum(images)},
        "macro_auc": {"chance": CHANCE_AUC},
    }
    baseline = metrics.get("metadata_baseline") if name == "test" else None
    for metric in marks if baseline else ():
        if (value := baseline[metric]["value"]) is not None:
            marks[metric]["metadata baseline"] = value
    return marks
