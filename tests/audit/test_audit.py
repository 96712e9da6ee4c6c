"""The audit: planted leaks of every kind are found, and what real label files are known for."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from audit_docs import right_in_docs
from scipy.stats.contingency import association
from sklearn.metrics import balanced_accuracy_score

from covid_keras.audit import facts, inventory, near, scan
from covid_keras.audit.audit import audit
from covid_keras.cli.main import main
from covid_keras.datasets.attributes import attributes
from covid_keras.datasets.records import load_records
from covid_keras.evaluation import baselines
from covid_keras.evaluation.properties import properties
from covid_keras.evaluation.regions import regions
from covid_keras.report.audit_page import write_audit_page

SIDE = 96
ROWS = 48
"""Images of the planted data set: half of each class, patients of two images."""


def picture(seed: int) -> np.ndarray:
    """uint8 (SIDE, SIDE): smooth random shapes, unlike those of any other seed."""
    noise = np.random.default_rng(seed).normal(size=(SIDE, SIDE)).astype("float32")
    smooth = cv2.GaussianBlur(noise, (0, 0), 6)
    return np.clip(127 + 60 * smooth / smooth.std(), 0, 255).astype("uint8")


@pytest.fixture
def planted(tmp_path) -> Path:
    """A clean data set in a folder: labels.csv with every column, PNG images."""
    root = tmp_path / "set"
    (root / "images").mkdir(parents=True)
    rows = []
    for number in range(ROWS):
        cv2.imwrite(str(root / f"images/{number:02}.png"), picture(number))
        split = "test" if number >= 32 else "train"
        label = "ab"[number // 2 % 2]
        source = f"hospital{number // 4 % 2}"
        rows.append(
            (f"images/{number:02}.png", label, f"p{number // 2}", split, source, 40 + number)
        )
    table = pd.DataFrame(rows, columns=["image", "label", "patient", "split", "source", "age"])
    table.to_csv(root / "labels.csv", index=False)
    return root


def change(root: Path, row: int, **cells: str) -> None:
    table = pd.read_csv(root / "labels.csv", dtype=str)
    for column, value in cells.items():
        table.loc[row, column] = value
    table.to_csv(root / "labels.csv", index=False)


def look(root: Path, **settings):
    return audit("folder", root, out=root.parent / "out", **settings)


def texts(found, severity: str | None = None) -> list[str]:
    return [f.text for f in found.findings if severity in (None, f.severity)]


def test_a_clean_set_has_no_findings(planted):
    found = look(planted)
    assert texts(found) == [] and not found.failed and found.read == ROWS and not found.drawn
    assert "no findings" in str(found)
    assert found.counts.to_numpy().tolist() == [[16, 16], [8, 8]]
    assert found.patients == {"train": 16, "test": 8}


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
    cv2.imwrite(
        str(planted / f"images/{row}.png" if row > 9 else planted / "images/09.png"),
        np.dstack([grey] * 3),
    )
    change(planted, row, label="a")
    found = look(planted)
    [copy] = [f for f in found.findings if "equal pixels" in f.text]
    assert (copy.severity, copy.pairs) == (severity, (("images/00.png", f"images/{row:02}.png"),))
    assert where in copy.text


COPIES = {
    "jpeg": lambda image: cv2.imdecode(
        cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], 0
    ),
    "half the size": lambda image: cv2.resize(image, (48, 48), interpolation=cv2.INTER_AREA),
    "brighter": lambda image: np.clip(image.astype(int) + 25, 0, 255).astype("uint8"),
    "more contrast": lambda image: np.clip(1.2 * (image.astype(float) - 127) + 127, 0, 255).astype(
        "uint8"
    ),
    "a mark in the corner": lambda image: cv2.putText(image.copy(), "L", (80, 15), 0, 0.4, 255),
}


@pytest.mark.parametrize("copy", COPIES)
def test_changed_copies_across_splits_are_warned_of(planted, copy):
    cv2.imwrite(str(planted / "images/40.png"), COPIES[copy](picture(0)))
    found = look(planted)
    [alike] = [f for f in found.findings if "look alike" in f.text]
    assert alike.severity == "warn" and alike.pairs == (("images/00.png", "images/40.png"),)
    assert not found.failed
    accepted = look(planted, accepted=[("images/40.png", "images/00.png")])
    assert not [f for f in accepted.findings if "look alike" in f.text]


def test_slices_of_one_patient_in_one_split_may_look_alike(planted):
    cv2.imwrite(str(planted / "images/01.png"), COPIES["brighter"](picture(0)))
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
    assert "is no better than the source label alone" in " ".join(found.conclusions)


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
    assert found.read == 0 and texts(found) == [
        "none of 48 images exists: only the labels were audited"
    ]
    assert {rule.name for rule in found.baselines} == {
        "most frequent class",
        "source",
        "age",
        "all metadata",
    }


def test_a_stopped_audit_goes_on(planted, monkeypatch):
    monkeypatch.setattr(scan, "PART", 10)
    names = load_records("folder", planted)["image"].tolist()
    whole = scan.scan(names, planted, planted.parent / "a")
    read, stop = [], {"25.png"}

    def read_one(path):
        if path.name in stop:
            raise KeyboardInterrupt
        read.append(path.name)
        return facts.facts(path)

    monkeypatch.setattr(scan, "facts", read_one)
    with pytest.raises(KeyboardInterrupt):
        scan.scan(names, planted, planted.parent / "b")
    read.clear()
    stop.clear()
    again = scan.scan(names, planted, planted.parent / "b")
    assert min(read) == "20.png" and len(read) == 28
    pd.testing.assert_frame_equal(whole.table, again.table)
    np.testing.assert_array_equal(whole.perceptual, again.perceptual)
    np.testing.assert_array_equal(whole.thumbnails, again.thumbnails)
    read.clear()
    cv2.imwrite(str(planted / "images/11.png"), picture(99))
    changed = scan.scan(names, planted, planted.parent / "b")
    assert len(read) == 10 and changed.table["pixels"][11] != whole.table["pixels"][11]


def test_facts_of_one_image(tmp_path):
    image = np.dstack([picture(3)] * 3)
    cv2.imwrite(str(tmp_path / "a.png"), image)
    cv2.imwrite(str(tmp_path / "b.jpg"), image)
    cv2.imwrite(str(tmp_path / "c.png"), picture(3).astype("uint16") * 256)
    found = [facts.facts(tmp_path / name) for name in ("a.png", "b.jpg", "c.png")]
    assert [(f.format, f.mode, f.bits) for f in found] == [
        ("PNG", "RGB", 8),
        ("JPEG", "RGB", 8),
        ("PNG", "L", 16),
    ]
    assert found[0].pixels == found[2].pixels != found[1].pixels
    assert (found[0].width, found[0].height) == (SIDE, SIDE)
    assert found[0].bytes == (tmp_path / "a.png").stat().st_size


def test_every_close_hash_is_found():
    rng = np.random.default_rng(0)
    base = rng.integers(0, 2**63, 300, dtype=np.uint64)
    near_ones = base[:40] ^ (np.uint64(1) << rng.integers(0, 64, 40, dtype=np.uint64))
    hashes = np.concatenate([base, near_ones])
    found = np.concatenate(list(near.close_hashes(hashes, 6)))
    bits = np.unpackbits(hashes.view(np.uint8).reshape(-1, 8), axis=1)
    distance = (bits[:, None] != bits[None]).sum(axis=2)
    expected = np.argwhere(np.triu(distance <= 6, 1))
    assert len(expected) >= 40
    np.testing.assert_array_equal(found[np.lexsort(found.T[::-1])], expected)


def test_correlation_is_numpys():
    images = np.stack(
        [picture(seed)[::3, ::3] for seed in range(4)] + [np.full((32, 32), 7, "uint8")] * 2
    )
    pairs = np.array([[0, 1], [2, 3], [0, 0], [4, 5], [0, 4]])
    found = near.correlation(images, pairs)
    for value, (a, b) in zip(found[:3], pairs[:3], strict=True):
        expected = np.corrcoef(images[a].ravel(), images[b].ravel())[0, 1]
        np.testing.assert_allclose(value, expected, atol=1e-5)
    assert found[3] == 1 and found[4] == 0


def test_cramers_v_is_scipys_and_numbers_are_binned():
    rng = np.random.default_rng(0)
    labels = pd.Series(rng.choice(["a", "b"], 400))
    table = pd.DataFrame(
        {"source": rng.choice(["x", "y", "z"], 400), "age": rng.normal(60, 9, 400)}
    )
    table.loc[labels == "b", "age"] += 15
    found = {item.column: item for item in inventory.inventory(table, labels)}
    expected = association(pd.crosstab(table["source"], labels).to_numpy(), method="cramer")
    assert found["source"].cramers_v == pytest.approx(expected)
    assert len(found["age"].counts) == inventory.BINS and found["age"].cramers_v > 0.5
    assert list(found) == ["age", "source"], "the strongest first"


def test_baselines_score_as_scikit_learn_does(planted):
    records = load_records("folder", planted)
    known = attributes("folder", planted, records)
    assert known["age"].tolist()[:2] == ["40", "41"]
    table = properties(records, known, None)
    rules = {r.name: r for r in baselines.metadata_baselines(table, records, ("a", "b"))}
    test = records[records["split"] == "test"]
    most_frequent = rules["most frequent class"]
    assert most_frequent.correct == (test["label"] == "a").sum()
    expected = balanced_accuracy_score(test["label"], ["a"] * len(test))
    assert most_frequent.balanced_accuracy == expected and most_frequent.auc == 0.5


def test_both_files_and_the_screen(planted, capsys):
    cv2.imwrite(str(planted / "images/40.png"), picture(0))
    found = look(planted)
    said = json.loads((planted.parent / "out" / "audit.json").read_text())
    assert said["failed"] and said["findings"][0]["pairs"] == [["images/00.png", "images/40.png"]]
    assert {rule["name"] for rule in said["baselines"]} >= {"source", "thumbnail border"}
    page = write_audit_page(found, planted.parent / "out").read_text()
    assert page.count("data:image/png;base64") == 1 and "not a medical device" in page
    assert "http" not in page.replace("http-equiv", "")
    command = ["audit", "folder", "--data", str(planted), "--out", str(planted.parent / "cli")]
    assert main(command) == 1
    screen = capsys.readouterr().out
    assert "FAIL 1 pair of images with equal pixels across splits" in screen
    assert "wrote" in screen and max(map(len, screen.splitlines())) < 200


def test_accepted_pairs_come_from_a_csv(planted, tmp_path, capsys):
    cv2.imwrite(str(planted / "images/40.png"), COPIES["brighter"](picture(0)))
    csv = tmp_path / "accepted.csv"
    csv.write_text("first,second\nimages/00.png,images/40.png\n")
    command = ["audit", "folder", "--data", str(planted), "--out", str(tmp_path / "o")]
    assert main([*command, "--accept", str(csv)]) == 0
    assert "no findings" in capsys.readouterr().out
    csv.write_text("a,b\n1,2\n")
    assert main([*command, "--accept", str(csv)]) == 1
    assert "accepted.csv" in capsys.readouterr().err


def labels_of(shared_data: Path, name: str, **settings):
    return audit(name, shared_data / "covidx_labels", **settings)


def test_in_covidx_cxr_8b_the_source_alone_is_right_in_400_of_400(shared_data):
    found = labels_of(shared_data, "covidx-cxr-8b")
    source = next(rule for rule in found.baselines if rule.name == "source")
    assert (source.correct, source.images) == (400, 400)
    assert "10 of 15,346 patients have more than one label" in texts(found, "warn")[0]


def test_in_covidx_cxr_7b_a_patient_is_in_both_splits(shared_data):
    found = labels_of(shared_data, "covidx-cxr-7b")
    assert any("ANON191" in said for said in texts(found, "fail"))


def test_in_covidx_ct_2a_pneumonia_has_one_source(shared_data):
    found = labels_of(shared_data, "covidx-ct-2a", splits=("val", "test"))
    for split, images in (("val", "7,400"), ("test", "7,395")):
        said = f"{split}: all {images} images of class Pneumonia come from CNCB"
        assert any(one.startswith(said) for one in texts(found))
    assert found.baselines == (), "without train there is nothing to fit"
    assert any("LIDC-IDRI (Normal)" in one and "TCIA (COVID-19)" in one for one in texts(found))


def test_in_the_xray_set_21_patients_are_in_two_classes(shared_data):
    found = audit("xray-3class", shared_data / "darkcovid_xray")
    said = texts(found, "warn")
    assert any("21 of 764 patients have more than one label" in one for one in said)
    [copy] = [f for f in found.findings if "equal pixels" in f.text]
    assert copy.pairs == (("No_findings/00002658_001.jpg", "No_findings/00002658_002.jpg"),)


def test_in_sars_cov_2_ct_the_two_duplicate_pairs_are_found(shared_data):
    found = audit("sars-cov-2-ct", shared_data / "sars_cov2_ct")
    pairs = {pair for f in found.findings if "equal pixels" in f.text for pair in f.pairs}
    names = {tuple(Path(name).stem for name in pair) for pair in pairs}
    assert names == {("Covid (128)", "Covid (129)"), ("Covid (134)", "Covid (135)")}
    assert found.drawn
    rule = next(r for r in found.baselines if r.name == "thumbnail without centre")
    assert (right_in_docs("SARS-CoV-2 CT")) == (pytest.approx(rule.correct, abs=6), rule.images)
