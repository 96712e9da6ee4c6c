"""The reference pages made from the code are up to date."""

import make_reference
import pytest


@pytest.mark.parametrize("name", make_reference.PAGES)
def test_the_page_is_up_to_date(name):
    committed = (make_reference.FOLDER / name).read_text(encoding="utf-8")
    assert committed == make_reference.PAGES[name](), "run: python docs/make_reference.py"


def test_every_public_name_is_on_the_page():
    page = make_reference.api_page()
    for name in make_reference.covid_keras.__all__:
        assert page.count(f"\n### {name}\n") == 1
