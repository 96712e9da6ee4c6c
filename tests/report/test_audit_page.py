"""The page of an audit: findings, baselines, counts and pairs of images."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_images import write_images

from covid_keras.audit.check import WARN, AuditData, Finding
from covid_keras.audit.inventory import SHOWN, Inventory
from covid_keras.audit.result import Audit
from covid_keras.datasets import catalogue
from covid_keras.report.audit_page import PAIRS, write_audit_page

COUNTS = pd.DataFrame({"a|b": [4, 2], "<i>": [3, 1]}, index=["train", "test"])


def make(root: Path, **parts) -> Audit:
    """An audit without findings of images a.png and b.png, with `parts` in the place of its own."""
    sizes = {"a.png": (40, 30), "b.png": (40, 60)}
    write_images(root, {name: np.full(size, 99, np.uint8) for name, size in sizes.items()})
    images = COUNTS.stack().rename_axis(["split", "label"])
    records = images.index.repeat(images).to_frame(index=False)
    records["patient"] = [
        f"p{n % 4}" if split == "train" else "" for n, split in enumerate(records["split"])
    ]
    data = AuditData(
        root=root,
        card=catalogue.get("folder"),
        classes=tuple(COUNTS.columns),
        records=records,
        split="the data set's own split",
        attributes=pd.DataFrame(index=records.index),
        scan=None,
        scanned=records,
        properties=pd.DataFrame(index=records.index),
        baselines=(),
        accepted=frozenset(),
    )
    return Audit(data, **{"findings": (), "inventory": ()} | parts)


def finding(pairs=()) -> Finding:
    return Finding("leak_of_pairs", "leak", WARN, "<b>two</b> pairs", "means", {}, tuple(pairs))


def page(audit: Audit, out: Path) -> str:
    return write_audit_page(audit, out).read_text()


def test_the_page_names_the_data_without_the_folders_above(tmp_path):
    pair = ("a.png", "none.png")
    text = page(make(tmp_path / "set", findings=(finding([pair]),)), tmp_path)
    assert str(tmp_path) not in text
    assert (
        '<p class="lead">set: ' in text and "a.png and none.png: none.png: file not found" in text
    )


def test_the_page_needs_nothing_from_outside(tmp_path):
    text = page(make(tmp_path / "set", findings=(finding([("a.png", "b.png")]),)), tmp_path)
    assert not re.findall(r"<link|https?://|src=\"(?!data:)|url\(", text)
    assert text.count("data:image/webp;base64,") == 1
    assert "a.png and b.png</figcaption>" in text
    assert "&lt;b&gt;two&lt;/b&gt; pairs" in text and "<b>" not in text and "<i>" not in text
    assert text.index("not a medical device") < text.index("<h2")


def test_findings_and_counts_are_tables(tmp_path):
    text = page(make(tmp_path / "set", findings=(finding(),)), tmp_path)
    assert ">WARN</th>" in text and ">leak</td>" in text
    head = re.search("<caption>Images and patients</caption>.*?</thead>", text, re.S)[0]
    assert re.findall("<th[^>]*>([^<]*)</th>", head) == [
        *("split", "a|b", "&lt;i&gt;", "images", "patients")
    ]
    row = re.search("<th[^>]*>test</th>.*?</tr>", text, re.S)[0]
    assert re.findall(">([^<]+)</t[hd]>", row) == ["test", "2", "1", "3", "not known"]
    assert "<h2>Baselines</h2>" not in text and "<h2>Inventory</h2>" not in text


def test_the_verdict_counts_the_findings_and_says_what_is_unknown(tmp_path):
    text = page(make(tmp_path / "set", findings=(finding(),)), tmp_path)
    assert "Findings: 1 WARN." in text
    assert "A score cannot show that a network works elsewhere" in text


def test_no_findings_are_said(tmp_path):
    assert "<p>None.</p>" in page(make(tmp_path / "set"), tmp_path)


@pytest.mark.parametrize("more", [0, 3])
def test_some_pairs_are_shown_and_the_others_are_counted(tmp_path, more):
    pairs = [("a.png", "b.png")] * (PAIRS + more)
    text = page(make(tmp_path / "set", findings=(finding(pairs),)), tmp_path)
    assert text.count("<img") == PAIRS
    assert ("3 more are in audit.json." in text) == bool(more)


def test_a_pair_that_cannot_be_read_is_named(tmp_path):
    text = page(make(tmp_path / "set", findings=(finding([("a.png", "none.png")]),)), tmp_path)
    assert "a.png and none.png: " in text and "<img" not in text


def test_rare_values_are_one_row(tmp_path):
    values = [f"v{number:02}" for number in range(SHOWN + 2)]
    counts = pd.DataFrame({"a": range(SHOWN + 2), "b": 1}, index=values)
    text = page(make(tmp_path / "set", inventory=(Inventory("size", 0.5, counts),)), tmp_path)
    assert "size: Cramér&#39;s V 0.50" in text
    rows = [re.findall(">([^<]+)</t[hd]>", row) for row in re.findall("<tr.*?</tr>", text, re.S)]
    assert ["2 other values", "1", "2"] in rows
    assert [values[-1], f"{SHOWN + 1}", "1"] in rows


def test_numbers_are_rows_in_order_of_value(tmp_path):
    counts = pd.DataFrame({"a": [1, 9, 4], "b": [1, 0, 0]}, index=["(1, 8]", "9", "(9, 20]"])
    text = page(make(tmp_path / "set", inventory=(Inventory("age", 0.5, counts),)), tmp_path)
    assert re.findall(r'data-label="age">([^<]*)</th>', text) == list(counts.index)
