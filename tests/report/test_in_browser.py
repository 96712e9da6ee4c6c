"""The pages in headless Chromium, at four widths and in both colour schemes."""

import pytest
from browser import WIDTHS, opened, problems
from made_runs import change

from covid_keras.report.run_pages import write_report
from covid_keras.report.run_summary import read_run


def every_size() -> list:
    """All widths and schemes; the fast tests take the narrowest, and a usual one in the dark."""
    sizes = [(width, scheme) for width in WIDTHS for scheme in ("light", "dark")]
    fast = ((400, "light"), (1200, "dark"))
    return [pytest.param(*s, marks=() if s in fast else pytest.mark.slow) for s in sizes]


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), every_size())
def test_a_run_has_no_problem(run, width, scheme):
    result = read_run(run).results["test"]
    change(run, "metrics.json", splits={"test": result, "val": result})
    with opened(write_report(run), width, scheme) as page:
        assert problems(page) == []


def test_the_page_is_smaller_than_five_megabytes(run):
    assert write_report(run).stat().st_size < 5_000_000


def test_parts_fold_by_keyboard(run):
    with opened(write_report(run), width=400) as page:
        summary = page.locator("summary").first
        summary.focus()
        page.keyboard.press("Enter")
        assert not page.evaluate("document.querySelector('details').open")


def test_a_printed_page_shows_what_is_folded(run):
    with opened(write_report(run)) as page:
        page.evaluate("document.querySelectorAll('details').forEach(part => part.open = false)")
        page.emulate_media(media="print")
        assert page.locator("pre").is_visible()


def test_a_point_shows_its_image_at_the_mouse_and_by_arrow_keys(run):
    with opened(write_report(run)) as page:
        peek, spots = page.locator(".peek"), page.locator(".spots circle")
        assert not peek.is_visible()
        spots.nth(3).hover(force=True)
        assert (peek.is_visible() and "test" in peek.inner_text()) or "train" in peek.inner_text()
        page.mouse.move(0, 0)
        spots.first.focus()
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.activeElement.dataset.tile") == "1"
        assert peek.is_visible() and page.messages == []
