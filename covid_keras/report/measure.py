"""From predictions files to metrics.json and the figures of a run."""

from covid_keras.evaluation import evaluate, read_predictions
from covid_keras.files import write_json
from covid_keras.report.figures import confusion_matrix_figure, learning_curves, roc_figure
from covid_keras.runs import RunFolder, command


def measure(run: RunFolder) -> dict:
    """Evaluate every predictions_<name>.csv of the run; returns what metrics.json then holds.

    Writes metrics.json, figures/confusion_matrix_<name>.png, figures/roc_<name>.png and
    figures/learning_curves.png. The seed of the bootstrap is the recipe's.

    Raises:
        InputError: a predictions file is damaged.
    """
    recipe, stamps = run.recipe(), run.stamps()
    metrics = {
        "stamps": stamps,
        "command": command(),
        "splits": {},
    }
    for name in run.predicted():
        predictions = read_predictions(run.predictions_file(name))
        result = evaluate(predictions, seed=recipe.seed)
        metrics["splits"][name] = result
        confusion_matrix_figure(run.figures / f"confusion_matrix_{name}.png", result, stamps, name)
        roc_figure(run.figures / f"roc_{name}.png", predictions, result, stamps, name)
    knees = recipe.training.knees[:-1]
    learning_curves(run.figures / "learning_curves.png", run.log_file, stamps, knees)
    write_json(run.metrics_file, metrics)
    return metrics
