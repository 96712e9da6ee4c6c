"""The catalogue: names, cards and how fast it answers."""

import subprocess
import sys

import pytest

from covid_keras.datasets import catalogue
from covid_keras.utils.errors import InputError

CONTRACT = (
    "covidx-ct-1 covidx-ct-2a covidx-ct-2b covidx-ct-3a covidx-ct-3b covidx-cxr-1 covidx-cxr-8b"
    " covidx-cxr-9b covid19-ct sars-cov-2-ct xray-3class folder phantom-ct phantom-xray"
)


def test_every_name_of_the_contract_has_a_card():
    assert set(CONTRACT.split()) <= set(catalogue.names())
    for name in catalogue.names():
        assert catalogue.get(name).name == name


def test_unknown_name_gives_near_misses():
    with pytest.raises(InputError, match=r"covidx-ct-2: unknown; did you mean .*covidx-ct-2a"):
        catalogue.get("covidx-ct-2")
    with pytest.raises(InputError, match=r"zzz: unknown; known: covidx-ct-1"):
        catalogue.get("zzz")


@pytest.mark.parametrize("name", catalogue.names())
def test_a_card_is_consistent(name):
    card = catalogue.get(name)
    assert card.modality in ("ct", "xray", "any")
    assert card.split in ("official", "holdout")
    assert (card.split == "official") == bool(card.splits)
    for counts in card.images.values():
        assert len(counts) == len(card.classes)
    assert set(card.patients) <= set(card.images)
    assert card.kaggle or card.instruction
    for download in card.downloads:
        assert len(download.sha256) == 64
        assert download.url.endswith("/" + download.path)


def test_published_totals():
    def total(name):
        return sum(map(sum, catalogue.get(name).images.values()))

    assert total("covidx-ct-2a") == 194_922
    assert total("covidx-ct-2b") == 201_103
    assert total("covidx-ct-3a") == 425_024
    assert total("covidx-ct-3b") == 431_205
    assert total("covidx-cxr-8b") == 15_952 + 400
    assert total("covid19-ct") == 746
    assert sum(catalogue.get("covidx-ct-2a").patients.values()) == 3_745
    assert sum(catalogue.get("covidx-ct-3b").patients.values()) == 6_068


def test_the_printed_card_shows_the_counts():
    card = catalogue.get("covidx-ct-2a")
    assert card.counts("val") == {"Normal": 11842, "Pneumonia": 7400, "COVID-19": 6244}
    rows = [line.split() for line in str(card).splitlines()]
    assert ["val", "11842", "7400", "6244", "25486", "482"] in rows
    assert card.line().split()[:3] == ["covidx-ct-2a", "ct", "194,922"]
    assert "images        not stated" in str(catalogue.get("folder"))


def test_the_list_needs_neither_pandas_nor_tensorflow():
    code = (
        "import sys; from covid_keras.datasets import catalogue;"
        "print([catalogue.get(n).line() for n in catalogue.names()]);"
        "sys.exit(bool({'pandas', 'numpy', 'cv2', 'keras', 'tensorflow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
