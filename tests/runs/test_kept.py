"""Which step's weights are tested, as a sentence."""

import pytest

from covid_keras.runs.kept import Kept


@pytest.mark.parametrize(
    "kept, sentence",
    [
        (Kept(10000, 10000, "", None), "weights of the last step, 10,000 (training.keep=last)"),
        (
            Kept(4200, 10000, "balanced_accuracy", 0.9),
            "weights of step 4,200 of 10,000, with the highest balanced accuracy on val, 0.900",
        ),
        (Kept(4, 8, "auc", 0.5), "weights of step 4 of 8, with the highest AUC on val, 0.500"),
        (Kept(4, 8, "loss", 0.25), "weights of step 4 of 8, with the lowest loss on val, 0.250"),
    ],
)
def test_the_sentence_names_step_and_reason(kept, sentence):
    assert str(kept) == sentence
