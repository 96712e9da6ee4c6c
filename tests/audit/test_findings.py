"""The checks of the audit: each finds what is planted in a clean dataset."""

import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import tiny
from made_images import write_images
from planted import COPIES, change, picture

from covid_keras.audit import findings
from covid_keras.audit.audit import audit, prepare
from covid_keras.audit.check import KINDS, SEVERITIES
from covid_keras.audit.findings.labels import machine_labels, published_counts
from covid_keras.audit.findings.shortcuts import strong_baselines
from covid_keras.audit.inventory import inventory
from covid_keras.datasets.records import load_records
from covid_keras.evaluation.baselines import Baseline
from covid_keras.runs.run import create
from covid_keras.utils.errors import InputError


def test_every_module_holds_described_checks():
    checks = findings.all_checks()
    modules = Path(findings.__file__).parent.glob("[!_]*.py")
    assert {check.problems.__module__.rpartition(".")[2] for check in checks} == {
        path.stem for path in modules
    }
    assert len({check.name for check in checks}) == len(checks)
    for check in checks:
        assert check.kind in KINDS and check.severity in SEVERITIES
        assert check.explanation.endswith(".")


def look(root: Path, **settings):
    return audit("folder", root, **settings)


def texts(found, severity: str | None = None) -> list[str]:
    return [f.text for f in found.findings if severity in (None, f.severity)]


def test_a_patient_in_two_splits_fails(planted):
    change(planted, 47, patient="p0")
    found = look(planted)
    assert texts(found, "fail") == [
        "1 patient in several splits, with 3 images; the first is p0 in test and train"
    ]
    assert found.failed


@pytest.mark.parametrize(
    ("row", "severity", "where"), [(40, "fail", "across splits"), (9, "warn", "within a split")]
)
def test_equal_pixels_are_found_in_another_format(planted, row, severity, where):
    """A colour PNG of the same grey image has the same pixels as its grey PNG."""
    grey = cv2.imread(str(planted / "images/00.png"), cv2.IMREAD_GRAYSCALE)
    write_images(planted, {f"images/{row:02}.png": np.dstack([grey] * 3)})
    change(planted, row, label="a")
    found = look(planted)
    [copy] = [f for f in found.findings if "equal pixels" in f.text]
    assert (copy.severity, copy.pairs) == (severity, (("images/00.png", f"images/{row:02}.png"),))
    assert where in copy.text


@pytest.mark.parametrize("copy", COPIES)
def test_changed_copies_across_splits_are_warned_of(planted, copy):
    write_images(planted, {"images/40.png": COPIES[copy](picture(0))})
    found = look(planted)
    [alike] = [f for f in found.findings if "that are near duplicates" in f.text]
    assert alike.severity == "warn" and alike.pairs == (("images/00.png", "images/40.png"),)
    assert not found.failed
    accepted = look(planted, accepted=[("images/40.png", "images/00.png")])
    assert not [f for f in accepted.findings if "that are near duplicates" in f.text]


def test_slices_of_one_patient_in_one_split_may_look_alike(planted):
    write_images(planted, {"images/01.png": COPIES["brighter"](picture(0))})
    assert texts(look(planted)) == []


def test_two_labels_of_a_patient_are_found(planted):
    change(planted, 1, label="b")
    assert texts(look(planted), "warn") == [
        "1 of 24 patients have more than one label; the first is p0: a and b"
    ]


def test_unknown_patients_are_warned_of(planted):
    change(planted, 5, patient="")
    assert "1 of 48 images have no patient id" in texts(look(planted), "warn")[0]


def test_a_class_of_one_source_is_found(planted):
    table = pd.read_csv(planted / "labels.csv", dtype=str)
    table["source"] = table["label"].map({"a": "here", "b": "there"})
    table.to_csv(planted / "labels.csv", index=False)
    found = look(planted)
    warned = texts(found, "warn")
    assert any(
        "test: all 8 images of class a come from here, and no other image does" in t for t in warned
    )
    assert any("the source label alone predicts all 16 test images correctly" in t for t in warned)
    assert "is no better than the source label alone" in " ".join(found.conclusions())


def test_missing_and_damaged_images_fail(planted):
    (planted / "images/03.png").unlink()
    (planted / "images/04.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    [failed] = texts(look(planted), "fail")
    assert (
        failed.startswith("2 of 48 images cannot be read; the first: ")
        and "03.png: file not found" in failed
    )


def test_labels_alone_are_audited_and_said(planted):
    shutil.rmtree(planted / "images")
    found = look(planted)
    assert found.data.scan is None and texts(found) == [
        "none of 48 images exists: only the labels were audited"
    ]
    assert {rule.name for rule in found.data.baselines} == {
        "most frequent class",
        "source",
        "age",
        "all metadata",
    }


def test_counts_other_than_published_are_warned_of(planted, tmp_path):
    data = prepare("folder", planted, tmp_path / "scan", None, (), 0)
    card = replace(data.card, classes=("a", "b"), images={"train": (16, 17), "test": (8, 8)})
    [found] = published_counts.find(replace(data, card=card))
    assert found.severity == "warn" and found.text == (
        "1 count of images not as published; the first is train b: 17 published, 16 here"
    )
    assert found.evidence == {"counts": {"train b": {"published": 17, "here": 16}}}
    right = replace(card, images={"train": (16, 16), "test": (8, 8), "val": (0, 3)})
    assert not list(published_counts.find(replace(data, card=right)))


def test_labels_of_a_machine_are_noted(planted, tmp_path):
    data = prepare("folder", planted, tmp_path / "scan", None, (), 0)
    chosen = ["Automatic"] * 4 + ["Expert"] * 43 + ["Automatic"]
    data = replace(data, attributes=data.attributes.assign(slice_selection=chosen))
    [found] = machine_labels.find(data)
    assert found.severity == "note" and found.text == (
        "3 of 24 patients have slices that a network selected (test 1, train 2)"
    )


def baseline(balanced: float, auc: float) -> Baseline:
    return Baseline("age", 9, 10, 0.9, 0.6, 0.99, balanced, auc)


@pytest.mark.parametrize(
    ("classes", "balanced", "auc", "found"),
    [
        (2, 0.79, 0.79, False),
        (2, 0.81, 0.79, True),
        (3, 0.60, 0.83, True),
        (3, 0.74, 0.70, True),
        (3, 0.72, 0.79, False),
        (10, 0.65, 0.70, True),
    ],
)
def test_baselines_are_judged_against_chance(planted, tmp_path, classes, balanced, auc, found):
    data = prepare("folder", planted, tmp_path / "scan", None, (), 0)
    score = baseline(balanced, auc)
    data = replace(data, classes=tuple("abcdefghij"[:classes]), baselines=(score,))
    texts = [finding.text for finding in strong_baselines.find(data)]
    assert bool(texts) == found
    if found:
        assert f"chance {100 / classes:.1f} %; AUC {100 * auc:.1f} %" in texts[0]


def test_the_split_of_a_run_is_audited(planted):
    """It is the run's, whatever the labels say; images that it does not use are left out."""
    records = load_records("folder", planted)
    used = records.iloc[4:].assign(split="train")
    used.loc[used["patient"].isin(("p2", "p4", "p5")), "split"] = "test"
    used.loc[used["image"] == "images/05.png", "split"] = "train"
    run = create(planted.parent / "run", tiny.recipe(), used, ("a", "b"), planted)
    found = look(planted, run=run.path)
    assert texts(found, "fail") == [
        "1 patient in several splits, with 2 images; the first is p2 in test and train"
    ]
    assert found.counts.sum(axis=1).to_dict() == {"train": 39, "test": 5}
    assert "the run's split" in found.coverage
    (planted / "labels.csv").write_text((planted / "labels.csv").read_text().replace("/47", "/x"))
    with pytest.raises(InputError, match=r"1 others, such as images/47.png"):
        look(planted, run=run.path)


def test_bins_are_in_order_of_value():
    numbers = np.random.default_rng(0).permutation(np.r_[-np.arange(1, 300.0), 1e4, np.nan])
    [item] = inventory(pd.DataFrame({"bytes": numbers}), pd.Series(["a", "b"] * 150 + ["a"]))
    *bins, last = item.counts.index
    starts = [float(text.strip("([").split(",")[0]) for text in bins]
    assert starts == sorted(starts) and len(bins) > 4 and last == "not known"
