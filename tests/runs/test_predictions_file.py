"""The predictions file: what is written is what is read, and bad rows name their line."""

import numpy as np
import pandas as pd
import pytest
from made_predictions import make
from scipy.stats import entropy

from covid_keras.evaluation.ensemble import write_mean
from covid_keras.metrics.uncertainty import disagreement
from covid_keras.runs.predictions_file import read_predictions, write_predictions, write_uncertainty
from covid_keras.runs.run import Run
from covid_keras.utils.errors import InputError

CLASSES = ("Normal", "NA", "COVID-19")
HEADER = "image,label,patient,source,fold,Normal,NA,COVID-19\n"


@pytest.fixture
def records() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "image": ["a/1.png", 'b, "c"/2.png', "ü/3.png"],
            "label": ["Normal", "NA", "COVID-19"],
            "patient": ["007", "1e5", "None"],
            "source": ["", "nan", "x"],
        }
    )


@pytest.fixture
def probabilities() -> np.ndarray:
    return np.random.default_rng(0).dirichlet([0.01] * 3, size=3).astype(np.float32)


def test_round_trip_keeps_strings_and_every_bit_of_float32(tmp_path, records, probabilities):
    path = tmp_path / "predictions.csv"
    write_predictions(path, records.assign(fold="1"), probabilities, CLASSES)
    back = read_predictions(path)
    assert back.classes == CLASSES
    assert back.labels.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(back.probabilities.astype(np.float32), probabilities)
    assert back.table["image"].tolist() == records["image"].tolist()
    assert back.patients.tolist() == ["007", "1e5", "None"]
    assert back.table["source"].tolist() == ["", "nan", "x"]
    assert back.table["fold"].tolist() == ["1"] * 3
    assert back.has_patients


def test_one_missing_patient_id_is_no_patient_ids(tmp_path, records, probabilities):
    records.loc[1, "patient"] = ""
    write_predictions(tmp_path / "p.csv", records, probabilities, CLASSES)
    assert not read_predictions(tmp_path / "p.csv").has_patients


def test_an_image_without_label_reads_as_minus_one(tmp_path, records, probabilities):
    records["label"] = ""
    write_predictions(tmp_path / "p.csv", records, probabilities, CLASSES)
    assert read_predictions(tmp_path / "p.csv").labels.tolist() == [-1, -1, -1]


@pytest.mark.parametrize(
    ("rows", "line", "said"),
    [
        ("a,Normal,1,,,x,0,0\n", 2, "expected a probability. Received: 'x'"),
        ("a,Normal,1,,,1,0,0\nb,Normal,1,,,0.5,0.4,0\n", 3, "sum to 1. Received: 0.5, 0.4, 0"),
        ("a,Normal,1,,,1.5,-0.5,0\n", 2, "in [0, 1]"),
        ("a,Normal,1,,,nan,1,0\n", 2, "in [0, 1]"),
        ("a,normal,1,,,1,0,0\n", 2, "unknown label; expected Normal, NA, COVID-19"),
        ("a,Normal,1,,,1,0,0\n\na,Normal,1,,,1,0,0\n", 4, "expected each image once"),
        ("a,Normal,1,,,1,0\n", 2, "expected 8 fields. Received: 7"),
    ],
)
def test_a_bad_row_names_file_and_line(tmp_path, rows, line, said):
    path = tmp_path / "p.csv"
    path.write_text(HEADER + rows)
    with pytest.raises(InputError) as caught:
        read_predictions(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Received: an empty file"),
        (b"image,label,Normal,COVID\n", "expected the columns image,label,patient"),
        (HEADER.encode(), "only the header"),
        (b"image,label,patient,source,fold,a,a\n", "different class names"),
        (b"image,label,patient,source,fold,a,fold\n", "Received: 'fold'"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "expected CSV in UTF-8"),
    ],
)
def test_not_a_predictions_file(tmp_path, content, said):
    path = tmp_path / "p.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"^\S+p\.csv:?") as caught:
        read_predictions(path)
    assert said in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="file not found"):
        read_predictions(tmp_path / "none.csv")


def test_writing_asserts_one_prediction_per_image(tmp_path, records, probabilities):
    with pytest.raises(InputError, match=r"\(3, 3\). Received: \(2, 3\)"):
        write_predictions(tmp_path / "p.csv", records, probabilities[:2], CLASSES)
    assert not list(tmp_path.iterdir())


def test_writing_refuses_the_same_image_twice_and_a_class_called_fold(
    tmp_path, records, probabilities
):
    with pytest.raises(InputError, match="cannot be named"):
        write_predictions(tmp_path / "p.csv", records, probabilities, ("Normal", "NA", "fold"))
    records["image"] = "a"
    with pytest.raises(InputError, match="each image once"):
        write_predictions(tmp_path / "p.csv", records, probabilities, CLASSES)


def test_the_list_for_a_person_begins_with_the_most_doubtful(tmp_path):
    members = [
        make([0] * 20, np.random.default_rng(seed).dirichlet([1, 1, 1], size=20)) for seed in (0, 1)
    ]
    run = Run(tmp_path)
    write_mean(run, "test", members)
    mean = read_predictions(run.predictions_file("test"))
    assert mean.probabilities == pytest.approx(
        (members[0].probabilities + members[1].probabilities) / 2
    )
    stacked = np.stack([member.probabilities for member in members])
    table = pd.read_csv(run.uncertainty_file("test"))
    assert table["confidence"].is_monotonic_increasing and len(table) == 20
    row = list(mean.table["image"]).index(table["image"][0])
    assert row == mean.probabilities.max(axis=1).argmin(), "the last that risk and coverage keeps"
    assert table["entropy"][0] == pytest.approx(entropy(mean.probabilities[row]), rel=1e-5)
    assert table["disagreement"][0] == pytest.approx(disagreement(stacked)[row], rel=1e-5)
    assert table["predicted"][0] == mean.classes[mean.predicted[row]]
    write_uncertainty(tmp_path / "one.csv", mean)
    assert "disagreement" not in pd.read_csv(tmp_path / "one.csv")
