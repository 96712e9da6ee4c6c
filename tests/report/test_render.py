"""Templates: no silent gaps, and all of them in the wheel."""

from pathlib import Path

import pytest
from jinja2 import UndefinedError
from setuptools import Distribution

from covid_keras.report.render import render

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("template", ["page.html", "card.md"])
def test_a_value_that_is_not_given_is_an_error(template):
    with pytest.raises(UndefinedError):
        render(template, title="x", stamps=())


def test_every_data_file_of_the_package_is_in_the_wheel(monkeypatch):
    monkeypatch.chdir(ROOT)
    wheel = Distribution()
    wheel.parse_config_files(["setup.cfg"])
    build = wheel.get_command_obj("build_py")
    build.ensure_finalized()
    packed = {f"{folder}/{name}" for _, folder, _, names in build.data_files for name in names}
    files = Path("covid_keras").rglob("*")
    ours = {str(file) for file in files if file.is_file() and file.suffix not in (".py", ".pyc")}
    assert "covid_keras/report/templates/page.html" in packed
    assert ours == packed
