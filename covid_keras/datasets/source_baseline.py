"""The source baseline: predict the class from the source label alone."""

from dataclasses import dataclass

import pandas as pd

CONFOUNDED = 0.8
"""Balanced accuracy from which on a run is stamped SOURCE-CONFOUNDED."""


@dataclass(frozen=True)
class SourceBaseline:
    """How well each source's most frequent class on train predicts test."""

    correct: int
    images: int
    balanced_accuracy: float
    """Mean sensitivity of the classes on test, 0 to 1."""

    def __str__(self) -> str:
        correct = "all" if self.correct == self.images else f"{self.correct:,} of"
        return f"the source label alone predicts {correct} {self.images:,} test images correctly"


def source_baseline(records: pd.DataFrame) -> SourceBaseline | None:
    """Score the baseline; None if sources, train or test images are missing.

    Images of sources that train does not have get the most frequent class of train.
    """
    train, test = (records[records["split"] == split] for split in ("train", "test"))
    if not len(train) or not len(test) or records["source"].eq("").any():
        return None
    class_of = train.groupby("source")["label"].agg(lambda column: column.mode()[0])
    predicted = test["source"].map(class_of).fillna(train["label"].mode()[0])
    correct = predicted == test["label"]
    balanced_accuracy = correct.groupby(test["label"]).mean().mean()
    return SourceBaseline(int(correct.sum()), len(test), float(balanced_accuracy))
