"""The rule that reads no pixel, on a run's own split: what its network has to beat."""

from collections.abc import Callable

from covid_keras.audit.inventory import OF_PIXELS, properties
from covid_keras.datasets.attributes import attributes
from covid_keras.datasets.headers import headers
from covid_keras.evaluation.baselines import fitted_probabilities
from covid_keras.metrics.predictions import write_predictions
from covid_keras.runs.folder import Run, write_beside


def write_rule(run: Run, on_progress: Callable[[int, int], None] | None = None) -> None:
    """Fit the rule on the run's train images, and write its predictions of the test images.

    It reads what the audit's rule "all of these" reads: source, attributes, box, and the files'
    format, mode, bits and size in pixels; the headers only. Where all of that is the same for
    every image there is no rule, and nothing is written.

    Raises:
        InputError: a file cannot be read.
    """
    records = run.split()
    records = records[records["split"].isin(("train", "test"))].reset_index(drop=True)
    known = attributes(run.recipe().data.dataset, run.data(), records)
    table = properties(records, known, headers(records["image"], run.data_root(), on_progress))
    table = table.drop(columns=list(OF_PIXELS), errors="ignore")
    if table.empty:
        return
    outputs = fitted_probabilities(table, records, run.classes(), run.recipe().seed)
    write_beside(run.pixel_free, run, run.known_stamps(), columns=list(table))
    test = records[records["split"] == "test"]
    write_predictions(run.pixel_free.predictions_file("test"), test, outputs, run.classes())
