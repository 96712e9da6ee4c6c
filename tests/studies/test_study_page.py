"""The page of a study: its verdict, its rows drawn, what failed, and nothing from outside."""

import re

import pytest
from browser import opened, problems
from made_studies import PHANTOM, REAL, FakeWorker, run_fake, small_study

from covid_keras.studies.study_figures import write_figures
from covid_keras.studies.study_page import write_study_page

STUDY = small_study()


@pytest.fixture
def made(tmp_path):
    run_fake(FakeWorker(tmp_path, STUDY), STUDY)
    return tmp_path


def test_the_verdict_names_the_best_row_and_what_differs(made):
    page = write_study_page(STUDY, made, PHANTOM, {}, []).read_text()
    assert "4 of 4 runs of the recipe ct-bit have finished." in page
    assert "Highest accuracy by image: Random, 91.0 [90.0,\u00a092.0]; in percent" in page
    assert "By patient: unknown" in page and "Not compared with a metadata baseline" in page
    assert re.search(r"covid-keras report \S*random\b", page)
    assert re.search(r"BiT-M is (better than|not shown to differ from) Random: accuracy \+", page)
    assert "BiT-M: accuracy 91.0 [90.0,\u00a092.0]; published, another data set: 99.2." in page
    assert "Images of one patient may be in train and in test" in page
    assert "Not tested on another data set" in page


def test_our_rows_and_published_ones_are_drawn_on_one_scale(made):
    page = write_study_page(STUDY, made, PHANTOM, {}, []).read_text()
    drawn = re.findall(r"<dt>([^<]+)</dt>", page)
    assert "Random (runs: 2)" in drawn and "A peer, published, another data set" in drawn
    assert "the smallest and largest of the runs, no intervals" in page


def test_failures_and_changed_settings_are_listed(tmp_path):
    worker = FakeWorker(tmp_path, STUDY, failing="bit-m")
    failed = run_fake(worker, STUDY)
    page = write_study_page(STUDY, tmp_path, REAL, failed, []).read_text()
    assert "2 of 4 runs of the recipe" in page and "bit-m/seed_0: no such weights" in page
    assert "training.steps=10 (paper: 10000)" in page
    assert "Paired differences" not in page


def test_a_study_without_a_run_has_a_page(tmp_path):
    assert "0 of 4 runs of the recipe" in (
        write_study_page(STUDY, tmp_path, PHANTOM, {}, []).read_text()
    )


def test_the_page_has_no_problem_in_a_browser(made):
    path = write_study_page(STUDY, made, PHANTOM, {}, write_figures(STUDY, made)[-1:])
    with opened(path, 400, "dark") as page:
        assert problems(page) == []
