"""Paired differences between the rows of a study."""

import numpy as np
import pytest
from latex_check import check_latex
from made_predictions import two_networks
from made_studies import FakeWorker, run_fake, small_study

from covid_keras.metrics.comparison import paired_differences
from covid_keras.runs.predictions_file import write_predictions
from covid_keras.runs.run import Run
from covid_keras.studies.differences import differences, write_differences
from covid_keras.studies.study import POSITIVE, Column, Trial

STUDY = small_study(
    columns=(Column("accuracy", "accuracy"), Column("recall", "sensitivity", POSITIVE))
)


def test_one_seed_is_the_comparison_of_two_runs(tmp_path):
    study = small_study(trials=tuple(trial for trial in STUDY.trials if trial.seed == 0))
    run_fake(FakeWorker(tmp_path, study), study)
    [line, _] = differences(study, tmp_path).to_dict("records")
    first, second = two_networks(0.0)[1], two_networks(1.0)[1]
    expected = paired_differences(first, second)["accuracy"]
    assert (line["first"], line["second"], line["metric"]) == ("Random", "BiT-M", "accuracy")
    assert (line["images"], line["seeds"]) == (240, 1)
    found = [line[key] for key in ("difference", "low", "high")]
    wanted = [100 * part for part in (expected.value, expected.low, expected.high)]
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_rows_are_compared_with_the_reference(tmp_path):
    study = small_study(reference="BiT-M")
    run_fake(FakeWorker(tmp_path, study), study)
    text, _ = write_differences(study, tmp_path, [])
    assert "differences from BiT-M" in text and "| Random " in text
    forth, back = (differences(each, tmp_path).iloc[0] for each in (STUDY, study))
    assert back["first"] == "BiT-M" and back["difference"] == pytest.approx(-forth["difference"])


def test_seeds_are_averaged_and_written_as_text_csv_and_latex(tmp_path):
    run_fake(FakeWorker(tmp_path, STUDY), STUDY)
    text, files = write_differences(STUDY, tmp_path, ["IMAGE-LEVEL SPLIT"])
    assert [file.name for file in files] == [f"differences.{end}" for end in ("md", "csv", "tex")]
    line = differences(STUDY, tmp_path).iloc[0]
    gains = [
        paired_differences(two_networks(0.0, seed)[1], two_networks(1.0, seed)[1])["accuracy"].value
        for seed in (0, 1)
    ]
    assert line["difference"] == pytest.approx(100 * np.mean(gains)) and line["seeds"] == 2
    assert f"{line['difference']:+.1f} [{line['low']:+.1f}, {line['high']:+.1f}]" in text
    assert "**IMAGE-LEVEL SPLIT**" in text and "differences from Random" in text
    check_latex(files[2].read_text(), 3)


def test_folds_are_joined_and_rows_of_other_images_have_none(tmp_path):
    trials = tuple(Trial(row, {}, fold=fold) for row in ("a", "b") for fold in (0, 1))
    study = small_study(trials=(*trials, Trial("c", {})))
    for number, trial in enumerate(study.trials):
        run, made = Run(tmp_path / trial.folder), two_networks(float(number))[1]
        if trial.fold is not None:
            made = made.take(np.arange(240) % 2 == trial.fold)
        elif trial.row == "c":
            made = made.take(np.arange(240) < 200)
        write_predictions(
            run.predictions_file("test"), made.table, made.probabilities, made.classes
        )
        for file in (run.metrics_file, run.model_file):
            file.touch()
    pairs = differences(study, tmp_path)
    assert set(zip(pairs["first"], pairs["second"], strict=True)) == {("a", "b")}
    assert set(pairs["images"]) == {240}
    assert write_differences(small_study(trials=trials[:2]), tmp_path, []) == ("", [])
