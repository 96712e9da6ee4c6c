"""Setting up a run: what the run folder keeps, wherever the process that reads it runs."""

import made_images
import pytest
import tiny

from covid_keras.training.setup import set_up
from covid_keras.utils.errors import InputError

KAGGLE = "google/bit/tensorFlow2/m-r50x1/1"


@pytest.mark.parametrize("handle", ["module", "./images/../module", KAGGLE])
def test_a_folder_of_a_hub_module_is_kept_as_an_absolute_path(tmp_path, monkeypatch, handle):
    """The run is trained in one folder and loaded from any other."""
    records = made_images.dark_and_bright(tmp_path / "images")
    records[["image", "label", "patient"]].to_csv(tmp_path / "images/labels.csv", index=False)
    (tmp_path / "module").mkdir()
    monkeypatch.chdir(tmp_path)
    settings = {"model.name": f"hub:{handle}", "training.batch": 4}
    settings |= {"input.crop": 16, "training.gradcam": 0, "data.positive": "dark"}
    given = {"dataset": "folder", "weights": "random", "settings": settings}
    run = set_up(tmp_path / "run", "ct-bit", data=tmp_path / "images", **given)
    kept = handle if handle == KAGGLE else tmp_path / "module"
    assert run.recipe().model.name == f"hub:{kept}"


@pytest.fixture
def unsplit(tmp_path):
    """Images of two classes without a split."""
    records = made_images.dark_and_bright(tmp_path / "images")
    records[["image", "label", "patient"]].to_csv(tmp_path / "images/labels.csv", index=False)
    return tmp_path / "images"


def test_the_positive_class_is_the_last_output(tmp_path, unsplit):
    for positive, classes in (("dark", ("bright", "dark")), ("bright", ("dark", "bright"))):
        settings = tiny.SETTINGS | {"data.positive": positive}
        run = set_up(tmp_path / positive, "ct-bit", data=unsplit, settings=settings)
        assert run.classes() == classes
        assert run.recipe().data.positive == positive
    with pytest.raises(InputError, match="expected --positive CLASS"):
        set_up(tmp_path / "b", "ct-bit", data=unsplit, settings=settings | {"data.positive": ""})
    assert not (tmp_path / "b").exists()


def test_the_best_weights_need_val(tmp_path, unsplit):
    settings = tiny.SETTINGS | {"data.val": 0}
    with pytest.raises(InputError, match=r"training\.keep=best: expected val images"):
        set_up(tmp_path / "best", "ct-bit", data=unsplit, settings=settings)
    settings["training.keep"] = "last"
    run = set_up(tmp_path / "last", "ct-bit", data=unsplit, settings=settings)
    assert set(run.split()["split"]) == {"train", "test"} and not run.has_val()


def test_runs_of_two_seeds_share_the_split_and_the_split_has_its_own_seed(tmp_path, unsplit):
    def split(name: str, seed: int, **changes):
        settings = tiny.SETTINGS | {key.replace("_", "."): v for key, v in changes.items()}
        run = set_up(tmp_path / name, "ct-bit", data=unsplit, settings=settings, seed=seed)
        return run.split()["split"].tolist()

    first = split("first", 0)
    assert split("second", 1) == first
    assert split("third", 0, data_seed=1) != first
