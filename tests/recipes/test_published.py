"""The papers' tables: which rows and columns they have, and numbers that agree with each other."""

import pytest

from covid_keras import recipes
from covid_keras.models import registry
from covid_keras.recipes.published import published

TABLES = [
    (name, paper["study"])
    for name in recipes.RECIPES
    for paper in recipes.TABLES[name]["published"]
]
NETWORKS = recipes.get("ct-networks").variants


@pytest.mark.parametrize(("recipe", "study"), TABLES)
def test_every_cell_is_a_number_of_a_named_table(recipe, study):
    table = published(recipe, study)
    assert "table" in table.source and recipes.get(recipe).citation in table.source
    for row, cells in table.rows.items():
        assert cells and set(cells) <= set(table.columns)
        if not study.startswith(("networks", "sizes")):
            texts = filter(None, table.cells(row, table.columns))
            numbers = [float(text.split(" (")[0]) for text in texts]
            assert all(50 < number <= 100 for number in numbers), row


def test_what_the_papers_say():
    main = published("ct-bit", "main")
    cells = {"PPV CP": "90.2", "Sn NCP": "80.2", "accuracy": "94.5"}
    assert {key: main.rows["COVID-Net CT-1"][key] for key in cells} == cells
    assert main.cells("BiT-M", ("accuracy", "NPV NCP", "other")) == ("99.2", "99.6", "")
    assert published("ct-bit", "few-images").rows["BiT-M, 100 images per class"] == {
        "accuracy, test": "94.8"
    }
    peers = published("cxr-bit", "main").rows
    assert peers["COVID-Net"] == {"accuracy": "94.0", "sensitivity": "93.5", "PPV": "100.0"}
    last = published("ct-2class", "ct-2class").rows
    assert list(last) == list(recipes.get("ct-2class").variants)
    assert [cells["accuracy"] for cells in last.values()] == ["84.51", "60", "95.98"]
    assert published("ct-bit", "resolution-schedule-mixup") is None


@pytest.mark.parametrize(("dataset", "others"), [("sars-cov-2-ct", 5), ("covid19-ct", 6)])
def test_f1_follows_from_precision_and_recall(dataset, others):
    """A slip of the pen in a digit would show: means over folds leave 0.3 points."""
    table = published("ct-networks", dataset)
    assert list(table.rows)[: len(NETWORKS)] == list(NETWORKS)
    assert len(table.rows) == len(NETWORKS) + others
    for row in list(NETWORKS):
        text = table.cells(row, ("precision", "recall", "F1"))
        precision, recall, f1 = (float(cell.split()[0]) for cell in text)
        assert 2 * precision * recall / (precision + recall) == pytest.approx(f1, abs=0.35), row


def test_the_table_of_networks_fits_ours():
    table = published("ct-networks", "networks").rows
    for row, settings in NETWORKS.items():
        network = registry.get(settings["model.name"])
        height, width = network.input_size
        assert table[row]["input"] == f"{width}x{height}"
        parameters, size = (float(table[row][name]) for name in ("parameters (M)", "size (MB)"))
        assert network.parameters / 1e6 == pytest.approx(parameters, rel=0.01)
        assert 4 * parameters == pytest.approx(size, rel=0.11), "4 bytes each"
