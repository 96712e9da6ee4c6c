"""The pages of a run: report.html and card.md.

report.html is one file that needs no network. card.md is the model card (Mitchell et al. 2019):
facts of a run, open questions, checklists.
"""

from collections.abc import Iterator
from pathlib import Path

from covid_keras.metrics.operating_point import Moved, OperatingPoint, move
from covid_keras.metrics.verdict import verdict
from covid_keras.report.cards import cards
from covid_keras.report.checklists import LISTS
from covid_keras.report.checklists.facts import all_facts
from covid_keras.report.page import Page, Section
from covid_keras.report.picture_sections import picture_sections
from covid_keras.report.record_sections import audit_section, missing_section, record_sections
from covid_keras.report.render import render, write_page
from covid_keras.report.run_summary import RunSummary, read_run
from covid_keras.report.set_sections import set_sections
from covid_keras.report.shortcut_section import shortcut_section
from covid_keras.runs.predictions_file import read_predictions
from covid_keras.utils.files import write_text


def write_report(run_folder: str | Path) -> Path:
    """Write report.html into a run folder, from the files that are there; return its path.

    Raises:
        InputError: the folder does not exist, or a file in it is damaged.
    """
    run = read_run(run_folder)
    write_page(run.folder.report_file, run_page(run))
    return run.folder.report_file


def run_page(run: RunSummary) -> Page:
    """Return the page of a run, as values."""
    head = {"title": run.title, "lead": run.lead, "stamps": run.stamps}
    sections = [section for section in (missing_section(run), *_sections(run)) if section]
    if not (name := run.main_set):
        return Page(**head, sections=sections)
    said = verdict(run.metrics, name)
    return Page(**head, verdict=said, cards=cards(run.metrics, name), sections=sections)


def _sections(run: RunSummary) -> Iterator[Section | None]:
    name = run.main_set
    if name:
        yield from _of_set(run, name)
        yield audit_section(run.results[name])
    yield shortcut_section(run.metrics)
    yield from picture_sections(run)
    for other in run.results:
        if other != name:
            part = "selection, not a test" if other in ("train", "val") else "another test"
            yield Section(f"Set {other} ({part})", _of_set(run, other))
    yield from record_sections(run)


def _of_set(run: RunSummary, name: str) -> list[Section]:
    return set_sections(name, run.results[name], _moved(run, name), run.comparisons(name))


def _moved(run: RunSummary, name: str) -> Moved | None:
    """Return the predictions of a set at the operating point with which it was scored."""
    file, result = run.folder.predictions_file(name), run.results[name]
    if not file.exists():
        return None
    if "calibration" not in result:
        return Moved(read_predictions(file))
    temperature = result["calibration"]["temperature"]
    rule = result.get("patient_level", {}).get("rule")
    return move(OperatingPoint(temperature, None, rule, 0), read_predictions(file))


def write_card(run_folder: str | Path) -> Path:
    """Write card.md into a run folder; otherwise as `write_report`."""
    run = read_run(run_folder)
    card = render("card.md", run=run, facts=all_facts(run), checklists=LISTS)
    write_text(run.folder.card_file, card)
    return run.folder.card_file
