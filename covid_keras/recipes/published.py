"""The tables of the papers, as printed: the results of their own networks and of other works."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from covid_keras import recipes

NO_VALUE = "-"


@dataclass(frozen=True)
class Published:
    """A table of a paper. Its cells are text, digit by digit as printed."""

    source: str
    """Which table of which paper, and the data set."""
    dataset: str
    """Name in the catalogue, or words for images that no data set of the catalogue holds."""
    columns: tuple[str, ...]
    rows: Mapping[str, Mapping[str, str]]
    """{row: {column: cell}}, in percent; without the cells that have no value."""

    def cells(self, row: str, columns: Sequence[str]) -> tuple[str, ...]:
        """Return the cells of a row, such as "99.2" or "95.1 (1.3)"; "" without a value."""
        return tuple(self.rows[row].get(column, "").replace("(", " (") for column in columns)

    def renamed(self, names: Mapping[str, str]) -> "Published":
        """Return the table with other names of its rows, {name: new name}."""
        rows = {names.get(row, row): cells for row, cells in self.rows.items()}
        return dataclasses.replace(self, rows=rows)


def published(recipe: str, study: str) -> Published | None:
    """Return the paper's table of a study of a recipe; None if it has none.

    Example:
        >>> from covid_keras.recipes.published import published
        >>> published("cxr-bit", "main").rows["BiT-M"]["accuracy"]
        '96.5'
    """
    paper = recipes.TABLES[recipe]
    table = next((table for table in paper["published"] if table["study"] == study), None)
    if table is None:
        return None
    columns = tuple(table["columns"])
    rows = {row: zip(columns, line.split(), strict=True) for row, line in table["rows"].items()}
    known = {
        row: {column: cell for column, cell in cells if cell != NO_VALUE}
        for row, cells in rows.items()
    }
    dataset = table.get("dataset", "")
    source = f"{table['source']} of {paper['citation']}" + (dataset and f", on {dataset}")
    return Published(source, dataset, columns, known)
