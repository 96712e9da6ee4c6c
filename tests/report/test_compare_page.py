"""The page of a comparison: what is better, the differences drawn, and names that stay apart."""

import re

import pytest
from browser import opened, problems
from made_predictions import two_networks

import covid_keras


@pytest.fixture(scope="module")
def tables():
    return [part.table.assign(score=part.probabilities[:, 1]) for part in two_networks(better=1.5)]


def test_the_verdict_says_which_is_better_and_the_differences_are_drawn(tables, tmp_path):
    found = covid_keras.compare(*tables, positive="Yes", out=tmp_path)
    page = (tmp_path / "compare.html").read_text()
    difference = found.differences["macro_auc"]
    assert difference.low > 0
    assert f"table 2 is better than table 1: macro AUC {100 * difference.value:+.1f}" in page
    assert "The same 240 images of test (60 patients), answered by each." in page
    assert page.count('class="mark"') == 3, "no difference, once for each metric"


def test_equal_predictions_are_not_shown_to_differ(tables, tmp_path):
    covid_keras.compare(tables[0], tables[0], tables[1], positive="Yes", out=tmp_path)
    page = " ".join((tmp_path / "compare.html").read_text().split())  # no-break spaces too
    assert "table 2 is not shown to differ from table 1: accuracy +0.0 [+0.0, +0.0]." in page
    assert "table 3 is better than table 1" in page
    assert "adjusted for 2 comparisons" in page


def test_files_of_the_same_name_stay_apart_and_name_no_folder(tables, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder, table in zip(("ann", "bob"), tables, strict=True):
        (tmp_path.parent / folder).mkdir(exist_ok=True)
        table.to_csv(tmp_path.parent / folder / "p.csv", index=False)
    files = [tmp_path.parent / folder / "p.csv" for folder in ("ann", "bob")]
    covid_keras.compare(*files, positive="Yes", out=tmp_path / "out")
    page = (tmp_path / "out" / "compare.html").read_text()
    assert "p.csv (2) is better than p.csv (1)" in page
    assert not re.findall(r"/ann|/bob", page)


def test_without_out_nothing_is_written(tables, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    covid_keras.compare(*tables, positive="Yes")
    assert not list(tmp_path.iterdir())


def test_the_page_has_no_problem_in_a_browser(tables, tmp_path):
    covid_keras.compare(*tables, positive="Yes", out=tmp_path)
    with opened(tmp_path / "compare.html", 400) as page:
        assert problems(page) == []
