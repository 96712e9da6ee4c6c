"""What cannot work is refused before the first run of a study."""

from pathlib import Path

import numpy as np
import pytest
from made_images import write_images
from made_studies import planned

from covid_keras.studies.check import check_columns, check_study
from covid_keras.studies.study import POSITIVE, Column
from covid_keras.utils.errors import InputError


@pytest.fixture(scope="module")
def scans(tmp_path_factory) -> Path:
    """Class folders of two classes of one's own."""
    folder = tmp_path_factory.mktemp("scans")
    random = np.random.default_rng(0)
    names = [f"{name}/{number}.png" for name in ("healthy", "covid") for number in range(20)]
    return write_images(folder, {n: random.integers(256, size=(8, 8), dtype="u1") for n in names})


def refused(match: str, script: str, *arguments: str) -> None:
    _, source, study = planned(script, "--weights", "random", *arguments)
    with pytest.raises(InputError, match=match):
        check_study(study, source)


def test_a_crop_below_a_networks_minimum_names_the_row(scans):
    own = ["--data", str(scans), "--dataset", "folder", "--networks"]
    own += ["squeezenet", "inception_v3"]
    row = (
        r"^InceptionV3, random, image folds: input\.crop: expected 75 pixels or more for inception"
    )
    refused(row, "ct_networks", *own, "--set", "input.scale=0.2")


def test_columns_of_classes_that_the_data_do_not_have(scans):
    own = ["--data", str(scans), "--dataset", "folder"]
    message = "columns of this study are of the classes Normal, Pneumonia, COVID-19: expected data"
    refused(f"{message}.*Received: healthy, covid", "ct_bit", *own, "--set", "training.batch=8")


def test_more_images_of_a_class_than_there_are(scans):
    own = ["--data", str(scans), "--dataset", "folder", "--study", "few-images"]
    given = ["--set", "training.batch=8"]
    refused("per_class=50: class covid has 14 training images", "ct_bit", *own, *given)


def test_a_batch_that_no_training_split_fills(scans):
    own = ["--data", str(scans), "--dataset", "folder", "--set", "training.batch=64"]
    refused("batch larger than the training split", "ct_bit", *own, "--study", "initialisation")


@pytest.mark.slow
def test_one_output_for_three_classes():
    given = ["--set", "model.activation=sigmoid"]
    refused("model.activation=sigmoid: expected two classes", "ct_bit", *given)


def test_columns_find_their_class_by_name_in_any_order():
    column = Column("Sn Normal", "sensitivity", "Normal")
    assert column.place(("COVID-19", "Normal")) == 1
    assert column.place(("Normal", "Pneumonia", "COVID-19")) == 0
    assert Column("recall", "sensitivity", POSITIVE).place(("COVID-19", "Normal")) == 1
    check_columns([column], ("COVID-19", "Normal"))
    with pytest.raises(InputError, match="Received: COVID-19, Healthy"):
        check_columns([column], ("COVID-19", "Healthy"))
