"""The tables of docs/explanation/maps.md are those of the kept scores."""

from pathlib import Path

import pandas as pd
import pytest

from covid_keras.metrics.faithfulness import FAITHFULNESS
from covid_keras.metrics.localisation import SCORES
from covid_keras.metrics.map_sentences import REFERENCES, correlation
from covid_keras.metrics.sentences import percent
from covid_keras.studies.explanations import ALIKE

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "explanation" / "maps.md").read_text(encoding="utf-8")
KEPT = sorted((DOCS / "results").glob("maps_*.csv"))
TABLES = (
    ("average_precision", "hit_rate", "mass", "miou_otsu"),
    (*FAITHFULNESS, *ALIKE),
)
"""The scores in the columns of each table."""


def table_lines(file: Path, keys: tuple[str, ...]) -> list[str]:
    """Return the rows of a table of these scores, as they are on the page."""
    table = pd.read_csv(file)
    titles = SCORES | FAITHFULNESS | ALIKE
    keys = [key for key in keys if (table["score"] == key).any()]
    rows = [["map", *(titles[key] for key in keys)], ["---"] * (len(keys) + 1)]
    for name in table["map"].unique():
        found = table[table["map"] == name].set_index("score")
        entries = {key: found.loc[key].to_dict() for key in keys if key in found.index}
        cells = [_cell(key, entries[key]) if key in entries else "" for key in keys]
        rows.append([REFERENCES.get(name, name), *cells])
    return [f"| {' | '.join(row)} |" for row in rows]


def _cell(key: str, entry: dict) -> str:
    return correlation(entry) if key in ALIKE else percent(entry)


@pytest.mark.parametrize("keys", TABLES, ids=["disease", "network"])
@pytest.mark.parametrize("file", KEPT, ids=lambda file: file.stem)
def test_the_tables_are_those_of_the_kept_scores(file, keys):
    assert "\n".join(table_lines(file, keys)) in PAGE


def test_there_are_kept_scores():
    assert KEPT
