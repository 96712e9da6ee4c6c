"""What a study's page says of its best row: by patient, against the baseline, where it looks."""

from made_studies import small_study

from covid_keras.metrics.verdict_words import AGAINST, COMPARED, FOR, GOOD, LOOKS, OPEN
from covid_keras.studies.row_verdict import of_row

STUDY = small_study(spread="mean (std)")


def run(accuracy: float, lead: float) -> dict:
    entry = {"value": accuracy, "low": None, "high": None}
    level = {"metrics": {"accuracy": entry, "macro_auc": entry}}
    area = {"value": 0.6, "lead_low": lead}
    baseline = {"macro_auc": area}
    centre = {"centre blacked out": {"macro_auc": {"value": 0.7, "low": 0.6, "high": 0.8}}}
    return {
        "splits": {"test": {"patient_level": level}},
        "metadata_baseline": baseline,
        "training": {"runs": 1},
        "ablations": centre,
    }


def test_a_row_is_told_by_patient_and_against_the_baseline():
    said = {s.topic: s for s in of_row(STUDY, "A", [run(0.8, 0.1), run(0.9, 0.2)])}
    assert said[GOOD].text == "By patient, A: accuracy 85.0 (7.1), macro AUC 85.0 (7.1)."
    text = "A is better than the metadata baseline (macro AUC 60.0 (0.0)) in 2 of 2 runs."
    assert (said[COMPARED].text, said[COMPARED].tone) == (text, FOR)
    looks = [s for s in of_row(STUDY, "A", [run(0.8, 0.1)]) if s.topic == LOOKS]
    assert [s.tone for s in looks] == [OPEN, AGAINST]
    assert looks[1].text.endswith("the centre of the image (first run of A).")


def test_one_run_without_a_lead_speaks_against_it():
    said = [*of_row(STUDY, "A", [run(0.8, 0.1), run(0.9, -0.1)])]
    assert said[1].tone == AGAINST and "in 1 of 2 runs" in said[1].text


def test_what_was_not_measured_is_said():
    runs = [{"splits": {"test": {}}}]
    assert [s.tone for s in of_row(STUDY, "A", runs)] == [OPEN, OPEN]
