"""From predictions files to metrics.json and the figures of a run."""

from covid_keras.evaluation import evaluate, operating, read_predictions
from covid_keras.evaluation.beyond import beyond
from covid_keras.files import write_json
from covid_keras.report.figures import (
    confusion_matrix_figure,
    learning_curves,
    reliability_figure,
    roc_figure,
)
from covid_keras.runs import RunFolder, command


def measure(run: RunFolder) -> dict:
    """Evaluate every predictions_<name>.csv of the run; returns what metrics.json then holds.

    Temperature, threshold and the rule for patients are fitted on val alone. Writes metrics.json,
    figures/learning_curves.png, and confusion_matrix_<name>.png, roc_<name>.png and
    reliability_<name>.png beside it. The seed of the bootstrap is the recipe's.

    Raises:
        InputError: a predictions file is damaged.
    """
    recipe, stamps = run.recipe(), run.stamps()
    metrics = {
        "stamps": stamps,
        "command": command(),
        "looks": run.looks(),
        "operating_point": None,
        "splits": {},
    }
    point = None
    if run.predictions_file("val").exists():
        point = operating.fit(read_predictions(run.predictions_file("val")))
        metrics["operating_point"] = point.to_json()
    for name in run.predicted():
        predictions = read_predictions(run.predictions_file(name))
        result = evaluate(predictions, seed=recipe.seed)
        if point:
            result |= beyond(predictions, point, seed=recipe.seed)
            path = run.figures / f"reliability_{name}.png"
            reliability_figure(path, predictions, result, stamps, name)
        metrics["splits"][name] = result
        confusion_matrix_figure(run.figures / f"confusion_matrix_{name}.png", result, stamps, name)
        roc_figure(run.figures / f"roc_{name}.png", predictions, result, stamps, name)
    knees = recipe.training.knees[:-1]
    learning_curves(run.figures / "learning_curves.png", run.log_file, stamps, knees)
    write_json(run.metrics_file, metrics)
    return metrics
