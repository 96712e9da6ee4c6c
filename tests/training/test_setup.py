"""Setting up a run: what the run folder keeps, wherever the process that reads it runs."""

import made_images
import pytest

from covid_keras.training.setup import set_up

KAGGLE = "google/bit/tensorFlow2/m-r50x1/1"


@pytest.mark.parametrize("handle", ["module", "./images/../module", KAGGLE])
def test_a_folder_of_a_hub_module_is_kept_as_an_absolute_path(tmp_path, monkeypatch, handle):
    """The run is trained in one folder and loaded from any other."""
    records = made_images.dark_and_bright(tmp_path / "images")
    records[["image", "label", "patient"]].to_csv(tmp_path / "images/labels.csv", index=False)
    (tmp_path / "module").mkdir()
    monkeypatch.chdir(tmp_path)
    settings = {"model.name": f"hub:{handle}", "training.batch": 4}
    settings |= {"input.crop": 16, "training.gradcam": 0}
    given = {"dataset": "folder", "weights": "random", "settings": settings}
    run = set_up(tmp_path / "run", "ct-bit", data=tmp_path / "images", **given)
    kept = handle if handle == KAGGLE else tmp_path / "module"
    assert run.recipe().model.name == f"hub:{kept}"
