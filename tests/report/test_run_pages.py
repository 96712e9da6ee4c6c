"""The page of a run: verdict, scores, its gaps, and nothing from outside."""

import re
import shutil

import pandas as pd
import pytest
from made_runs import change

from covid_keras.metrics.sentences import percent
from covid_keras.report import pictures
from covid_keras.report.page import Section
from covid_keras.report.run_pages import run_page, write_card, write_report
from covid_keras.report.run_summary import read_run
from covid_keras.runs.explained import write_why_no_feature_map
from covid_keras.runs.run import Run
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import write_json

FORBIDDEN = r"<link|https?://|src=\"(?!data:)|url\("


def titles(run) -> list[str]:
    return [section.title for section in run_page(read_run(run)).sections]


def test_the_page_begins_with_stamps_verdict_and_scores_by_patient(run):
    page = write_report(run).read_text()
    order = ["PHANTOM: synthetic", "not a medical device", '<h2 id="verdict">', "By patient"]
    assert [page.index(part) for part in order] == sorted(page.index(part) for part in order)
    cards = run_page(read_run(run)).cards
    assert [card.title for card in cards[:3]] == [
        "By patient: accuracy",
        "By patient: macro AUC",
        "By image: accuracy",
    ]
    entry = read_run(run).results["test"]["patient_level"]["metrics"]["accuracy"]
    assert cards[0].bar.text == percent(entry)
    assert cards[2].marks["one class for all"] >= 0.5


def test_the_page_holds_settings_commands_and_pictures(run):
    page = write_report(run).read_text()
    assert "the influence of each of 20 patients" in page
    assert 'data-label="setting">input.crop</th><td role="cell" data-label="value">128</td>' in page
    assert f"covid-keras train ct-bit\ncovid-keras evaluate {run.name}\n" in page
    assert "Settings that differ from the paper: training.steps=20 (paper: 10000)." in page
    assert page.count("data:image/webp;base64,") == 4
    assert "<figcaption>step 2</figcaption>" in page and "step 1<" not in page


def test_each_method_with_maps_has_a_section_and_the_default_is_the_first(run):
    for method, name in (("occlusion", "test"), ("gradcam++", "test"), ("layercam", "step_9")):
        (run / method).mkdir()
        shutil.copy(run / "gradcam" / "step_2.png", run / method / f"{name}.png")
    (run / "smoothgrad" / "single").mkdir(parents=True)
    sections = {section.title: section for section in run_page(read_run(run)).sections}
    methods = [part for part in sections["Where it looks"].blocks if isinstance(part, Section)]
    assert [part.title for part in methods] == ["Grad-CAM", "Grad-CAM++", "Layer-CAM", "Occlusion"]
    assert [part.open for part in methods] == [True, False, False, False]
    assert [part.blocks[0].caption for part in methods] == ["step 2", "test", "step 9", "test"]
    card = write_card(run).read_text()
    assert "Grad-CAM, 1 panel; Grad-CAM++, 1 panel; Layer-CAM, 1 panel" in card


def test_a_network_without_a_feature_map_has_the_reason_in_place_of_the_maps(run):
    shutil.rmtree(run / "gradcam")
    assert "Where it looks" not in titles(run)
    write_why_no_feature_map(Run(run), "no class activation map: it outputs a vector")
    page = write_report(run).read_text()
    assert (
        "No class activation map: it outputs a vector. Methods that need no feature map: Occlusion,"
        " Integrated gradients, SmoothGrad." in page
    )
    assert "run covid-keras explain" not in page


def test_pictures_of_all_methods_together_stay_small(run, monkeypatch):
    kept = read_run(run).panels["gradcam"][0]
    size = len(pictures.pictures({"one": [kept]})["one"][0].source)
    monkeypatch.setattr(pictures, "LARGEST", 2 * size)
    shown = pictures.pictures({"first": [kept], "second": [kept, kept]})
    assert [len(blocks) for blocks in shown.values()] == [1, 2]
    assert "step_2.png" in shown["second"][-1].text


def test_the_sections_stand_in_the_order_of_reading(run):
    assert titles(run) == [
        "Per class",
        "Confusion matrix",
        "Curves",
        "Subgroups",
        "By patient",
        "Further numbers",
        "Where it looks",
        "Right, wrong and doubtful cases",
        "Features (t-SNE)",
        "Learning curves",
        "Data",
        "Recipe",
        "Environment",
        "Run it again",
    ]


def test_the_page_needs_nothing_from_outside(run):
    page = write_report(run).read_text()
    assert not re.findall(FORBIDDEN, page)
    assert "default-src 'none'" in page
    assert "a&lt;b" in page
    assert "a<b" not in page


def test_every_chart_carries_the_stamps(run):
    page = write_report(run).read_text()
    charts = page.count('<svg class="chart"')
    assert charts == 7
    assert page.count("PHANTOM · NOT A MEDICAL DEVICE</text>") == charts


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
    assert ">scans</td>" in page and ">hub:module</td>" in page
    assert f"covid-keras evaluate {filled.name}\n" in page


def test_patients_are_numbers_on_the_page(run):
    for name in ("predictions_test.csv", "split.csv"):
        table = pd.read_csv(run / name, dtype=str, keep_default_na=False)
        table["patient"] = "smith" + table["patient"]
        table.to_csv(run / name, index=False)
    page = write_report(run).read_text()
    assert "smith" not in page
    assert "20 patients, " in page
    rows = re.findall(r'data-label="patient">(\d+)</th>', page)
    assert sorted(map(int, rows)) == sorted(set(map(int, rows))) and rows


def test_what_is_missing_is_said_with_the_command_that_makes_it(tmp_path):
    folder = tmp_path / "run_2"
    folder.mkdir()
    page = write_report(folder).read_text()
    assert "metrics.json: run covid-keras evaluate " in page
    assert "explained: run covid-keras explain " in page
    assert 'id="verdict"' not in page


def test_scores_without_predictions_leave_out_the_curves(run):
    (run / "predictions_test.csv").unlink()
    assert "Curves" not in titles(run) and "Per class" in titles(run)


def test_another_set_in_the_metrics_is_the_external_test(run):
    result = read_run(run).results["test"]
    metrics = {"stamps": [], "splits": dict.fromkeys(("test", "sars-cov-2-ct", "val"), result)}
    write_json(run / "metrics.json", metrics)
    page = write_report(run).read_text()
    assert "On another data set, sars-cov-2-ct (60 images, 20 patients): accuracy" in page
    assert "Set sars-cov-2-ct (another test)" in titles(run)
    assert "Set val (selection, not a test)" in titles(run)
    assert run_page(read_run(run)).cards[-1].title == "On sars-cov-2-ct: macro AUC"


def test_damaged_input_names_the_file(run):
    with pytest.raises(InputError, match="no such folder"):
        write_report(run / "none")
    (run / "log.csv").write_text("step\n1\n")
    with pytest.raises(InputError, match=r"log\.csv: expected rows with step"):
        write_report(run)
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
    (run / "gradcam" / "step_2.png").rename(run / "gradcam" / "<b>.png")
    page = write_report(run).read_text()
    assert "<script>alert" not in page and "<b>" not in page
    assert "&lt;script&gt;" in page and ">&lt;b&gt;</figcaption>" in page


def test_the_log_of_looks_is_a_table(run):
    (run / "test_log.csv").write_text(
        "date,set,images,commit,command\n2026-11-26,test,60,abc,covid-keras evaluate run\n"
    )
    page = write_report(run).read_text()
    assert "Measured: test 1 time." in page and "covid-keras evaluate run</td>" in page


def test_the_cases_say_truth_and_answer_and_where_to_find_them(run):
    page = write_report(run).read_text()
    caption = "True a&lt;b, predicted COVID-19, 75\u00a0% (row 1 of predictions_test.csv)"
    assert f"<figcaption>{caption}</figcaption>" in page
    assert "Wrong: of each class" in page and "Right: of each class" not in page


def test_all_points_of_the_features_are_drawn_and_some_show_their_image(run):
    page = write_report(run).read_text()
    assert page.count("data-tile=") == 60
    assert "Pointing at one of 60 (40 of test)" in page
    assert "Trustworthiness 0.90; silhouette of the classes in the features 0.10" in page
