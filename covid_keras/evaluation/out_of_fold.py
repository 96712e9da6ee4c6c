"""The answers of several folds as one set: each test image once, from the network of its fold."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from covid_keras.evaluation.matched_test import match_test, matched_columns, matched_scores
from covid_keras.evaluation.run_metrics import ablations, metadata_baseline, score_groups_of
from covid_keras.metrics import operating_point
from covid_keras.metrics.operating_point import Moved, OperatingPoint
from covid_keras.metrics.predictions import Predictions
from covid_keras.metrics.set_scores import score_set
from covid_keras.runs.predictions_file import read_predictions, write_predictions
from covid_keras.runs.run import Run

TEST = "test"


@dataclass(frozen=True)
class OutOfFold:
    """The test images of several folds, and what their networks answered."""

    runs: Sequence[Run]
    """One a fold."""
    answers: Sequence[Predictions]
    """Of each fold."""

    def moved(self) -> Moved:
        """Return all answers, each moved by the operating point of its own fold."""
        pairs = zip(self._points(), self.answers, strict=True)
        return operating_point.joined([operating_point.move(*pair) for pair in pairs])

    def metrics(self, folder: Run, prevalence: float | None = None) -> dict:
        """Return what stands in metrics.json: the set `pooled`, and what is beside it.

        Threshold, temperature and patient rule are those of each fold; told are their medians.

        Args:
            folder: Of the folds; gets the pairs of the matched test.
            prevalence: Of the last class.
        """
        known = map(score_groups_of, self.runs, [TEST] * len(self.runs), self.answers)
        groups = pd.concat(known, ignore_index=True).fillna("")
        result = score_set(Predictions.of_folds(self.answers), groups, None, prevalence)
        if None not in (points := self._points()):
            result |= operating_point.results(self.moved(), operating_point.typical(points))
        found = {
            "pooled": result | {"folds": len(self.runs)},
            "metadata_baseline": metadata_baseline(self.runs),
            "ablations": ablations(self.runs),
        }
        if matched := self._matched(folder):
            found["matched"] = matched
        return found

    def write(self, folder: Run) -> None:
        """Write predictions_test.csv of all answers into a folder."""
        whole = Predictions.of_folds(self.answers)
        file = folder.predictions_file(TEST)
        write_predictions(file, whole.table, whole.probabilities, whole.classes)

    def _matched(self, folder: Run) -> dict | None:
        """Match the images of all folds, where each fold was matched in the same columns."""
        columns, *others = [matched_columns(run) for run in self.runs]
        if not columns or any(other != columns for other in others):
            return None
        match_test(folder, columns, self.runs)
        return matched_scores(folder, Predictions.of_folds(self.answers))

    def _points(self) -> list[OperatingPoint | None]:
        """Return each fold's operating point, None without val."""
        files = [run.predictions_file("val") for run in self.runs]
        return [operating_point.fit(read_predictions(f)) if f.exists() else None for f in files]


def out_of_fold(runs: Sequence[Run]) -> OutOfFold | None:
    """Return the runs that have predicted test as folds; None if they are none.

    Seeds answer the same images: there an image has several answers.
    """
    done = [run for run in runs if run.predictions_file(TEST).exists()]
    answers = [read_predictions(run.predictions_file(TEST)) for run in done]
    named = all(run.path.name.startswith("fold_") for run in done)
    if not (done and named) or len({part.classes for part in answers}) > 1:
        return None
    images = pd.concat([part.table["image"] for part in answers])
    return None if images.duplicated().any() else OutOfFold(done, answers)
