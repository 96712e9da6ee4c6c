"""The facts of a run folder: counts, settings, and errors that name the file."""

from covid_keras.report.run_summary import flatten, read_run
from covid_keras.utils.files import write_text


def test_counts_stand_in_the_order_of_the_splits(tmp_path):
    write_text(
        tmp_path / "split.csv",
        "split,label,patient\ntest,b,1\nval,b,2\ntrain,b,3\ntest,a,4\ntrain,a,5\n",
    )
    found = read_run(tmp_path).counts[["split", "label"]].to_numpy().tolist()
    assert found == [["train", "a"], ["train", "b"], ["val", "b"], ["test", "a"], ["test", "b"]]


def test_patients_are_not_known_where_one_id_is_missing(run):
    lines = (run / "split.csv").read_text().splitlines()
    row = next(i for i, line in enumerate(lines) if "COVID-19" in line)
    fields = lines[row].split(",")
    lines[row] = ",".join([*fields[:2], "", *fields[3:]])
    (run / "split.csv").write_text("\n".join(lines))
    counts = read_run(run).counts.set_index("label")["patients"]
    assert counts["COVID-19"] == "not known"
    assert 1 <= int(counts["a<b"]) <= 20


def test_flatten():
    assert flatten({"a": {"b": 1, "c": None}, "d": [1, 2], "e": [], "f": "", "g": 0}) == {
        "a.b": "1",
        "a.c": "not known",
        "d": "1, 2",
        "e": "none",
        "f": "none",
        "g": "0",
    }
