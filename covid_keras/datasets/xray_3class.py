"""DarkCovidNet's X-rays: card; class folders, patient ids of a manifest if there is one."""

from covid_keras.datasets.card import Card
from covid_keras.datasets.folder import read_classes

CARD = Card(
    name="xray-3class",
    title="X-rays in three class folders (DarkCovidNet's layout)",
    modality="xray",
    classes=("No_findings", "Pneumonia", "Covid-19"),
    read=read_classes,
    split="holdout",
    labelled_by="the source datasets",
    homepage="https://github.com/muhammedtalo/COVID-19",
    citation="Ozturk et al.: Automated detection of COVID-19 cases using deep neural networks with"
    " X-ray images. Comput. Biol. Med. 121:103792, 2020",
    notes="Covid-19 and the other two classes come from different sources, with different image"
    " sizes. Patient ids are read from manifest.csv (columns path, patient_id) if it is present.",
    instruction="git clone https://github.com/muhammedtalo/COVID-19; the dataset's folder is"
    " 'X-Ray Image DataSet' in it.",
)
