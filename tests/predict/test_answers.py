"""Answers without a network: rows, patients, operating point, and files that grow."""

import json

import answering
import numpy as np
import pandas as pd
import pytest
from made_dicom import ct, encode
from made_images import write_images

from covid_keras.predict.answers import BATCH, answer
from covid_keras.predict.entries import Entry, samples_of
from covid_keras.predict.inputs import find_entries
from covid_keras.predict.rows import patient_rows

POINT = {"temperature": 2.0, "threshold": 0.7, "patient_rule": "vote"}


def answered(model, folder, out=None) -> pd.DataFrame:
    return answer(model, samples_of(find_entries([folder]), model), out)


def greys(folder, *values):
    return write_images(
        folder, {f"{n:03}.png": np.full((40, 40), v, np.uint8) for n, v in enumerate(values)}
    )


def test_the_operating_point_scales_and_decides(tmp_path):
    folder = greys(tmp_path, 51, 153, 204)  # 0.2, 0.6, 0.8
    plain, fitted = (answered(m, folder) for m in (answering.model(), answering.model(**POINT)))
    assert plain["predicted"].tolist() == ["dark", "bright", "bright"]
    assert plain["bright"].tolist() == pytest.approx([0.2, 0.6, 0.8])
    assert fitted["predicted"].tolist() == ["dark", "dark", "bright"]
    odds = np.sqrt(np.array([0.2 / 0.8, 0.6 / 0.4, 0.8 / 0.2]))
    assert fitted["bright"].tolist() == pytest.approx(odds / (1 + odds))
    assert set(fitted["tests"]) == {
        "test: 40 images, macro auc 90.0 % [80.0, 95.0]; no external test"
    }
    assert set(fitted["run"]) == {"abc123"} and set(fitted["stamps"]) == {"NOT A MEDICAL DEVICE"}


@pytest.mark.parametrize(("rule", "score"), [("mean", 0.5), ("vote", 1 / 3), (None, 0.5)])
def test_the_patient_rule_joins_the_answered_images_of_a_study(rule, score):
    model = answering.model(temperature=2.0, threshold=0.7, patient_rule=rule)
    known = [("a", "1"), ("", ""), ("a", "1"), ("a", "2"), ("a", "1"), ("a", "1")]
    entries = [Entry("x.dcm", "x", patient, study) for patient, study in known]
    bright = np.array([0.1, 0.9, 0.4, 0.2, 1.0, np.nan])
    status = ["answered"] * 5 + ["not answered: damaged"]
    rows = patient_rows(model, entries, np.stack([1 - bright, bright], 1), status)
    assert rows[["patient", "study"]].to_numpy().tolist() == [["a", "1"], ["a", "2"]]
    assert rows["images"].tolist() == [3, 1] and rows["not_answered"].tolist() == [1, 0]
    assert rows["bright"].tolist() == pytest.approx([score, 0.0 if rule == "vote" else 0.2])
    assert rows["predicted"].tolist() == ["dark", "dark"] and set(rows["status"]) == {"answered"}


def test_a_patient_without_an_answer_says_why(tmp_path):
    for number in range(3):
        scout = ct(np.zeros((8, 8), np.int16), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
        (tmp_path / f"{number}.dcm").write_bytes(encode(scout))
    table = answered(answering.model(), tmp_path)
    (patient,) = table.attrs["patients"]
    assert patient["images"] == 0 and patient["not_answered"] == 3 and patient["predicted"] == ""
    assert patient["status"].startswith(
        "not answered: none of 3 images; 3 x left out: not an image"
    )


def test_rows_are_in_the_file_before_the_next_batch_is_read(tmp_path):
    folder, out = greys(tmp_path / "images", *range(2 * BATCH + 1)), tmp_path / "out.csv"
    seen = []

    def network(images):
        partial = tmp_path / "out.csv.partial"
        seen.append(len(partial.read_text().splitlines()) if partial.exists() else -1)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return answering.of_grey(images)

    with pytest.raises(KeyboardInterrupt):
        answered(answering.model(network), folder, out)
    assert seen == [0, BATCH + 1, 2 * BATCH + 1] and not out.exists()
    kept = pd.read_csv(tmp_path / "out.csv.partial")
    assert len(kept) == 2 * BATCH and kept["status"].eq("answered").all()


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_images_and_patients_are_written(tmp_path, suffix):
    folder, out = tmp_path / "images", tmp_path / f"out.{suffix}"
    greys(folder, 10)
    slices = np.full((64, 64), 40, np.int16)
    slices[20:40, 20:40], slices[:4] = -850, -1000
    for number in range(2):
        data = encode(ct(slices, RescaleIntercept=0, StudyInstanceUID="1.2.3"))
        (folder / f"{number}.dcm").write_bytes(data)
    table = answered(answering.model(**POINT), folder, out)
    assert table["status"].tolist() == ["answered"] * 3
    if suffix == "csv":
        patients = pd.read_csv(tmp_path / "out_patients.csv", keep_default_na=False)
        assert patients["images"].tolist() == [2] and len(pd.read_csv(out)) == 3
    else:
        lines = [json.loads(line) for line in out.read_text().splitlines()]
        assert [line["level"] for line in lines] == ["image"] * 3 + ["patient"]
        assert lines[3]["images"] == 2 and set(lines[3]["probabilities"]) == {"dark", "bright"}
    assert not (tmp_path / f"out.{suffix}.partial").exists()
