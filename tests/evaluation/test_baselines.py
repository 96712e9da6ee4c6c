"""Baselines from metadata and thumbnails."""

import numpy as np
import pandas as pd
from planted import write_clean_set
from sklearn.metrics import balanced_accuracy_score

from covid_keras.datasets.attributes import attributes
from covid_keras.datasets.records import load_records
from covid_keras.evaluation import baselines
from covid_keras.evaluation.baselines import properties
from covid_keras.evaluation.regions import regions


def test_a_mark_on_the_border_gives_a_class_away(tmp_path):
    """200 images whose class is written into their margin: the border baseline reads it."""
    rng = np.random.default_rng(0)
    thumbnails = rng.integers(60, 190, (200, 32, 32)).astype("uint8")
    labels = np.array(["a", "b"] * 100)
    thumbnails[labels == "b", :2, :2] = 255
    records = pd.DataFrame({"label": labels, "split": ["train"] * 120 + ["test"] * 80})
    border, *_ = baselines.thumbnail_baselines(thumbnails, records, ("a", "b"))
    assert border.name == "thumbnail border" and border.balanced_accuracy > 0.9
    thumbnails[:, :2, :2] = 100
    border, *_ = baselines.thumbnail_baselines(thumbnails, records, ("a", "b"))
    assert 0.3 < border.balanced_accuracy < 0.7


def test_regions_of_a_thumbnail():
    seen = regions(32, 32)
    border, outside = seen["border only"], seen["centre blacked out"]
    assert border.sum() == 32 * 32 - 26 * 26 and not border[3:29, 3:29].any()
    assert not outside[6:26, 6:26].any() and outside[:6].all()


def test_baselines_score_as_scikit_learn_does(tmp_path):
    root = write_clean_set(tmp_path / "set")
    records = load_records("folder", root)
    known = attributes("folder", root, records)
    assert known["age"].tolist()[:2] == ["40", "41"]
    table = properties(records, known, None)
    rules = {r.name: r for r in baselines.metadata_baselines(table, records, ("a", "b"))}
    test = records[records["split"] == "test"]
    most_frequent = rules["most frequent class"]
    assert most_frequent.correct == (test["label"] == "a").sum()
    expected = balanced_accuracy_score(test["label"], ["a"] * len(test))
    assert most_frequent.balanced_accuracy == expected and most_frequent.auc == 0.5


def test_properties_are_the_columns_that_differ(tmp_path):
    root = write_clean_set(tmp_path / "set")
    records = load_records("folder", root)
    known = attributes("folder", root, records).assign(
        width="wide", ward="7", verified_finding="No"
    )
    headers = pd.DataFrame(
        {"format": "PNG", "mode": "L", "bits": 8, "width": range(48), "height": 96, "bytes": 9}
    )
    table = properties(records.assign(x0=pd.array(range(48), "Int64")), known, headers)
    assert list(table) == ["source", "age", "width", "aspect", "box_x0"]
    assert table["age"].tolist() == [40 + number for number in range(48)]
    assert table["width"].tolist() == list(range(48))
