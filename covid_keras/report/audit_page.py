"""audit.html: the page of an audit, one file that needs no network."""

import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from covid_keras.audit.check import FAIL, NOTE, WARN, Finding
from covid_keras.audit.inventory import SHOWN, Inventory
from covid_keras.audit.result import Audit
from covid_keras.datasets.records import image_root
from covid_keras.images.read import read_image
from covid_keras.metrics.verdict_words import AGAINST, FOR, GOOD, OPEN, UNKNOWN, WHAT, Sentence
from covid_keras.report.page import (
    Bar,
    Bars,
    Block,
    Page,
    Picture,
    Section,
    Side,
    Table,
    Text,
)
from covid_keras.report.pictures import webp
from covid_keras.report.render import write_page
from covid_keras.report.run_summary import NOT_A_DEVICE
from covid_keras.utils.errors import InputError
from covid_keras.utils.text import short_path

PAIRS = 20
"""How many pairs of a finding are shown at most; all are in audit.json."""
SIDE = 240
"""Pixels of the longer side of an image in a pair."""


def write_audit_page(audit: Audit, out: Path) -> Path:
    """Read the images of the pairs, write audit.html into the folder `out`; return its path."""
    write_page(out / "audit.html", audit_page(audit))
    return out / "audit.html"


def audit_page(audit: Audit) -> Page:
    """Return the page of an audit, as values."""
    root = image_root(audit.data.root)
    sections = [_findings(audit), _baselines(audit), _counts(audit)]
    sections += [_pairs(root, finding) for finding in audit.findings if finding.pairs]
    return Page(
        title=f"Audit of {audit.data.card.name}",
        lead=f"{short_path(str(audit.data.root))}: {audit.coverage}.",
        stamps=(NOT_A_DEVICE,),
        verdict=_verdict(audit),
        sections=[*filter(None, sections), *_inventory(audit)],
    )


def _verdict(audit: Audit) -> list[Sentence]:
    """Return how serious the findings are, and what a score can show."""
    severities = [finding.severity for finding in audit.findings]
    number = {name: severities.count(name) for name in (FAIL, WARN, NOTE)}
    listed = ", ".join(f"{n} {name.upper()}" for name, n in number.items() if n) or "none"
    tone = AGAINST if number[FAIL] else OPEN if severities else FOR
    found = [Sentence(WHAT, f"{audit.coverage}."), Sentence(GOOD, f"Findings: {listed}.", tone)]
    return found + [Sentence(UNKNOWN, text, OPEN) for text in audit.conclusions()]


def _findings(audit: Audit) -> Section:
    header = ("severity", "kind", "finding", "what it means")
    rows = [(f.severity.upper(), f.kind, f.text, f.explanation) for f in audit.findings]
    shown = Table(header, rows, "Findings", numbers=False) if rows else Text("None.")
    return Section("Findings", [shown], open=True)


def _baselines(audit: Audit) -> Section | None:
    """Return the accuracy of each baseline, drawn, and the table."""
    if not audit.data.baselines:
        return None
    bars = [
        Bar(b.name if b.blind else f"{b.name} (sees the centre)", text, b.accuracy, b.low, b.high)
        for b, (_, _, _, text, *_) in zip(
            audit.data.baselines, audit.baseline_rows()[1:], strict=True
        )
    ]
    header, *rows = audit.baseline_rows()
    note = (
        "Fitted on train, scored on test: gradient-boosted trees on columns, logistic regression on"
        " thumbnails of 32 x 32 pixels. In percent; Wilson intervals, which count images as"
        " independent."
    )
    table = Table(header, rows, "Baselines")
    return Section("Baselines", [Bars(bars, "accuracy"), table, Text(note, small=True)], open=True)


def _counts(audit: Audit) -> Section:
    header, *rows = audit.count_rows()
    return Section("Images", [Table(header, rows, "Images and patients")], open=True)


def _inventory(audit: Audit) -> list[Section]:
    """Return the association of every property with the class, drawn, and its counts."""
    if not audit.inventory:
        return []
    bars = [
        Bar(item.column, f"{item.cramers_v:.2f}", item.cramers_v, None, None)
        for item in audit.inventory
    ]
    tables = [
        Section(f"{item.column}: Cramér's V {item.cramers_v:.2f}", [_table(item)])
        for item in audit.inventory
    ]
    drawn = Bars(bars, "Cramér's V with the class: 0 is none, 1 determines it")
    return [Section("Inventory", [drawn, *tables])]


def _table(item: Inventory) -> Table:
    """Return the images per class of the most frequent values, and one row for all others."""
    shown = item.counts.sum(axis=1).rank(method="first", ascending=False) <= SHOWN
    rows = list(item.counts[shown].iterrows())
    if others := (~shown).sum():
        rows.append((f"{others:,} other values", item.counts[~shown].sum()))
    cells = [[str(value), *(f"{n:,}" for n in row)] for value, row in rows]
    return Table((item.column, *item.counts.columns), cells, item.column)


def _pairs(root: Path, finding: Finding) -> Section:
    """Return the first pairs of images of a finding, side by side."""
    blocks = [_side_by_side(root, *pair) for pair in finding.pairs[:PAIRS]]
    if more := len(finding.pairs) - len(blocks):
        blocks.append(Text(f"{more:,} more are in audit.json."))
    return Section(finding.text, [Side(blocks)])


def _side_by_side(root: Path, first: str, second: str) -> Block:
    """Return a picture of both images; a sentence if one of them cannot be read."""
    caption = f"{first} and {second}"
    try:
        images = [Image.fromarray(read_image(root / name)) for name in (first, second)]
    except InputError as error:
        return Text(f"{caption}: {str(error).replace(f'{root}{os.sep}', '')}")
    tiles = [ImageOps.pad(image, (SIDE, SIDE), centering=(0, 0)) for image in images]
    return Picture(webp(Image.fromarray(np.hstack(tiles))), caption)
