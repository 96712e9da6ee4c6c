"""From predictions to metrics with intervals. Nothing here needs TensorFlow."""

from covid_keras.evaluation.predictions import Predictions, read_predictions, write_predictions
from covid_keras.evaluation.scores import evaluate
from covid_keras.evaluation.tables import summary_table

__all__ = ["Predictions", "evaluate", "read_predictions", "summary_table", "write_predictions"]
