"""Records from columns, without label files."""

import pandas as pd

from covid_keras.datasets.label_files import COLUMNS, NO_BOX, Row
from covid_keras.datasets.records import make_table


def made_records(image, label, *, patient="", split="", source="", box=(NO_BOX,)) -> pd.DataFrame:
    """The table of `load_records` from columns; a text is the value of every row."""
    number = len(image)
    texts = [
        [values] * number if isinstance(values, str) else values
        for values in (label, patient, split, source)
    ]
    boxes = list(box) * (number if len(box) == 1 else 1)
    rows = zip(image, *texts, boxes, strict=True)
    return make_table(Row(*row) for row in rows)[list(COLUMNS)]


def records_by_source(train: list[tuple[str, str]], test: list[tuple[str, str]]):
    """Records from (source, label) pairs."""
    rows = [(*row, split) for split, part in (("train", train), ("test", test)) for row in part]
    sources, labels, splits = zip(*rows, strict=True)
    images = [f"{n}.png" for n in range(len(rows))]
    return made_records(images, labels, source=sources, split=splits)
