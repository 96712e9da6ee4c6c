"""The folder of measured predictions of another program: like a run, without a network."""

from collections.abc import Mapping
from pathlib import Path

from covid_keras.evaluation.run_metrics import draw_set
from covid_keras.metrics.predictions import Predictions
from covid_keras.runs.environment import environment
from covid_keras.runs.predictions_file import write_predictions, write_uncertainty
from covid_keras.runs.run import Run, check_new
from covid_keras.utils.files import atomic_folder, write_json


def write_measured(
    out: Path, sets: Mapping[str, Predictions], content: Mapping, source: object
) -> Run:
    """Write predictions, metrics.json and figures of measured predictions.

    Args:
        out: a new folder.
        sets: {set: its predictions}.
        content: of metrics.json.
        source: what was measured, a path or a table.

    Raises:
        InputError: the folder is not empty, or cannot be written to.
    """
    check_new(out, "give another --out")
    name = Path(source).name if isinstance(source, str | Path) else "a table"
    with atomic_folder(out) as temporary:
        run = Run(temporary)
        for key, predictions in sets.items():
            outputs, classes = predictions.probabilities, predictions.classes
            write_predictions(run.predictions_file(key), predictions.table, outputs, classes)
            write_uncertainty(run.uncertainty_file(key), predictions)
        fingerprint = {"classes": list(sets["test"].classes), "measured": name}
        write_json(run.fingerprint_file, fingerprint | {"stamps": content["stamps"][:-1]})
        write_json(run.environment_file, environment(None) | {"data": name})
        for key, result in content["splits"].items():
            draw_set(run, key, sets[key], result, content["stamps"])
        write_json(run.metrics_file, content)
    return Run(out)
