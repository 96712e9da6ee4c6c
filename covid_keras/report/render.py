"""Jinja2 templates to pages; every value put into a page is escaped."""

import re
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from covid_keras.figures.canvas import OKABE_ITO
from covid_keras.metrics import sentences
from covid_keras.metrics.scores import METRICS, OVERALL
from covid_keras.report import charts
from covid_keras.report.page import Page
from covid_keras.report.run_summary import number
from covid_keras.utils.files import write_text
from covid_keras.utils.text import count, markdown


def unbroken(text: str) -> str:
    """Return the text with spaces that are not broken in intervals, and between number and "%"."""
    return _TOGETHER.sub(lambda part: part[0].replace(" ", "\u00a0"), text)


_TOGETHER = re.compile(r"(?<=\d) %|\[[-+\d., ]+\]")
_HTML = Environment(
    loader=PackageLoader("covid_keras.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_HTML.filters |= {
    "percent": sentences.percent,
    "overall": sentences.overall,
    "details": sentences.detail_lines,
    "number": number,
    "unbroken": unbroken,
    "stamp_lines": charts.stamp_lines,
}
_HTML.globals |= {
    "METRICS": METRICS,
    "OVERALL": OVERALL,
    "COLOURS": OKABE_ITO,
    "chart": charts,
    "count": count,
}
_MARKDOWN = _HTML.overlay(autoescape=False, finalize=lambda value: markdown(str(value)))


def render(template: str, **values: object) -> str:
    """Return a file of `templates/`, filled: HTML, or Markdown for names that end in .md."""
    environment = _MARKDOWN if template.endswith(".md") else _HTML
    return environment.get_template(template).render(values)


def write_page(path: Path, page: Page) -> None:
    """Write a page as one HTML file that needs no other file and no network."""
    write_text(path, render("page.html", page=page))
