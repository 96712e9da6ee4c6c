"""The page of folds or seeds: verdict, each run drawn, all answers as one, links to their pages."""

import re

import numpy as np
import pytest
from browser import opened, problems
from made_folds import make_folds, make_seeds
from PIL import Image

import covid_keras
from covid_keras.report import members_page as members_page_module
from covid_keras.report.members_page import members_page
from covid_keras.runs.explained import Case, write_cases
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import read_json, write_json


@pytest.fixture
def folds(tmp_path):
    return make_folds(tmp_path / "folds", folds=3, of=4)


def text_of(run) -> str:
    [page] = covid_keras.report(run)
    return page.read_text()


def test_the_page_begins_with_stamps_verdict_and_scores_by_patient(folds):
    page = text_of(folds)
    order = ["<h1>Folds of folds</h1>", "PHANTOM: synthetic", "NOT A MEDICAL DEVICE"]
    order += [
        '<h2 id="verdict">',
        "By patient (46 patients): accuracy",
        "Mean over 3 folds, by patient",
    ]
    order += ["Better than the metadata baseline", "Not evaluated: fold_3.", "Each fold"]
    assert [page.index(part) for part in order] == sorted(page.index(part) for part in order)
    assert not (folds.path / "card.md").exists()


def test_the_sections_stand_in_the_order_of_reading(folds):
    covid_keras.report(folds)
    assert [section.title for section in members_page(folds).sections] == [
        "Each fold",
        "Pages of the folds",
        "Per class",
        "Confusion matrix",
        "Curves",
        "Subgroups",
        "By patient",
        "Further numbers",
        "Where they look",
        "Data of fold_0",
        "Recipe of fold_0",
        "Environment of fold_0",
        "Run it again",
    ]


def test_each_fold_is_drawn_beside_all_of_them(folds):
    covid_keras.report(folds)
    page = members_page(folds)
    [side, _, table] = page.sections[0].blocks
    assert [bars.title for bars in side.blocks] == [
        "By patient: accuracy",
        "By patient: macro AUC",
        "By image: accuracy",
        "By image: macro AUC",
    ]
    assert all(len(bars.rows) == 3 for bars in side.blocks)
    assert side.blocks[0].mark == page.cards[0].bar.value
    assert [row[0] for row in table.rows] == ["fold_0", "fold_1", "fold_2"]


def test_pages_are_linked_or_it_says_how_to_write_them(folds):
    covid_keras.report(folds.members[1])
    page = text_of(folds)
    assert re.findall('href="([^"]*)"', page) == ["fold_1/report.html"]
    assert re.search(r"covid-keras report \S*fold_0\n", page)
    assert not re.search(r"covid-keras report \S*fold_1\n", page)


def test_where_they_look_is_shown_or_how_to_draw_it(folds):
    assert re.search(r"covid-keras explain \S*fold_0\n", text_of(folds))
    case = Case("wrong", "No", "Yes", 0.75, 1, "case_1.webp", True)
    write_cases(folds.members[1], [case], [np.full((32, 64, 3), 99, np.uint8)])
    page = text_of(folds)
    assert "fold_1: Right, wrong and doubtful cases" in page and "covid-keras explain" not in page


def test_pictures_of_methods_have_a_limit_too(folds, monkeypatch):
    for run in folds.members:
        panel = run.maps("occlusion") / "test.png"
        panel.parent.mkdir()
        Image.fromarray(np.full((8, 8, 3), 99, np.uint8)).save(panel)
    assert text_of(folds).count("data:image/webp") == 3
    monkeypatch.setattr(members_page_module, "LARGEST", 50)
    text = text_of(folds)
    assert "data:image/webp" not in text
    assert "On the pages of the runs, as this one has no room: fold_0, fold_1 and fold_2." in text


def test_what_probes_found_in_all_folds_is_a_section(folds):
    assert "<h2>Shortcuts" not in text_of(folds)
    for run in folds.members:
        area = {"value": 0.8, "low": 0.7, "high": 0.9, "method": "60 patients"}
        lead = dict.fromkeys(("lead", "lead_low", "lead_high"))
        entry = {"values": {"F": 20}, "auc": area | lead, "from_metadata": None, "from_class": None}
        probes = {"images": 80, "attributes": {"sex": entry}, "left_out": {}}
        found = {"probes": probes | {"negative_control": None}}
        write_json(run.metrics_file, read_json(run.metrics_file) | found)
    text = text_of(folds)
    assert "<h2>Shortcuts" in text
    assert "sex (patients: F 60)" in text and "Each AUC is the mean of 3 runs" in text


def test_seeds_have_their_mean_and_no_curves(tmp_path):
    seeds = make_seeds(tmp_path / "seeds")
    page = text_of(seeds)
    assert "<h1>Runs of seeds</h1>" in page and "Mean over 2 runs" in page
    titles = [section.title for section in members_page(seeds).sections]
    assert titles[:4] == ["Each run", "Pages of the runs", "Per class", "Confusion matrix"]
    assert "Curves" not in titles


def test_folds_that_were_not_evaluated_have_no_page(folds):
    for run in folds.members:
        run.metrics_file.unlink()
    with pytest.raises(InputError, match="expected an evaluated run in it"):
        covid_keras.report(folds)
    assert not folds.report_file.exists()


def test_the_page_needs_nothing_from_outside(folds):
    page = text_of(folds)
    assert not re.findall(r"<link|https?://|src=\"(?!data:)|url\(", page)
    assert len(page) < 5_000_000


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(400, "light"), (1200, "dark")])
def test_it_has_no_problem(folds, width, scheme):
    covid_keras.report(folds.members[0])
    [path] = covid_keras.report(folds)
    with opened(path, width, scheme) as page:
        assert problems(page) == []
