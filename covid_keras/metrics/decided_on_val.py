"""What is said of a split beyond each image's own class: calibration, threshold, patients."""

from covid_keras.metrics import patient_level
from covid_keras.metrics.calibration import calibration, scaled
from covid_keras.metrics.operating_point import OperatingPoint, at_threshold
from covid_keras.metrics.predictions import Predictions
from covid_keras.metrics.scores import evaluate

KEPT = ("patients", "confusion_matrix", "metrics", "per_class", "intervals", "notes")


def beyond(predictions: Predictions, point: OperatingPoint, seed: int = 0) -> dict:
    """Results at an operating point that val decided, ready for JSON.

    Returns:
        `calibration` {temperature, before, after}; with two classes `at_threshold` {threshold, and
        what `evaluate` says}; with patient ids `patient_level` {rule, left_out, and what
        `evaluate` says of patients}.
    """
    clusters, unit = predictions.clusters, predictions.unit
    each = {
        "before": predictions.probabilities,
        "after": scaled(predictions.probabilities, point.temperature),
    }
    found: dict[str, dict] = {
        "calibration": {"temperature": point.temperature}
        | {
            name: calibration(predictions.labels, values, clusters, unit, seed=seed)
            for name, values in each.items()
        }
    }
    if point.threshold is not None:
        moved = evaluate(at_threshold(predictions, point.threshold), seed)
        found["at_threshold"] = {"threshold": point.threshold} | {k: moved[k] for k in KEPT}
    if point.patient_rule is not None and patient_level.has_whole(predictions):
        whole, left_out = patient_level.by_patient(predictions, point.patient_rule)
        result = evaluate(whole, seed)
        found["patient_level"] = {"rule": point.patient_rule, "left_out": left_out} | {
            k: result[k] for k in KEPT
        }
    return found
