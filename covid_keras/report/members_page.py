"""The page of a folder of folds or seeds: its verdict, each run drawn, and all answers as one."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from covid_keras.evaluation.out_of_fold import TEST, out_of_fold
from covid_keras.metrics.member_sentences import as_one
from covid_keras.metrics.scores import OVERALL
from covid_keras.metrics.sentences import beside, beside_lines
from covid_keras.metrics.verdict import verdict
from covid_keras.metrics.verdict_words import listed
from covid_keras.report.cards import cards
from covid_keras.report.page import (
    Bars,
    Block,
    Code,
    Gallery,
    Links,
    Page,
    Picture,
    Section,
    Side,
    Table,
    Text,
    metric_bar,
)
from covid_keras.report.picture_sections import FEATURES, picture_sections
from covid_keras.report.pictures import LARGEST
from covid_keras.report.record_sections import record_sections
from covid_keras.report.render import write_page
from covid_keras.report.run_summary import RunSummary, number, read_run
from covid_keras.report.set_sections import set_sections
from covid_keras.report.shortcut_section import shortcut_section
from covid_keras.runs.metrics_file import read_metrics
from covid_keras.runs.run import Run
from covid_keras.utils.text import shell, short_path

Runs = Mapping[str, RunSummary]
"""{place in the folder: run}."""
REPEATED = ("Data", "Recipe", "Environment")
"""Sections that are those of the first run."""


def write_members_report(folder: str | Path) -> Path:
    """Write report.html into a folder of folds or seeds; return its path.

    Raises:
        InputError: metrics.json is missing, or a file is damaged.
    """
    top = Run(Path(folder))
    write_page(top.report_file, members_page(top))
    return top.report_file


def members_page(top: Run) -> Page:
    """Return the page of a folder of folds or seeds, as values."""
    metrics = read_metrics(top.metrics_file)
    name = TEST if TEST in metrics["splits"] else next(iter(metrics["splits"]))
    result = as_one(metrics, name)["splits"][name]
    runs = {str(run.path.relative_to(top.path)): read_run(run.path) for run in top.members}
    done = {place: run for place, run in runs.items() if name in run.results}
    unit, moved = "run", None
    if "folds" in result and (folds := out_of_fold([run.folder for run in done.values()])):
        unit, moved = "fold", folds.moved()
    shortcuts = shortcut_section(metrics) if name == TEST else None
    return Page(
        title=f"{unit.capitalize()}s of {top.path.resolve().name}",
        lead=next(iter(done.values())).lead,
        stamps=metrics["stamps"],
        verdict=verdict(metrics, name),
        cards=cards(metrics, name),
        brackets=Page.brackets if moved else "the lowest and the highest run",
        sections=[
            Section(f"Each {unit}", [*_each(done, name, result)], open=True),
            Section(f"Pages of the {unit}s", [*page_links(top.path, runs)], open=True),
            *set_sections(name, result, moved, beside_lines(beside(metrics, name))),
            *([shortcuts] if shortcuts else []),
            _looks(runs),
            *_others(runs, metrics, name),
            *_records(top, runs),
        ],
    )


def _each(runs: Runs, name: str, result: Mapping) -> Iterator[Block]:
    """Yield the scores of each run as bars, and as a table."""
    levels = {"By image": {place: run.results[name] for place, run in runs.items()}}
    by_patient = {place: run.results[name].get("patient_level") for place, run in runs.items()}
    if all(by_patient.values()):
        levels = {"By patient": by_patient} | levels
    charts = []
    for level, results in levels.items():
        of_all = result.get("patient_level") if level == "By patient" else result
        for metric in ("accuracy", "macro_auc"):
            rows = [metric_bar(place, each["metrics"][metric]) for place, each in results.items()]
            mark = of_all and of_all["metrics"][metric]["value"]
            charts.append(Bars(rows, f"{level}: {OVERALL[metric]}", mark=mark))
    yield Side(charts)
    line = "all of them together" if "folds" in result else "their mean"
    yield Text(f"In percent with 95 % intervals of each. The line is {line}.", small=True)
    rows = [
        (
            place,
            number(run.results[name]["images"]),
            number(run.results[name]["patients"]),
            *(_value(run.results[name]["metrics"][metric]) for metric in OVERALL),
            _value((run.metrics.get("metadata_baseline") or {}).get("macro_auc")),
        )
        for place, run in runs.items()
    ]
    header = ("run", "images", "patients", *OVERALL.values(), "baseline's AUC")
    yield Table(header, rows, "Scores by image, in percent")


def _value(entry: Mapping | None) -> str:
    known = entry and entry["value"] is not None
    return f"{100 * entry['value']:.1f}" if known else "not known"


def page_links(top: Path, places: Iterable[str]) -> Iterator[Block]:
    """Yield links from a page in `top` to the pages in `places` below it, and the commands that
    write those that are missing."""
    written = {place: (top / place / "report.html").exists() for place in places}
    if made := {place: f"{place}/report.html" for place, there in written.items() if there}:
        yield Text("These files are beside this one:")
        yield Links(made)
    if missing := [top / place for place, there in written.items() if not there]:
        yield Text("To write a page:")
        commands = [f"covid-keras report {shell(short_path(str(p.resolve())))}" for p in missing]
        yield Code("\n".join(commands))


def _looks(runs: Runs) -> Section:
    """Return the maps and cases of each run that was explained, as far as a page has room."""
    parts, used, left = [], 0, []
    for place, run in runs.items():
        for section in picture_sections(run):
            if section.title == FEATURES:
                continue
            if used + (size := _size(section)) > LARGEST:
                left.append(place)
                continue
            used += size
            parts.append(Section(f"{place}: {section.title}", section.blocks))
    if left:
        parts.append(Text(f"On the pages of the runs, as this one has no room: {listed(left)}."))
    if not parts:
        commands = "\n".join(f"covid-keras explain {run.place}" for run in runs.values())
        parts = [Text("No maps were drawn. To draw them:"), Code(commands)]
    return Section("Where they look", parts)


def _size(block: Block) -> int:
    """Return the characters of the pictures in a block."""
    if isinstance(block, Section):
        return sum(map(_size, block.blocks))
    if isinstance(block, Gallery):
        return sum(map(_size, block.pictures))
    return len(block.source) if isinstance(block, Picture) else 0


def _others(runs: Runs, metrics: Mapping, name: str) -> Iterator[Section]:
    """Yield the scores of the runs on each other set."""
    for other, result in metrics["splits"].items():
        if other != name:
            part = "selection, not a test" if other in ("train", "val") else "another test"
            done = {place: run for place, run in runs.items() if other in run.results}
            yield Section(f"Set {other} ({part})", [*_each(done, other, result)])


def _records(top: Run, runs: Runs) -> Iterator[Section]:
    """Yield the data, recipe and environment of the first run, and how to do it again."""
    place, first = next(iter(runs.items()))
    for section in record_sections(first):
        if section.title in REPEATED:
            yield Section(f"{section.title} of {place}", section.blocks)
    folder = shell(short_path(str(top.path.resolve())))
    command = first.environment.get("command") or "# the command of the training is not known"
    steps = [f"covid-keras {step} {folder}" for step in ("evaluate", "report")]
    yield Section("Run it again", [Code("\n".join([command, *steps]))])
