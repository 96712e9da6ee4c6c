"""The audit: its result, files and screen, and what it finds in published label files."""

import json
import shutil
from pathlib import Path

import cv2
import pytest
from audit_docs import right_in_docs
from made_images import write_images
from planted import COPIES, ROWS, change, picture

from covid_keras.audit.audit import audit
from covid_keras.cli.main import main
from covid_keras.datasets.archive import pack
from covid_keras.report.audit_page import write_audit_page
from covid_keras.utils.errors import InputError


def look(root: Path, **settings):
    return audit("folder", root, out=root.parent / "out", **settings)


def texts(found, severity: str | None = None) -> list[str]:
    return [f.text for f in found.findings if severity in (None, f.severity)]


def test_a_clean_set_has_no_findings(planted):
    found = look(planted)
    assert texts(found) == [] and not found.failed and len(found.data.scan.table) == ROWS
    assert "no findings" in str(found)
    assert found.counts.to_numpy().tolist() == [[16, 16], [8, 8]]
    assert found.patients == {"train": 16, "test": 8}


@pytest.mark.parametrize("images", [2, 3, 4])
def test_a_set_of_few_images_is_audited(tmp_path, images):
    for number in range(2 * images):
        write_images(tmp_path, {f"{'ab'[number % 2]}/{number}.png": picture(number)})
    found = audit("folder", tmp_path)
    assert len(found.data.scan.table) == 2 * images
    assert ("no split can be drawn" in found.coverage) == (images == 2)
    assert bool(found.data.baselines) == (images > 2)
    assert "not known" in str(found) and found.to_json()["images"]


def test_a_train_split_of_few_images_is_audited(planted):
    for row in range(4, 32):
        change(planted, row, split="test")
    assert len(audit("folder", planted).data.baselines) > 3


def test_hard_links_are_compared_once(tmp_path):
    """A thousand names of one image are a thousand copies, not half a million pairs."""
    write_images(tmp_path, {"a/0.png": picture(0), "b/0.png": picture(1), "b/1.png": picture(2)})
    for number in range(1, 1000):
        (tmp_path / "a" / f"{number}.png").hardlink_to(tmp_path / "a" / "0.png")
    write_images(tmp_path, {"b/2.png": cv2.add(picture(0), 1)})
    pairs = {finding.name: len(finding.pairs) for finding in audit("folder", tmp_path).findings}
    assert pairs["equal pixels"] <= 999 and pairs["near duplicates"] <= 3


def test_without_a_folder_nothing_is_written(planted):
    before = sorted(planted.parent.rglob("*"))
    assert len(audit("folder", planted).data.scan.table) == ROWS
    assert sorted(planted.parent.rglob("*")) == before


def test_a_packed_set_is_refused(planted, tmp_path):
    pack("folder", planted, tmp_path / "packed.tar")
    shutil.unpack_archive(tmp_path / "packed.tar", tmp_path / "packed")
    with pytest.raises(InputError, match="packed: expected the original data set"):
        audit("folder", tmp_path / "packed")


def test_both_files_and_the_screen(planted, capsys):
    write_images(planted, {"images/40.png": picture(0)})
    found = look(planted)
    said = json.loads((planted.parent / "out" / "audit.json").read_text())
    assert said["failed"] and said["findings"][0]["pairs"] == [["images/00.png", "images/40.png"]]
    assert {rule["name"] for rule in said["baselines"]} >= {"source", "thumbnail border"}
    page = write_audit_page(found, planted.parent / "out").read_text()
    assert page.count("data:image/webp;base64") == 1 and "not a medical device" in page
    assert "http" not in page.replace("http-equiv", "")
    command = ["audit", "folder", "--data", str(planted), "--out", str(planted.parent / "cli")]
    assert main(command) == 1
    screen = capsys.readouterr().out
    assert "FAIL 1 pair of images with equal pixels across splits" in screen
    assert "wrote" in screen and max(map(len, screen.splitlines())) < 200


def test_accepted_pairs_come_from_a_csv(planted, tmp_path, capsys):
    write_images(planted, {"images/40.png": COPIES["brighter"](picture(0))})
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
    source = next(rule for rule in found.data.baselines if rule.name == "source")
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
    assert found.data.baselines == (), "without train there is nothing to fit"
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
    assert found.data.split == "split drawn by the audit"
    rule = next(r for r in found.data.baselines if r.name == "thumbnail without centre")
    assert (right_in_docs("SARS-CoV-2 CT")) == (pytest.approx(rule.correct, abs=6), rule.images)
