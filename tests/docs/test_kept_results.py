"""The tables in docs/results, computed again by scikit-learn from the predictions kept there."""

import statistics
from pathlib import Path

import keep_results
import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from covid_keras.utils.errors import InputError
from covid_keras.utils.files import read_json, write_json, write_text

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results"
STUDIES = sorted(RESULTS.glob("*/study.json"))
FILES = ("predictions_val.csv", "predictions_test.csv")
BASELINE = "metadata_baseline/predictions_test.csv"


def scores(table: pd.DataFrame) -> dict[str, float | None]:
    """What a table's columns hold, as fractions, of one run's predictions."""
    classes = list(table.columns[5:])
    true = table["label"].map(classes.index).to_numpy()
    names = list(enumerate(classes))
    outputs = table[classes].to_numpy()
    outputs = outputs / outputs.sum(axis=1, keepdims=True)
    predicted = outputs.argmax(axis=1)
    found = {
        "accuracy": metrics.accuracy_score(true, predicted),
        "macro F1": metrics.f1_score(true, predicted, average="macro"),
    }
    if len(classes) > 2:
        auc = metrics.roc_auc_score(true, outputs, multi_class="ovr", average="macro")
        return found | {"macro AUC": auc}
    return found | {
        "precision": metrics.precision_score(true, predicted) if predicted.any() else None,
        "recall": metrics.recall_score(true, predicted),
        "specificity": metrics.recall_score(true, predicted, pos_label=0),
        "F1": metrics.f1_score(true, predicted),
        "AUC": metrics.roc_auc_score(true, outputs[:, 1]),
        # Written digits may tie the one column and not the other.
        "macro AUC": np.mean([metrics.roc_auc_score(true == k, table[c]) for k, c in names]),
    }


def at_threshold(val: pd.DataFrame, test: pd.DataFrame) -> float:
    """Accuracy on test at the cut with the highest balanced accuracy on val, the nearest to 0.5."""
    values = np.unique(val.iloc[:, 6])
    cuts = np.append((values[1:] + values[:-1]) / 2, 0.5)
    true = val.iloc[:, 1] == val.columns[6]
    gains = np.array([metrics.balanced_accuracy_score(true, val.iloc[:, 6] > cut) for cut in cuts])
    best = cuts[gains >= gains.max() - 1e-9]
    cut = best[np.abs(best - 0.5).argmin()]
    return float(((test.iloc[:, 6] > cut) == (test.iloc[:, 1] == test.columns[6])).mean())


def cell(values: list[float | None], spread: str) -> str:
    known = [100 * value for value in values if value is not None]
    if len(known) < len(values):
        return f"undefined in {len(values) - len(known)} of {len(values)}"
    if len(known) == 1:
        return f"{known[0]:.1f}"
    if spread == "mean (std)":
        return f"{np.mean(known):.1f} ({statistics.stdev(known):.1f})"
    return f"{np.median(known):.1f} [{min(known):.1f}, {max(known):.1f}]"


@pytest.mark.slow
@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.parent.name)
def test_a_table_follows_from_its_predictions(study):
    text = (study.parent / "table.md").read_text(encoding="utf-8")
    spread = "mean (std)" if "mean (std) over runs" in text else "median [min, max]"
    lines = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("|")]
    header, _, *rows = [[part.strip() for part in line] for line in lines]
    runs = read_json(study)["runs"]
    ours = {row[0]: row[2:] for row in rows if row[1]}
    assert set(ours) == {run["row"] for run in runs}
    for name, cells in ours.items():
        folders = [study.parent / run["folder"] for run in runs if run["row"] == name]
        found = []
        for folder in folders:
            val, test = (
                pd.read_csv(folder / f"predictions_{split}.csv") for split in ("val", "test")
            )
            found.append(scores(test))
            if len(test.columns) == 7:
                found[-1]["accuracy, val's threshold"] = at_threshold(val, test)
        for title, value in zip(header[2:], cells, strict=True):
            assert value == cell([run[title] for run in found], spread), (name, title)


def test_no_number_of_the_paper_stands_beside_another_data_set():
    """DarkCovidNet's X-rays are not paper D's."""
    numbers = ("92.35", "63.56")
    for name in ("results/protocol_d_xray/table.md", "explanation/results.md"):
        lines = (RESULTS.parent / name).read_text(encoding="utf-8").splitlines()
        rows = [line for line in lines if any(number in line for number in numbers)]
        assert rows and all("published, another data set" in row for row in rows), name


def page() -> str:
    """Return the results page as one line of text, without the marks of Markdown."""
    text = (RESULTS.parent / "explanation" / "results.md").read_text(encoding="utf-8")
    return " ".join(text.replace("*", "").split())


def areas(files: list[Path]) -> list[str]:
    """Return the macro AUC of each predictions file, in percent as the page writes it."""
    return [f"{100 * scores(pd.read_csv(file))['macro AUC']:.1f}" for file in files]


def test_ablations_are_what_the_page_says():
    run = RESULTS / "protocol_b_sars-cov-2-ct" / "squeezenet-imagenet-image-folds" / "fold_0"
    names = ("centre_blacked_out", "centre_only", "border_only")
    without, centre, border = areas([run / "ablations" / f"{name}.csv" for name in names])
    (whole,) = areas([run / "predictions_test.csv"])
    assert f"keeps an AUC of {without} [86.6, 92.3] of {whole}" in page()
    assert f"the centre alone gives an AUC of {centre} [73.5, 81.4]" in page()
    assert f"the border alone {border} [63.5, 73.2]" in page()
    kept = (float(without) - 50) / (float(whole) - 50)
    assert f"{kept:.0%}".replace("%", " %") + " of what it has above chance" in page()


def test_scores_on_another_data_set_are_what_the_page_says():
    runs = RESULTS / "protocol_b_sars-cov-2-ct" / "squeezenet-imagenet-image-folds"
    *first, last = areas(sorted(runs.glob("fold_*/predictions_covid19-ct.csv")))
    assert f"AUCs of {', '.join(first)} and {last} " in page()
    own = sorted(areas(sorted(runs.glob("fold_*/predictions_test.csv"))))
    assert f"{own[0]} to {own[-1]} on their own test folds" in page()
    runs = RESULTS / "protocol_b_covid19-ct_by_patient" / "squeezenet-imagenet-patient-folds"
    for area in areas(sorted(runs.glob("fold_*/predictions_sars-cov-2-ct.csv"))):
        assert f" {area} [" in page()


def test_every_kept_file_is_used():
    known = {"study.json", "table.md", "curves.png", "confusion_matrices.png", "first_run.json"}
    for path in (path for path in RESULTS.rglob("*") if path.is_file()):
        assert path.name in known or path.suffix == ".csv", path


def test_every_kept_study_is_named_in_the_page():
    text = (RESULTS.parent / "explanation" / "results.md").read_text(encoding="utf-8")
    for study in STUDIES:
        assert f"results/{study.parent.name}" in text
        table = (study.parent / "table.md").read_text(encoding="utf-8")
        for line in table.splitlines():
            assert not line.startswith("|") or line in text, line


@pytest.mark.parametrize(
    ("row", "folder"),
    {
        "COVID19-CT, folds by image": "protocol_b_covid19-ct_by_patient/squeezenet-imagenet-image",
        "COVID19-CT, folds by patient": (
            "protocol_b_covid19-ct_by_patient/squeezenet-imagenet-patient"
        ),
        "SARS-CoV-2 CT, by image": "protocol_b_sars-cov-2-ct/squeezenet-imagenet-image",
    }.items(),
)
def test_the_page_says_what_rules_and_networks_score(row, folder):
    text = (RESULTS.parent / "explanation" / "results.md").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith(f"| {row} "))
    runs = sorted((RESULTS / f"{folder}-folds").glob("fold_*"))
    expected = []
    for name in (BASELINE, "predictions_test.csv"):
        found = [scores(pd.read_csv(run / name)) for run in runs]
        expected += [cell([run[key] for run in found], "mean (std)") for key in ("AUC", "accuracy")]
    assert [part.strip() for part in line.split("|")[2:-1]] == expected


def test_the_mean_of_the_folds_on_the_other_data_set_is_what_the_page_says():
    runs = RESULTS.glob("protocol_b_sars-cov-2-ct/squeezenet-imagenet-image-folds/fold_*")
    tables = [pd.read_csv(run / "predictions_covid19-ct.csv") for run in runs]
    mean = np.mean([table.iloc[:, 6] for table in tables], axis=0)
    area = 100 * metrics.roc_auc_score(tables[0].iloc[:, 1] == tables[0].columns[6], mean)
    assert len(tables) == 5 and f"(`covid-keras ensemble`) has {area:.1f} [" in page()


def small_study(folder: Path) -> Path:
    runs = [{"folder": "row/fold_0", "weights": "/a/path/weights.npz"}]
    environment = {"data": "/a/path", "commit": "1"}
    write_json(folder / "study.json", {"runs": runs, "environment": environment})
    for name in keep_results.PICTURES:
        write_text(folder / name, name)
    for name in (*FILES, BASELINE):
        write_text(folder / "row" / "fold_0" / name, name)
    for name in ("model.keras", "metrics.json", "log.csv", "environment.json"):
        write_text(folder / "row" / "fold_0" / name, "large, or with paths of the machine")
    write_json(folder / "row/fold_0/fingerprint.json", {"images": {"val": {}, "test": {}}})
    return folder


def test_predictions_are_kept_without_paths_of_the_machine(tmp_path):
    kept = keep_results.keep(small_study(tmp_path / "study"), tmp_path / "out")
    found = sorted(str(p.relative_to(kept)) for p in kept.rglob("*") if p.is_file())
    runs = [f"row/fold_0/{name}" for name in (*FILES, BASELINE)]
    assert found == sorted([*runs, *keep_results.PICTURES, "study.json"])
    summary = read_json(kept / "study.json")
    assert summary["environment"] == {"commit": "1"}
    assert summary["runs"] == [{"folder": "row/fold_0", "weights": "weights.npz"}]
    with pytest.raises(InputError, match="expected a new folder"):
        keep_results.keep(tmp_path / "study", tmp_path / "out")


def test_an_unfinished_study_is_not_kept(tmp_path):
    study = small_study(tmp_path / "study")
    (study / "row" / "fold_0" / "predictions_test.csv").unlink()
    with pytest.raises(InputError, match=r"predictions_test\.csv: file not found; only finished"):
        keep_results.keep(study, tmp_path / "out")
    with pytest.raises(InputError, match=r"expected a study's folder"):
        keep_results.keep(tmp_path, tmp_path / "out")


def test_the_first_run_is_what_the_readme_says():
    """`benchmarks/first_run.py --keep` wrote the file."""
    rows = read_json(RESULTS / "first_run.json")
    assert [row["seed"] for row in rows] == [0, 1, 2, 3, 4]
    accuracy, area = (sorted(row[key] for row in rows) for key in ("accuracy", "macro AUC"))
    assert accuracy[2] >= 78 and accuracy[0] >= 72 and area[0] >= 88
    assert all(row["map on the disease"] > row["centre on the disease"] for row in rows)
    assert all(abs(row["baseline macro AUC"] - 50) < 15 for row in rows)
    text = " ".join((RESULTS.parents[1] / "README.md").read_text(encoding="utf-8").split())
    assert f"accuracy {accuracy[2]:.1f} % (median; {accuracy[0]:.1f} to {accuracy[4]:.1f})" in text
    assert f"macro AUC {area[2]:.1f} % ({area[0]:.1f} to {area[4]:.1f})" in text
