"""The networks of a study beside the paper's table of them: input, layers, parameters, size."""

from pathlib import Path

import pandas as pd

from covid_keras import recipes
from covid_keras.models import registry
from covid_keras.recipes.config import height_width
from covid_keras.recipes.published import published
from covid_keras.studies.study import Source, Study, recipe_of
from covid_keras.utils import latex
from covid_keras.utils.files import write_text
from covid_keras.utils.text import csv_text, markdown_page

NOTE = (
    "Inputs are width x height in pixels. Ours: parameters with a head of one output, and their"
    " size as float32."
)


def write_networks(study: Study, out: Path, source: Source) -> list[Path]:
    """Write networks.md, .csv and .tex, if the paper has a table of networks; return the paths."""
    table = published(study.recipe, "networks")
    if table is None:
        return []
    inputs = {}
    for trial in study.trials:
        recipe = recipe_of(study, trial, source, phantom=source.data is None)
        height, width = height_width(recipe.input.crop)
        inputs[recipe.model.name] = f"{width}x{height}"
    rows = []
    for name, settings in recipes.get(study.recipe).variants.items():
        if (network := settings["model.name"]) in inputs:
            millions = registry.get(network).parameters / 1e6
            ours = {"input": inputs[network], "parameters (M)": f"{millions:.2f}"}
            ours["size (MB)"] = f"{4 * millions:.1f}"
            rows.append([name, "ours", *(ours.get(column, "") for column in table.columns)])
            rows.append([name, "published", *table.cells(name, table.columns)])
    head, title = ["network", "", *table.columns], f"Networks. {study.title}"
    notes = [NOTE, f"Published: {table.source}."]
    align, caption = "ll" + "r" * len(table.columns), " ".join([f"{title}.", *notes])
    contents = {
        "md": markdown_page(title, [head, *rows], [], notes),
        "csv": csv_text(pd.DataFrame(rows, columns=["network", "from", *table.columns])),
        "tex": latex.table([[head], rows], align, caption, f"{study.name}-networks"),
    }
    for kind, content in contents.items():
        write_text(out / f"networks.{kind}", content)
    return [out / f"networks.{kind}" for kind in contents]
