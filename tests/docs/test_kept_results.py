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
FILES = ("recipe.json", "metrics.json", "log.csv", "predictions_val.csv", "predictions_test.csv")
RULE = "metadata_baseline/predictions_test.csv"


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


PREDICTIONS = sorted(RESULTS.glob("*/*/*/predictions_*.csv"))
RULES = sorted(RESULTS.glob("**/metadata_baseline/predictions_test.csv"))
ABLATIONS = sorted(RESULTS.glob("**/ablations/*.csv"))


@pytest.mark.parametrize("file", ABLATIONS, ids=lambda path: path.stem)
def test_ablations_follow_from_their_predictions(file):
    said = read_json(file.parents[1] / "metrics.json")["ablations"]
    same(said[file.stem.replace("_", " ")], file)


@pytest.mark.parametrize("file", RULES, ids=lambda path: "/".join(path.parts[-5:-2]))
def test_the_rules_without_pixels_follow_from_their_predictions(file):
    same(read_json(file.parents[1] / "metrics.json")["metadata_baseline"], file)


@pytest.mark.parametrize("file", PREDICTIONS, ids=lambda path: "/".join(path.parts[-4:]))
def test_metrics_follow_from_their_predictions(file):
    name = file.stem.removeprefix("predictions_")
    same(read_json(file.parent / "metrics.json")["splits"][name]["metrics"], file)


def same(said: dict, file: Path) -> None:
    found = scores(pd.read_csv(file))
    assert said["accuracy"]["value"] == pytest.approx(found["accuracy"])
    assert said["macro_auc"]["value"] == pytest.approx(found["macro AUC"])


def test_every_kept_study_is_named_in_the_page():
    page = (RESULTS.parent / "results.md").read_text(encoding="utf-8")
    for study in STUDIES:
        assert f"results/{study.parent.name}" in page
        table = (study.parent / "table.md").read_text(encoding="utf-8")
        for line in table.splitlines():
            assert not line.startswith("|") or line in page, line


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
    page = (RESULTS.parent / "results.md").read_text(encoding="utf-8")
    line = next(line for line in page.splitlines() if line.startswith(f"| {row} "))
    runs = sorted((RESULTS / f"{folder}-folds").glob("fold_*"))
    expected = []
    for name in (RULE, "predictions_test.csv"):
        found = [scores(pd.read_csv(run / name)) for run in runs]
        expected += [cell([run[key] for run in found], "mean (std)") for key in ("AUC", "accuracy")]
    assert [part.strip() for part in line.split("|")[2:-1]] == expected


def test_the_mean_of_the_folds_on_the_other_data_set_is_what_the_page_says():
    runs = RESULTS.glob("protocol_b_sars-cov-2-ct/squeezenet-imagenet-image-folds/fold_*")
    tables = [pd.read_csv(run / "predictions_covid19-ct.csv") for run in runs]
    mean = np.mean([table.iloc[:, 6] for table in tables], axis=0)
    area = 100 * metrics.roc_auc_score(tables[0].iloc[:, 1] == tables[0].columns[6], mean)
    page = (RESULTS.parent / "results.md").read_text(encoding="utf-8")
    assert len(tables) == 5 and f"(`covid-keras ensemble`) has {area:.1f} [" in page


def small_study(folder: Path) -> Path:
    write_json(
        folder / "study.json",
        {"runs": [{"folder": "row/fold_0"}], "environment": {"data": "/a/path", "commit": "1"}},
    )
    for name in keep_results.PICTURES:
        write_text(folder / name, name)
    for name in FILES:
        write_text(folder / "row" / "fold_0" / name, name)
    for name in ("model.keras", "metadata_baseline/environment.json"):
        write_text(folder / "row" / "fold_0" / name, "large, or with paths of the machine")
    write_text(folder / "row" / "fold_0" / RULE, RULE)
    environment = {"data": "/a/path", "commit": "2"}
    write_json(folder / "row" / "fold_0" / "environment.json", environment)
    return folder


def test_small_files_are_kept_without_paths_of_the_machine(tmp_path):
    kept = keep_results.keep(small_study(tmp_path / "study"), tmp_path / "out")
    found = sorted(str(p.relative_to(kept)) for p in kept.rglob("*") if p.is_file())
    runs = [f"row/fold_0/{name}" for name in (*FILES, RULE, "environment.json")]
    assert found == sorted([*runs, *keep_results.PICTURES, "study.json"])
    assert read_json(kept / "study.json")["environment"] == {"commit": "1"}
    assert read_json(kept / "row/fold_0/environment.json") == {"commit": "2"}
    with pytest.raises(InputError, match="is there already"):
        keep_results.keep(tmp_path / "study", tmp_path / "out")


def test_an_unfinished_study_is_not_kept(tmp_path):
    study = small_study(tmp_path / "study")
    (study / "row" / "fold_0" / "metrics.json").unlink()
    with pytest.raises(InputError, match=r"metrics\.json: not there; only finished studies"):
        keep_results.keep(study, tmp_path / "out")
    with pytest.raises(InputError, match=r"expected a study's folder"):
        keep_results.keep(tmp_path, tmp_path / "out")
