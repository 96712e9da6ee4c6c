"""Counts, aligned tables, near misses; names as Markdown, as CSV cells and in a shell."""

import io
import subprocess

import numpy as np
import pandas as pd
import pytest

from covid_keras.utils.text import (
    FEW,
    count,
    csv_text,
    markdown,
    near_misses,
    percent,
    plain_cell,
    shell,
    short_path,
    text_table,
)


def test_counts_take_the_singular_for_one():
    assert [count(n, "image") for n in (0, 1, 1200)] == ["0 images", "1 image", "1,200 images"]
    assert count(2, "class", "classes") == "2 classes"


def test_percent():
    assert percent(0.2917) == "29.2" and percent(1.0, 0) == "100"


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("/home/ann/scans", "scans"),
        ("~/scans", "scans"),
        ("../../home/ann/scans", "scans"),
        ("--data=/home/ann lee/scans", "--data=scans"),
        ("model.name=hub:/home/ann/m", "model.name=hub:m"),
        *((word, word) for word in ("runs/mine", "a/b=c/d", "https://tfhub.dev/a/1", "1/2", "/")),
    ],
)
def test_paths_from_above_are_shortened_and_nothing_else(text, short):
    assert short_path(text) == short


def test_a_path_below_the_working_folder_stays_usable(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert short_path(f"{tmp_path}/runs/mine") == "runs/mine"


def test_columns_are_aligned_by_side_and_the_last_side_holds_on():
    rows = [("split", "a", "total"), ("train", "12", "7")]
    assert text_table(rows) == ["split   a  total", "train  12      7"]
    assert text_table(rows, "<", " | ") == ["split | a  | total", "train | 12 | 7    "]
    assert text_table(rows, "<>")[1] == "train  12      7"


def test_near_misses_or_all_names():
    known = ("covidx-ct-2a", "covidx-ct-2b", "folder")
    near = near_misses("CovidX-CT-2", known)
    assert near.startswith("did you mean covidx-ct-2a or covidx-ct-2b? known: covidx-ct-2a,")
    assert near_misses("?", known) == "known: covidx-ct-2a, covidx-ct-2b, folder"


def test_near_misses_name_all_choices_where_they_are_few():
    many = [f"network{n}" for n in range(FEW + 1)]
    assert near_misses("ct-bitt", ("ct-bit", "x")) == "did you mean ct-bit? known: ct-bit, x"
    assert "known" not in near_misses("network33", many)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<b>COVID</b>", "&lt;b>COVID&lt;/b>"),
        ("a|b\nc", r"a\|b c"),
        ("[x](javascript:y)", r"[x]\(javascript:y)"),
        ("*bold* _it_ `code` ~~no~~ a\\b", r"\*bold\* \_it\_ \`code\` \~\~no\~\~ a\\b"),
        ("snake_case_1.png", "snake_case_1.png"),
        ("&lt;", "&amp;lt;"),
        ("93.1 [90.2, 95.4]", "93.1 [90.2, 95.4]"),
    ],
)
def test_markdown_shows_a_name_as_it_is(name, shown):
    assert markdown(name) == shown


CELLS = ("=1+1", "+a", "-a", "@a", "'=1", "''=1", "\ta", "\ra", "\na", "'a", "a=b", "", "007", "NA")


def test_no_cell_is_a_formula_and_every_cell_is_read_back():
    table = pd.DataFrame({"=name": CELLS, "b": np.arange(len(CELLS)) - 3.0}, dtype=object)
    table["b"] = table["b"].astype(float)
    read = pd.read_csv(io.StringIO(csv_text(table), newline=""), dtype=str, keep_default_na=False)
    assert not [cell for cell in [*read, *read["'=name"]] if cell.startswith(tuple("=+-@\t\r\n"))]
    assert [*map(plain_cell, read["'=name"])] == [*CELLS]
    assert plain_cell(next(iter(read))) == "=name"
    assert read["b"][0] == "-3.0"


def test_a_command_can_be_pasted(tmp_path):
    words = ["a b", "it's", "new\nline's", "\x1b[2J", "$HOME", "plain", "肺\n"]
    printed = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {shell(*words)}"], capture_output=True, check=True
    )
    assert printed.stdout.decode().split("\0")[:-1] == words
    assert "\n" not in shell(*words) and "\x1b" not in shell(*words)
