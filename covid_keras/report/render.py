"""Jinja2 templates to pages; every value put into a page is escaped."""

import base64
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from covid_keras.metrics import sentences
from covid_keras.report.run_summary import number
from covid_keras.utils.text import count, markdown, short_path


def png(image: bytes | Path) -> str:
    """Return a PNG, or the PNG file of that path, as a data URI."""
    content = image.read_bytes() if isinstance(image, Path) else image
    return f"data:image/png;base64,{base64.b64encode(content).decode('ascii')}"


_HTML = Environment(
    loader=PackageLoader("covid_keras.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_HTML.filters |= {
    "png": png,
    "percent": sentences.percent,
    "overall": sentences.overall,
    "details": sentences.detail_lines,
    "number": number,
    "short_path": short_path,
}
_HTML.globals |= {"METRICS": sentences.METRICS, "OVERALL": sentences.OVERALL, "count": count}
_MARKDOWN = _HTML.overlay(autoescape=False, finalize=lambda value: markdown(str(value)))


def render(template: str, **values: object) -> str:
    """Return a file of `templates/`, filled: HTML, or Markdown for names that end in .md."""
    environment = _MARKDOWN if template.endswith(".md") else _HTML
    return environment.get_template(template).render(values)
