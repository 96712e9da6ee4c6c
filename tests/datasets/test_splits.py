"""Splits: whole patients, shares by class, the same for the same seed, and the written table."""

import json
import logging

import numpy as np
import pandas as pd
import pytest
from made_records import made_records

from covid_keras.datasets import splits
from covid_keras.datasets.label_files import COLUMNS
from covid_keras.datasets.records import load_records
from covid_keras.datasets.splits import make_split
from covid_keras.utils.errors import InputError


def synthetic(patients=200, seed=0, labels=("a", "b", "c"), two_labels=True):
    """Records of patients with 1 to 30 slices; every tenth patient carries two labels."""
    random = np.random.default_rng(seed)
    rows = []
    for patient in range(patients):
        own = labels[patient % len(labels)]
        for number in range(random.integers(1, 31)):
            other = two_labels and patient % 10 == 0 and number == 0
            label = labels[(patient + 1) % len(labels)] if other else own
            rows.append((f"p{patient}_{number}.png", label, f"{patient:03d}"))
    image, label, patient = zip(*rows, strict=True)
    return made_records(image, label, patient=patient)


def shares(records, split):
    """Class to the share of its images that is in `split`."""
    return records["split"].eq(split).groupby(records["label"]).mean()


def patients_are_whole(records):
    return (records.groupby("patient")["split"].nunique() == 1).all()


@pytest.mark.parametrize("seed", range(5))
def test_hold_out_keeps_patients_whole_and_shares_right(seed):
    records = synthetic(seed=seed)
    split = splits.hold_out(records, seed, val=0.1, test=0.2)
    assert patients_are_whole(split)
    for name, share in (("train", 0.7), ("val", 0.1), ("test", 0.2)):
        np.testing.assert_allclose(shares(split, name), share, atol=0.04)
    pd.testing.assert_frame_equal(split.drop(columns="split"), records.drop(columns="split"))


@pytest.mark.parametrize("rule", ["holdout", "kfold", "source", "official"])
def test_without_val_all_images_outside_of_test_are_trained_on(rule):
    records = synthetic()
    sources = np.where(records["patient"] < "050", "x", "y")
    known = np.where(records["patient"] < "040", "test", "train") if rule == "official" else ""
    records = records.assign(source=sources, split=known)
    given = {"rule": rule, "source": "x" if rule == "source" else "", "seed": 3}
    split, usual = make_split(records, val=0, **given), make_split(records, **given)
    assert set(split["split"]) == {"train", "test"} and "val" in set(usual["split"])
    if rule != "holdout":  # there the shares of all images are drawn together
        test = usual["split"] == "test"
        assert split["split"].eq("test").equals(test)


def test_a_published_val_stays():
    records = synthetic()
    names = np.array(["train", "val", "test"])[records["patient"].astype(int) % 9 // 3]
    records = records.assign(split=names)
    assert make_split(records, rule="official", val=0)["split"].equals(records["split"])


@pytest.mark.parametrize("seed", range(3))
def test_folds_test_every_image_once_with_patients_whole(seed):
    records = synthetic(seed=seed)
    tested = pd.Series(0, records.index)
    for fold in range(5):
        split = splits.k_fold(records, 5, fold, seed)
        assert patients_are_whole(split)
        np.testing.assert_allclose(shares(split, "test"), 0.2, atol=0.04)
        np.testing.assert_allclose(shares(split, "val"), 0.08, atol=0.04)
        tested += split["split"] == "test"
    assert (tested == 1).all()


def test_without_patients_the_shares_are_right_to_an_image():
    labels = ["a"] * 1000 + ["b"] * 30
    records = made_records([f"{i}.png" for i in range(1030)], labels)
    split = splits.hold_out(records, 3, val=0.1, test=0.2)
    table = pd.crosstab(split["label"], split["split"])
    assert table.loc["a"].to_dict() == {"test": 200, "train": 700, "val": 100}
    assert table.loc["b"].to_dict() == {"test": 6, "train": 21, "val": 3}
    assert splits.is_image_level(split)
    assert not splits.is_image_level(synthetic())


def test_a_split_depends_on_the_seed_and_not_on_the_order():
    records = synthetic()
    first = splits.hold_out(records, 0)
    pd.testing.assert_frame_equal(first, splits.hold_out(records, 0))
    shuffled = records.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(first, splits.hold_out(shuffled, 0).loc[first.index])
    assert (first["split"] != splits.hold_out(records, 1)["split"]).mean() > 0.2
    assert splits.fingerprint(first) == splits.fingerprint(first.loc[shuffled.index])


def test_official_with_val_is_left_as_it_is(shared_data):
    records = load_records("covid19-ct", shared_data / "covid19_ct")
    split = make_split(records, rule="official")
    pd.testing.assert_frame_equal(split, records)


def test_official_without_val_holds_patients_of_train_out(shared_data, caplog):
    records = load_records("covidx-cxr-8b", shared_data / "covidx_labels")
    with caplog.at_level(logging.INFO):
        split = make_split(records, rule="official")
    assert "of 15952 train images held out" in caplog.text
    assert (split["split"] == "test").equals(records["split"] == "test")
    train = split[split["split"] != "test"]
    np.testing.assert_allclose(shares(train, "val"), 0.1, atol=0.002)
    assert patients_are_whole(split)


@pytest.mark.slow
def test_real_patients_of_ct_2a_are_disjoint_and_those_of_cxr_7b_are_not(shared_data):
    root = shared_data / "covidx_labels"
    splits.check_disjoint(load_records("covidx-ct-2a", root, ("val", "test")))
    splits.check_disjoint(load_records("covidx-ct-1", root))
    splits.check_disjoint(load_records("covidx-cxr-8b", root))
    with pytest.raises(InputError, match=r"patient ANON191 is in train and test: expected each"):
        splits.check_disjoint(load_records("covidx-cxr-7b", root))
    with pytest.raises(InputError, match="patient ANON191"):
        make_split(load_records("covidx-cxr-7b", root), rule="official")


def test_overlap_names_the_first_patient_and_counts_the_others():
    records = made_records(
        ["a", "b", "c", "d", "e"],
        "x",
        patient=["1", "1", "2", "2", ""],
        split=["train", "val", "val", "test", "test"],
    )
    with pytest.raises(InputError, match=r"patient 1 is in train and val, and 1 more"):
        splits.check_disjoint(records)
    twice = made_records(["a", "a"], "x", split=["train", "test"])
    with pytest.raises(InputError, match=r"image a is in train and test"):
        splits.check_disjoint(twice)


def test_default_rule_is_the_cards_unless_every_image_has_a_split():
    records = synthetic()
    assert splits.default_rule(records, "holdout") == "holdout"
    drawn = make_split(records, rule="holdout", seed=4)
    pd.testing.assert_frame_equal(drawn, splits.hold_out(records, 4))
    assert splits.default_rule(drawn, "holdout") == "official"
    pd.testing.assert_frame_equal(make_split(drawn, rule="official", seed=9), drawn)
    folds = make_split(drawn, rule="kfold", folds=4, fold=3, seed=4)
    pd.testing.assert_frame_equal(folds, splits.k_fold(records, 4, 3, 4))


def test_limit_per_class_touches_train_only():
    split = splits.hold_out(synthetic(), 0)
    limited = make_split(split, rule="official", per_class=50)
    train = limited[limited["split"] == "train"]
    assert train["label"].value_counts().to_dict() == {"a": 50, "b": 50, "c": 50}
    rest = split[split["split"] != "train"]
    pd.testing.assert_frame_equal(limited[limited["split"] != "train"], rest)
    assert set(train["image"]) != set(splits.limit_per_class(split, 50, 1)["image"])
    with pytest.raises(InputError, match=r"per_class=5000: class a has \d+ training images"):
        splits.limit_per_class(split, 5000, 0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rule": "random"}, "expected official, holdout, kfold or source. Received: random"),
        ({"rule": "official"}, "expected train and test .* Received: none"),
        ({"rule": "kfold", "fold": 5}, "expected 0 to 4 .* Received: 5"),
        ({"rule": "kfold", "folds": 1}, "of 2 folds or more"),
    ],
)
def test_rules_that_cannot_be_followed(settings, message):
    with pytest.raises(InputError, match=message):
        make_split(synthetic(), **settings)


def test_a_class_of_too_few_patients_is_refused():
    image = [f"{i}.png" for i in range(42)]
    records = made_records(image, ["a"] * 40 + ["b"] * 2, patient=[str(i) for i in range(42)])
    with pytest.raises(InputError, match=r"split: expected images of class b. Received: none"):
        make_split(records)


def test_the_written_split_is_read_back_exactly(tmp_path, shared_data):
    odd = made_records(
        ["a, b.png", 'c"d.png', "é%1.png"],
        ["ill", "well", "NA"],
        patient=["007", "NA", ""],
        split=["train", "val", "test"],
        source=["nan", "", "1e5"],
        box=[(0, 1, 2, 3), (None,) * 4, (10, 20, 30, 40)],
    )
    real = load_records("covidx-ct-2a", shared_data / "covidx_labels", ["val"])
    for records in (odd, real, odd.iloc[:0]):
        records = records.assign(hash=pd.Series("a0", records.index, dtype="str"))
        splits.write_split(records, tmp_path / "split.csv")
        pd.testing.assert_frame_equal(splits.read_split(tmp_path / "split.csv"), records)


def test_a_broken_split_file_is_named(tmp_path):
    path = tmp_path / "split.csv"
    path.write_text("image,label\na,b\n")
    with pytest.raises(InputError, match=r"split.csv:1: expected the columns"):
        splits.read_split(path)
    path.write_text(",".join(COLUMNS) + "\na.png,x,,train,,0,0,9,\n")
    with pytest.raises(InputError, match=r"split.csv:2: .*four integers"):
        splits.read_split(path)
    path.write_text(",".join(COLUMNS) + "\na.png,x,,train\n")
    with pytest.raises(InputError, match=r"split.csv:2: .*as many fields"):
        splits.read_split(path)


def test_the_fingerprint_counts_and_changes_with_the_data():
    split = splits.hold_out(synthetic(), 0)
    print_ = splits.fingerprint(split)
    assert json.loads(json.dumps(print_)) == print_
    assert sum(n for part in print_["images"].values() for n in part.values()) == len(split)
    assert sum(print_["patients"].values()) == 200
    assert print_["image_level"] is False
    moved = split.copy()
    moved.loc[0, "label"] = "b" if split.loc[0, "label"] != "b" else "c"
    assert splits.fingerprint(moved)["sha256"] != print_["sha256"]


def test_a_source_is_left_out_whole():
    records = synthetic(two_labels=False)
    records["source"] = np.where(records.index % 3 == 0, "x", "y")
    records["patient"] = records["source"] + records["patient"]  # nobody is in two sources
    found = make_split(records, rule="source", source="x")
    assert (found["split"].eq("test") == records["source"].eq("x")).all()
    rest = found[found["source"] == "y"]
    assert set(rest["split"]) == {"train", "val"} and patients_are_whole(rest)
    one_class = records.assign(source=records["source"] + records["label"])
    found = make_split(one_class, rule="source", source="xa")
    assert set(found.loc[found["split"] == "test", "label"]) == {"a"}
    with pytest.raises(InputError, match=r"one of two or more sources, x, y\. Received: 'z'"):
        make_split(records, rule="source", source="z")
    with pytest.raises(InputError, match="expected a source for every image"):
        make_split(synthetic(), rule="source", source="x")


def test_folds_by_image_share_patients_and_say_so():
    records = synthetic(two_labels=False)
    by_image = make_split(records, rule="kfold", group="image")
    assert not patients_are_whole(by_image) and splits.is_image_level(by_image)
    assert by_image["patient"].equals(records["patient"])
    np.testing.assert_allclose(shares(by_image, "test"), 0.2, atol=0.002)
    by_patient = make_split(records, rule="kfold")
    assert patients_are_whole(by_patient) and not splits.is_image_level(by_patient)
