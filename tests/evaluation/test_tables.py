"""Predictions that any program wrote: which columns are found, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from covid_keras.evaluation.tables import read_table
from covid_keras.utils.errors import InputError

LABELS = ["COVID", "Normal", "COVID", "Normal"]
P = [0.9, 0.2, 0.4, 0.1]
"""Probability of COVID."""


def write(path, header: str, *rows: str):
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def check(table, patients=None):
    """Compare with LABELS and P, the positive class last."""
    found = table.predictions
    assert found.classes[1].lower().startswith(("covid", "1"))
    np.testing.assert_array_equal(found.labels, [1, 0, 1, 0])
    np.testing.assert_allclose(found.probabilities[:, 1], P, atol=1e-6)
    if patients:
        assert list(found.patients) == patients


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("image,label,patient,source,fold,Normal,COVID", "{i}.png,{label},p{i},,,{q},{p}"),
        ("image,label,COVID,Normal", "{i}.png,{label},{p},{q}"),
        ("filename,y_true,prob_Normal,prob_COVID", "{i}.png,{label},{q},{p}"),
        ("path;target;p(Normal);p(COVID)", "{i}.png;{label};{q};{p}"),
        ("Image Index\tFinding\tscore", "{i}.png\t{label}\t{p}"),
        ("id,diagnosis,probs[Normal],probs[COVID],pred", "{i},{label},{q},{p},COVID"),
        ("image,label,logit_Normal,logit_COVID", "{i}.png,{label},0,{logit}"),
        ("image,label,logit", "{i}.png,{label},{logit}"),
        ("y_true,y_score,y_pred", "{number},{p},1"),
        ("ground_truth,p0,p1", "{number},{q},{p}"),
        ("gt,output_0,output_1,logit_0,logit_1", "{number},{q},{p},0,{logit}"),
        ("name,true_label,Probability", "{i},{boolean},{p}"),
        ("label,prediction", "{number}.0,{p}"),
        ("label,prob_NORMAL,prob_Covid-19", "{label},{q},{p}"),
    ],
)
def test_columns_are_found_by_their_names(tmp_path, header, row):
    rows = [
        row.format(
            i=i,
            label=label if "Covid-19" not in header else {"COVID": "covid 19"}.get(label, label),
            number=int(label == "COVID"),
            boolean=label == "COVID",
            p=p,
            q=round(1 - p, 6),
            logit=f"{np.log(p / (1 - p)):.8f}",
        )
        for i, (label, p) in enumerate(zip(LABELS, P, strict=True))
    ]
    check(read_table(write(tmp_path / "table.csv", header, *rows)))


def test_a_decimal_comma_counts_as_a_point(tmp_path):
    rows = (
        f"{int(k == 'COVID')};{str(p).replace('.', ',')}" for k, p in zip(LABELS, P, strict=True)
    )
    check(read_table(write(tmp_path / "table.csv", "label;score", *rows)))


def test_labels_may_be_in_a_table_of_their_own(tmp_path):
    """MONAI's CSVSaver writes no header, and no labels."""
    rows = [f"{i}.png,{1 - p},{p}" for i, p in enumerate(P)]
    predictions = write(tmp_path / "predictions.csv", *rows)
    rows = [f"{3 - i}.png,{int(LABELS[3 - i] == 'COVID')},p{3 - i}" for i in range(4)]
    labels = write(tmp_path / "labels.csv", "filename,class,PatientID", *rows)
    table = read_table(predictions, labels=labels)
    check(table, ["p0", "p1", "p2", "p3"])
    assert table.predictions.classes == ("0", "1")
    labels.write_text("filename,class\n0.png,1\n")
    with pytest.raises(InputError, match=r"predictions.csv:2: 1.png: .*not in it, as 3 of 4"):
        read_table(predictions, labels=labels)


def test_tables_and_arrays_in_memory():
    q = np.subtract(1, P)
    frame = pd.DataFrame({"label": LABELS, "patient": [7.0, 8, 9, 10], "COVID": P, "Normal": q})
    check(read_table(frame), ["7", "8", "9", "10"])
    numbers = [label == "COVID" for label in LABELS]
    check(read_table({"y_true": numbers, "probabilities": np.stack([q, P], axis=1)}))
    arrays = {"label": LABELS, "classes": ["Normal", "COVID"], "sex": list("FMFM")}
    logits = np.log(np.stack([q, P], axis=1))
    table = read_table(arrays | {"logits": logits})
    check(table)
    assert table.attributes["sex"].tolist() == list("FMFM")


def test_three_classes_and_columns_of_other_names():
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1, 1, 1], 5)
    frame = pd.DataFrame(p, columns=["c1", "c2", "c3"]).assign(what=list("ABCAB"))
    columns = {"label": "what", "A": "c1", "B": "c2", "C": "c3"}
    found = read_table(frame, columns=columns).predictions
    assert found.classes == ("A", "B", "C")
    np.testing.assert_array_equal(found.probabilities, p)
    found = read_table(frame, columns=columns, positive="A").predictions
    assert found.classes == ("B", "C", "A")
    np.testing.assert_array_equal(found.probabilities, p[:, [1, 2, 0]])


def test_a_class_without_an_image_keeps_its_column():
    """An external test may have one class only."""
    found = read_table({"label": ["COVID"] * 4, "prob_COVID": P, "prob_Normal": np.subtract(1, P)})
    assert found.predictions.classes == ("Normal", "COVID")
    found = read_table({"label": ["sick"] * 4, "score": P}, positive="sick")
    assert found.predictions.classes == ("other", "sick")


def test_what_is_left_is_attributes_and_placeholders_are_no_patients(tmp_path):
    rows = (
        f"{label},{p},unknown,{i},CT" for i, (label, p) in enumerate(zip(LABELS, P, strict=True))
    )
    file = write(tmp_path / "table.csv", "label,score,patient_id,Age,modality", *rows)
    table = read_table(file)
    assert list(table.attributes) == ["Age", "modality"]
    assert not table.predictions.has_patients


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        ("image,label,A,B", ["a,A,0.5,0.5", "b,C,0.5,0.5"], "3: b: unknown label; expected A"),
        ("label,prob_A,prob_B", ["A,0.5,0.5", "0,0.5,0.5"], "3: row 3: unknown label; expected A"),
        ("label,prob_A,prob_B", ["A,0.5,0.5", ",0.5,0.5"], "3: expected a true label"),
        ("label,prob_A,prob_B", ["A,0.5,0.6", "B,0.5,0.5"], "2: .*that sum to 1. Received: 0.5"),
        ("label,prob_A,prob_B", ["A,3.5,-1", "B,0.5,0.5"], "2: .*logits are called logit_CLASS"),
        ("label,prob_A,prob_B", ["A,0.5,x", "B,0.5,0.5"], "2: prob_B: expected a number.*'x'"),
        ("image,label,score", ["a,0,0.5", "a,1,0.5"], "3: expected each image once.*a"),
        ("image,score", ["a,0.5", "b,0.5"], "1: expected a column of true labels.*image, score"),
        ("image,label", ["a,A", "b,B"], "1: expected one column of probabilities per class"),
        ("label,label,score", ["A,A,0.5"], "1: expected each column once. Received: label"),
        ("label,score", ["A,0.5", "B,0.5,9"], "3: expected 2 fields. Received: 3"),
        ("label,score", ["A,0.5", "B,0.5"], "no name says"),
        ("label,score", ["A,0.5", "B,0.5", "C,0.1"], "expected two classes for one column"),
        ("label,score", [], "expected one row per image"),
    ],
)
def test_a_misfit_is_one_line_with_file_and_line(tmp_path, header, rows, message):
    file = write(tmp_path / "table.csv", header, *rows)
    with pytest.raises(InputError, match=message) as error:
        read_table(file, positive=None if "score" in header else "B")
    assert "\n" not in str(error.value)


def test_a_given_column_must_exist_and_val_must_have_the_same_classes():
    table = {"label": LABELS, "score": P}
    with pytest.raises(InputError, match="expected the column truth"):
        read_table(table, columns={"label": "truth"})
    with pytest.raises(InputError, match="expected the classes A, B"):
        read_table(table, classes=("A", "B"))


def test_parquet_needs_a_package_and_says_so(tmp_path):
    file = tmp_path / "table.parquet"
    file.write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"pyarrow|expected a parquet file"):
        read_table(file)
