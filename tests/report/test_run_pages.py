"""The page of a run: its scores, its gaps, and nothing from outside."""

import re

import pytest
from made_runs import change

from covid_keras.metrics.sentences import percent
from covid_keras.report.run_pages import write_card, write_report
from covid_keras.report.run_summary import read_run
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import write_json


def test_the_page_holds_scores_stamps_settings_and_figures(run):
    page = write_report(run).read_text()
    entry = read_run(run).results["test"]["per_class"]["COVID-19"]["sensitivity"]
    assert f"<td>{percent(entry)}</td>" in page
    assert page.index("PHANTOM: synthetic") < page.index("not a medical device")
    assert page.index("not a medical device") < page.index("<h2>")
    assert "the influence of each of 20 patients" in page
    assert "<td>input.crop</td><td>128</td>" in page
    assert "<td>gpu</td><td>not known</td>" in page
    assert f"covid-keras train ct-bit\ncovid-keras evaluate {run.name}\n" in page
    assert "External test: not done." in page
    assert "Settings that differ from the paper: training.steps=20 (paper: 10000)." in page
    assert "Missing parts" not in page
    assert page.count("data:image/png;base64,") == 2
    assert "Grad-CAM, step 2" in page
    assert "Grad-CAM, step 1" not in page


def test_the_page_needs_nothing_from_outside(run):
    page = write_report(run).read_text()
    assert not re.findall(r"<script|<link|https?://|src=\"(?!data:)|url\(", page)
    assert "a&lt;b" in page
    assert "a<b" not in page


def test_no_page_holds_a_folder_outside_of_the_working_one(filled, monkeypatch):
    monkeypatch.chdir(filled.parent)
    ann = "/home/ann smith"
    change(
        filled, "environment.json", data=f"{ann}/scans", command="covid-keras train --data scans"
    )
    change(filled, "recipe.json", model={"name": f"hub:{ann}/module", "weights": f"{ann}/w.npz"})
    changes = [f"model.weights={ann}/w.npz (paper: bit-m)", f"data.cache={ann}/cache (paper: none)"]
    change(filled, "recipe.json", changes=changes)
    change(filled, "fingerprint.json", members=[f"{ann}/seed_1", f"{ann}/seed_2"])
    for write in (write_report, write_card):
        page = write(filled).read_text()
        assert "/home" not in page and "ann smith" not in page
        assert "w.npz (paper: bit-m)" in page
        assert f"covid-keras export {filled.name}" in page or write is write_report
    page = write_report(filled).read_text()
    assert "<td>data</td><td>scans</td>" in page and "<td>hub:module</td>" in page
    assert f"covid-keras evaluate {filled.name}\n" in page


def test_what_is_missing_is_said_with_the_command_that_makes_it(tmp_path):
    folder = tmp_path / "run_2"
    folder.mkdir()
    page = write_report(folder).read_text()
    assert "metrics.json: missing; run covid-keras evaluate " in page
    assert "gradcam: missing; run covid-keras explain " in page


def test_another_set_in_the_metrics_is_the_external_test(run):
    metrics = {
        "stamps": [],
        "splits": dict.fromkeys(("test", "sars-cov-2-ct"), read_run(run).results["test"]),
    }
    write_json(run / "metrics.json", metrics)
    assert "External test: sars-cov-2-ct." in write_report(run).read_text()


def test_damaged_input_names_the_file(run):
    with pytest.raises(InputError, match="no such folder"):
        write_report(run / "none")
    (run / "split.csv").write_text("image\n1\n")
    with pytest.raises(InputError, match=r"split\.csv: expected records"):
        write_report(run)
    (run / "metrics.json").write_text("[1]")
    with pytest.raises(InputError, match=r"metrics\.json: expected an object\. Received: \[1\]"):
        write_report(run)
    (run / "metrics.json").write_text('{\n"a"')
    with pytest.raises(InputError, match=r"metrics\.json:2: not JSON"):
        write_report(run)
    assert not (run / "report.html").exists()


def test_names_from_files_are_escaped(run):
    script = "<script>alert(1)</script>"
    change(run, "recipe.json", title=script, changes=[script])
    change(run, "fingerprint.json", stamps=[script], note=script)
    (run / "figures" / "confusion_matrix_test.png").rename(run / "figures" / "<b>.png")
    page = write_report(run).read_text()
    assert "<script" not in page and "<b>" not in page
    assert page.count("&lt;script&gt;") == 4
    assert "(&lt;b&gt;.png)" in page


def test_figures_have_captions(run):
    caption = "Confusion matrix: rows are true classes, columns predicted classes."
    page = write_report(run).read_text()
    assert f"<figcaption>{caption} (confusion_matrix_test.png)</figcaption>" in page
