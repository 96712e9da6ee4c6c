"""COVID19-CT: class folders, official split lists and patient ids of the metadata.

Two layouts: a clone of github.com/UCSD-AI4H/COVID-CT (Images-processed/, Data-split/, metadata in
the root, one of them an .xlsx), and a flat one (CT_COVID/, CT_NonCOVID/, official_split/, meta/).
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from zipfile import BadZipFile

from covid_keras.datasets.card import Card
from covid_keras.datasets.label_files import OnProblem, Row, find_file, read_csv, read_list
from covid_keras.images.formats import without_suffix
from covid_keras.utils.errors import InputError


def read(card: Card, root: Path, splits: Sequence[str], on_problem: OnProblem) -> list[Row]:
    """Read the split lists of both classes; an image without a patient id is a problem."""
    rows = []
    for label in card.classes:
        patients = _patients(root, label, on_problem)
        folders = (f"CT_{label}", f"Images-processed/CT_{label}")
        for split in splits:
            name = f"{split}CT_{label}.txt"
            places = (f"official_split/{name}", f"Data-split/{label}/{name}", name)
            parse = partial(_parse, label=label, split=split, patients=patients)
            listed = read_list(root, places, parse, folders, on_problem)
            for row in listed:
                if not row.patient:
                    on_problem(
                        f"{row.file}:{row.line}: expected a patient id in the metadata."
                        f" Received: none: {Path(row.image).name}"
                    )
            rows += listed
    return rows


def _parse(image: str, label: str, split: str, patients: dict[str, str]) -> Row:
    return Row(image, label, patients.get(without_suffix(image), ""), split)


def _patients(root: Path, label: str, on_problem: OnProblem) -> dict[str, str]:
    """Return {file name without suffix: patient id}; the metadata give some names without it."""
    name = f"{label}-CT-MetaInfo"
    places = [f"{folder}{name}.{suffix}" for folder in ("meta/", "") for suffix in ("csv", "xlsx")]
    path = find_file(root, places)
    if path is None:
        on_problem(f"{root / 'meta' / name}.csv: metadata file with the patient ids not found")
        return {}
    if path.suffix == ".csv":
        columns = ["file name" if label == "COVID" else "image name", "patient id"]
        pairs = [[row[column] for column in columns] for _, row in read_csv(path, columns)]
    else:
        import pandas as pd  # here, so that listing data sets does not wait for it

        try:
            sheet = pd.read_excel(
                path, usecols=[0, 1], dtype=str, keep_default_na=False, engine="openpyxl"
            )
        except (BadZipFile, KeyError, ValueError, OSError) as error:
            raise InputError(f"{path}: expected an .xlsx workbook. Received: {error}") from None
        pairs = [pair for pair in sheet.itertuples(index=False, name=None) if pair[0]]
    return {without_suffix(image.strip()): patient.strip() for image, patient in pairs}
