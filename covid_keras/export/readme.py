"""README.md in an export folder: from an image file to a class name, and what that is worth."""

from pathlib import Path

from covid_keras.export.notes import Notes
from covid_keras.utils.files import write_text
from covid_keras.utils.text import markdown

_PAGE = """# An exported network

For research; **not a medical device**.

{stamps}

- Classes: {classes}.
- Recipe {recipe}, network {network}; run {run}; covid_keras {version}.
- Computes in {precision}. {point}
- Tests: {tests}.
- `covid_keras.json` holds all of this for programs. Grad-CAM needs the run folder.

## From an image file to a class name

{example}
"""


def write_readme(folder: Path, notes: Notes, example: str) -> None:
    """Write README.md; `example` is the part of the format's module."""
    known, recipe = notes.evidence, notes.recipe
    page = _PAGE.format(
        stamps="\n".join(f"> **{markdown(stamp)}**  " for stamp in notes.stamps),
        classes=", ".join(map(markdown, notes.classes)),
        recipe=markdown(recipe.name),
        network=markdown(recipe.model.name),
        run=known.run_id or "unknown",
        version=known.version,
        precision=notes.precision,
        point=_point(known.operating_point),
        tests="; ".join(map(_test, known.tests)) or "none known",
        example=example.strip(),
    )
    write_text(folder / "README.md", page)


def _point(point: dict | None) -> str:
    if point is None:
        return "No operating point: the run has no val, or was not evaluated."
    threshold = "" if point["threshold"] is None else f", threshold {point['threshold']:.3g}"
    rule = "" if point["patient_rule"] is None else f", patient rule {point['patient_rule']}"
    return (
        f"Operating point, fitted on val: temperature {point['temperature']:.3g}{threshold}{rule}."
    )


def _test(test: dict) -> str:
    value, low, high = (test[key] for key in ("value", "low", "high"))
    shown = "undefined" if value is None else f"{value:.3f}"
    bounds = "" if low is None or high is None else f" [{low:.3f}, {high:.3f}]"
    return f"{markdown(test['set'])}: {test['metric']} {shown}{bounds} on {test['images']:,} images"
