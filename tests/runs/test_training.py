"""What a run was trained on: from its recipe and its fingerprint."""

import pytest
from made_runs import change

from covid_keras.runs.run import Run
from covid_keras.runs.training import training_facts
from covid_keras.utils.errors import InputError


def make(folder, images=10, patients=4, dataset="covid19-ct") -> Run:
    folder.mkdir()
    change(folder, "recipe.json", model={"name": "resnet18"}, data={"dataset": dataset})
    counts = {"train": {"a": images, "b": 5}, "test": {"a": 7}}
    change(folder, "fingerprint.json", images=counts, patients={"train": patients, "test": 3})
    return Run(folder)


def test_the_facts_of_a_run(tmp_path):
    facts = {"runs": 1, "network": "resnet18", "dataset": "COVID19-CT", "images": 15, "patients": 4}
    assert training_facts([make(tmp_path / "a")]) == facts
    own = training_facts([make(tmp_path / "b", patients=0, dataset="folder")])
    assert own == facts | {"dataset": "own images", "patients": None}


def test_members_of_an_ensemble_that_differ(tmp_path):
    facts = training_facts([make(tmp_path / "a"), make(tmp_path / "b", images=11)])
    assert facts["runs"] == 2 and facts["network"] == "resnet18"
    assert facts["images"] is None and facts["patients"] == 4


def test_counts_that_are_not_known(tmp_path):
    run = make(tmp_path / "a")
    run.fingerprint_file.unlink()
    assert training_facts([run])["images"] is None
    change(run.path, "recipe.json", model=3)
    with pytest.raises(InputError, match=r"recipe\.json, model"):
        training_facts([run])
