"""The two synthetic datasets that covid_keras makes itself: cards."""

from covid_keras.datasets import covidx_ct, folder
from covid_keras.datasets.card import Card
from covid_keras.datasets.label_files import SPLITS


def _card(name: str, **facts) -> Card:
    return Card(
        name=name,
        split="official",
        splits=SPLITS,
        has_patients=True,
        labelled_by="construction",
        licence="that of this package",
        citation="none",
        notes="Not patients: for trying the software out, never for a claim about medicine.",
        **facts,
    )


CARDS = (
    _card(
        "phantom-ct",
        title="Synthetic chest CT slices made by this package",
        modality="ct",
        classes=("Normal", "Pneumonia", "COVID-19"),
        read=covidx_ct.read,
        label_files=("{split}_phantom-ct.txt",),
        image_folders=("images",),
        instruction="Made, not fetched: covid-keras data phantom --out DIR",
    ),
    _card(
        "phantom-xray",
        title="Synthetic chest X-rays made by this package",
        modality="xray",
        classes=("No_findings", "Pneumonia", "Covid-19"),
        read=folder.read,
        label_files=("labels.csv",),
        instruction="Made, not fetched: covid-keras data phantom --kind xray --out DIR",
    ),
)
