"""The metadata baseline of a run: what can be predicted without looking at the images."""

from covid_keras.datasets.archive import headers
from covid_keras.datasets.attributes import attributes
from covid_keras.evaluation.baselines import fitted_probabilities
from covid_keras.evaluation.properties import OF_PIXELS, properties
from covid_keras.runs.predictions_file import write_predictions
from covid_keras.runs.run import Run, describe_predictions


def write_metadata_baseline(run: Run) -> None:
    """Fit the metadata baseline on the run's train images and write its predictions of test.

    The baseline reads the source, the patient's attributes, the box and each file's header
    (format, mode, bits and size in pixels). It never decodes an image. If all of these are the
    same for every image, nothing is written.

    Raises:
        InputError: A file cannot be read.
    """
    records = run.split("train", "test").reset_index(drop=True)
    known = attributes(run.recipe().data.dataset, run.data(), records)
    table = properties(records, known, headers(records["image"], run.data_root()))
    table = table.drop(columns=list(OF_PIXELS), errors="ignore")
    if table.empty:
        return
    outputs = fitted_probabilities(table, records, run.classes(), run.recipe().seed)
    describe_predictions(run.metadata_baseline, run, run.known_stamps(), columns=list(table))
    file = run.metadata_baseline.predictions_file("test")
    test = records[records["split"] == "test"].assign(fold=run.fold())
    write_predictions(file, test, outputs, run.classes())
