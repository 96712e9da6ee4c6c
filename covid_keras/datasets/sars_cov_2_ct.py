"""SARS-CoV-2 CT: card; class folders without patient ids."""

from covid_keras.datasets.card import Card
from covid_keras.datasets.folder import read_classes

CARD = Card(
    name="sars-cov-2-ct",
    title="SARS-CoV-2 CT-scan dataset",
    modality="ct",
    classes=("non-COVID", "COVID"),
    read=read_classes,
    split="holdout",
    images={"": (1229, 1252)},
    licence="CC BY-NC-SA 4.0, as stated by third parties",
    homepage="https://www.kaggle.com/plameneduardo/sarscov2-ctscan-dataset",
    citation="Soares, Angelov, Biaso, Froes, Abe: SARS-CoV-2 CT-scan dataset. medRxiv"
    " 2020.04.24.20078584, 2020",
    notes="Hospitals in Sao Paulo. No patient ids: every split is image-level. The paper counts"
    " 1230 non-COVID slices, the public copy has 1229; two pairs of COVID slices are duplicates"
    " (128 = 129, 134 = 135).",
    kaggle="plameneduardo/sarscov2-ctscan-dataset",
)
