"""`measure` and its command: predictions of other programs, against scikit-learn and our runs."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from made_predictions import two_classes
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score, roc_auc_score

import covid_keras
from covid_keras.cli.main import main
from covid_keras.metrics.set_scores import score_set
from covid_keras.runs.predictions_file import read_predictions
from covid_keras.utils.errors import InputError


@pytest.fixture(scope="module")
def fitted() -> dict[str, pd.DataFrame]:
    """A scikit-learn model's tables: train without predictions, val and test with them."""
    rng = np.random.default_rng(0)
    sick = rng.integers(2, size=150)
    features = sick[:, None] * 0.8 + rng.normal(size=(150, 3))
    rows = pd.DataFrame(np.repeat(features, 4, axis=0) + rng.normal(0, 0.5, (600, 3)))
    rows = rows.assign(
        image=[f"{i}.png" for i in range(600)],
        label=np.where(np.repeat(sick, 4), "covid", "healthy"),
        patient_id=[f"p{i // 4}" for i in range(600)],
        sex=np.repeat(rng.choice(["F", "M"], 150), 4),
        hospital=np.repeat(rng.choice(["north", "south"], 150), 4),
    )
    parts = {"train": rows[:300], "val": rows[300:400], "test": rows[400:]}
    model = LogisticRegression().fit(parts["train"][[0, 1, 2]], parts["train"]["label"])
    names = [f"prob_{name}" for name in model.classes_]
    tables = {}
    for split, part in parts.items():
        outputs = model.predict_proba(part[[0, 1, 2]])
        table = part.drop(columns=[0, 1, 2]).reset_index(drop=True)
        tables[split] = (
            table if split == "train" else table.join(pd.DataFrame(outputs, columns=names))
        )
    return tables


def test_numbers_are_scikit_learns(fitted):
    metrics = covid_keras.measure(fitted["test"])
    true = fitted["test"]["label"] == "covid"
    p = fitted["test"]["prob_covid"]
    of_covid = metrics["per_class"]["covid"]
    assert metrics["accuracy"]["value"] == pytest.approx(accuracy_score(true, p > 0.5))
    assert of_covid["auc"]["value"] == pytest.approx(roc_auc_score(true, p))
    for key, rule in (("sensitivity", recall_score), ("ppv", precision_score), ("f1", f1_score)):
        assert of_covid[key]["value"] == pytest.approx(rule(true, p > 0.5))
    assert metrics["patients"] == 50 and set(metrics["groups"]) == {"source", "sex"}
    assert "TRAINING DATA UNKNOWN" in metrics["stamps"][0]


def test_val_fits_the_operating_point_and_train_the_baseline(fitted, tmp_path):
    out = tmp_path / "measured"
    metrics = covid_keras.measure(
        fitted["test"], val=fitted["val"], train=fitted["train"], prevalence=0.1, out=out
    )
    assert metrics["stamps"] == ["NOT A MEDICAL DEVICE"]
    assert metrics["leaks"]["images"]["count"] == metrics["leaks"]["patients"]["count"] == 0
    assert (
        metrics["at_threshold"]["threshold"] != 0.5 and metrics["patient_level"]["patients"] == 50
    )
    assert (
        0 < metrics["at_prevalence"]["ppv"]["value"] < metrics["per_class"]["covid"]["ppv"]["value"]
    )
    baseline = metrics["metadata_baseline"]
    assert baseline["columns"] == ["source", "sex"] and baseline["macro_auc"]["lead_low"] > 0
    written = {path.name for path in out.rglob("*") if path.is_file()}
    assert written > {
        "metrics.json",
        "report.html",
        "card.md",
        "roc_test.svg",
        "predictions_val.csv",
    }
    content = json.loads((out / "metrics.json").read_text())
    assert content["splits"]["test"]["metrics"]["accuracy"] == metrics["accuracy"]
    page = (out / "report.html").read_text()
    assert "covid" in page and "missing; run" not in page
    with pytest.raises(InputError, match="give another --out"):
        covid_keras.measure(fitted["test"], out=out)


def test_leaks_are_found_by_name_and_by_patient(fitted):
    train = pd.concat([fitted["train"], fitted["test"].iloc[:8, :5].replace("399.png", "x")])
    metrics = covid_keras.measure(fitted["test"], train=train, require=["no-leaks", "auc > 0.5"])
    assert metrics["leaks"]["images"] == {
        "count": 8,
        "of": 200,
        "examples": ["400.png", "401.png", "402.png", "403.png", "404.png"],
    }
    assert metrics["leaks"]["patients"]["count"] == 2
    assert "LEAK: 8 of 200 test images are in train; scores are too high" in metrics["stamps"]
    assert "LEAK: 2 of 50 test patients are in train; scores are too high" in metrics["stamps"]
    assert [claim["holds"] for claim in metrics["claims"]] == [False, True]


def test_equal_file_names_in_two_folders_are_two_images(fitted):
    """Class folders often number their files from 1."""
    train, test = (
        fitted[split].assign(image=[f"{split}/{n}.png" for n in range(len(fitted[split]))])
        for split in ("train", "test")
    )
    assert covid_keras.measure(test, train=train)["leaks"]["images"]["count"] == 0


def test_with_images_they_are_audited(labelled_images, tmp_path):
    """Copies under other names are found by their content."""
    table = pd.read_csv(labelled_images / "labels.csv").query("split != 'val'")
    train, test = (table[table["split"] == split].copy() for split in ("train", "test"))
    copied = train["image"].iloc[0]
    shutil.copy(labelled_images / copied, labelled_images / "copy.png")
    test = pd.concat([test, train.head(1).assign(image="copy.png", patient="new", split="test")])
    test = test.assign(score=(test["label"] == "dark") * 0.5 + 0.2)
    out = tmp_path / "measured"
    given = {"train": train, "images": labelled_images, "positive": "dark", "out": out}
    metrics = covid_keras.measure(test, **given, require=["no-leaks"])
    assert metrics["leaks"]["images"]["count"] == 0 and not metrics["claims"][0]["holds"]
    (leak,) = [stamp for stamp in metrics["stamps"] if stamp.startswith("LEAK")]
    assert "copy.png" in leak and copied in leak
    assert (out / "audit" / "audit.html").exists() and "audit, FAIL" in str(metrics)
    card = (out / "card.md").read_text()
    assert "Predictions of another program (a table)" in card and leak in card


def test_the_same_table_of_a_run_gives_the_same_numbers(tmp_path):
    predictions = two_classes(300)
    table = predictions.table.assign(
        **dict(zip(("No", "Yes"), predictions.probabilities.T, strict=True))
    )
    file = tmp_path / "predictions_test.csv"
    table.to_csv(file, index=False)
    metrics = covid_keras.measure(file, positive="Yes", resamples=200, seed=3)
    expected = score_set(read_predictions(file), predictions.table[["source"]], None, None, 3, 200)
    assert {name: metrics[name] for name in expected if name != "metrics"} == {
        name: value for name, value in expected.items() if name != "metrics"
    }
    assert metrics["accuracy"] == expected["metrics"]["accuracy"]


def test_the_command_without_tensorflow(fitted, tmp_path):
    """As another project's CI would call it; with TensorFlow and Keras made not importable."""
    for name, table in fitted.items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    blocked = "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None;"
    call = f"{blocked} from covid_keras.cli.main import main; sys.exit(main(sys.argv[1:]))"
    words = ["measure", "test.csv", "--val", "val.csv", "--train", "train.csv", "--require"]
    for claims, status in ((["auc.low > 0.6", "no-leaks"], 0), (["auc.low > 0.99"], 1)):
        done = subprocess.run(
            [sys.executable, "-c", call, *words, *claims],
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
        assert done.returncode == status, done.stderr
        assert f"{'FAIL' if status else 'PASS'} auc.low > 0." in done.stdout
        assert "classes: healthy, covid (positive: covid)" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["test.csv", "train.csv", "val.csv"]


def test_slow_imports_are_left_to_what_needs_them(fitted, tmp_path):
    fitted["test"].to_csv(tmp_path / "test.csv", index=False)
    call = "from covid_keras.cli.main import main; import sys; main(['measure', 'test.csv']);"
    call += " sys.exit('scipy.stats' in sys.modules or 'sklearn' in sys.modules)"
    subprocess.run([sys.executable, "-c", call], check=True, capture_output=True, cwd=tmp_path)


def test_bad_input_is_one_line_before_any_work(fitted, tmp_path, capsys):
    file = tmp_path / "test.csv"
    fitted["test"].to_csv(file, index=False)
    for words, line in (
        ([str(tmp_path / "none.csv")], "none.csv: file not found"),
        ([str(file), "--require", "auc.low > 80"], "expected a fraction"),
        ([str(file), "--images", str(tmp_path)], "images: only with train"),
        ([str(file), "--columns", "label"], "--columns label: expected KEY=VALUE"),
        ([str(file), "--positive", "cov"], "did you mean covid"),
        ([str(file), "--prevalence", "2"], "prevalence: expected more than 0"),
        ([str(file), "--val", str(tmp_path / "none.csv")], "none.csv: file not found"),
    ):
        assert main(["measure", *words]) == 1
        (said,) = capsys.readouterr().err.splitlines()
        assert line in said


def test_the_positive_class_may_be_called_other():
    """The name of merged classes is a class like others where nothing is merged."""
    rng = np.random.default_rng(0)
    names = ["COVID", "Normal", "other"]
    table = pd.DataFrame(rng.dirichlet([1, 1, 1], 60), columns=names)
    table = table.assign(image=[f"{i}.png" for i in range(60)], label=np.tile(names, 20))
    found = covid_keras.measure(table, positive="other", resamples=20).to_dict()
    hits = (table[names].idxmax(axis=1) == "other") & (table["label"] == "other")
    assert found["per_class"]["other"]["sensitivity"]["value"] == hits.sum() / 20
