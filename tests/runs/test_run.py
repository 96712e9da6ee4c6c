"""The run folder: its files, members, stamps and log of measurements."""

import json

import pytest
import tiny
from made_runs import tie

from covid_keras.runs.kept import Kept
from covid_keras.runs.run import NEW_OR_RESUME, Run, check_new, describe_predictions
from covid_keras.training.setup import check_resume
from covid_keras.utils.errors import InputError


def test_a_new_run_holds_recipe_split_environment_and_fingerprint(tmp_path):
    run = tiny.start_run(tmp_path)
    assert run.recipe() == tiny.recipe()
    assert run.classes() == tiny.CLASSES
    assert run.data_root() == tmp_path / "images"
    assert set(run.split()["split"]) == {"train", "val", "test"}
    environment = json.loads(run.environment_file.read_text())
    assert environment["packages"]["keras"] and environment["backend"]


def test_what_is_handed_on_names_no_folder_of_the_user(tmp_path, monkeypatch):
    words = ["covid-keras", "train", "--data", "/home/ann/scans", "--out=/home/ann/run"]
    monkeypatch.setattr("sys.argv", words)
    run = tiny.start_run(tmp_path)
    run.log_look("test", 3)
    for file in (run.test_log, run.environment_file):
        assert "covid-keras train --data scans --out=run" in file.read_text()
        assert "ann" not in file.read_text()


def test_only_a_new_or_empty_folder_becomes_a_run(tmp_path):
    check_new(tmp_path / "missing", NEW_OR_RESUME)
    (tmp_path / "empty").mkdir()
    check_new(tmp_path / "empty", NEW_OR_RESUME)
    run = tiny.start_run(tmp_path)
    with pytest.raises(InputError, match="run folder exists: give another --out, or --resume"):
        check_new(run.path, NEW_OR_RESUME)
    run.discard()
    assert not run.path.exists()


def test_members_are_the_runs_of_folds_and_seeds(tmp_path):
    names = ("fold_0", "seed_1", "seed_2/fold_3")
    for name in names:
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "recipe.json").write_text("{}")
    (tmp_path / "fold_9").mkdir()
    assert Run(tmp_path).members == [Run(tmp_path / name) for name in names]
    assert Run(tmp_path / "fold_0").members == []


def test_a_run_prints_path_recipe_and_stamps(tmp_path):
    run = tiny.start_run(tmp_path / "folds", "fold_0")
    recipe = f"recipe: ct-bit, tiny on {run.recipe().data.dataset}"
    stamps = ["!! NO EXTERNAL TEST", "!! NOT A MEDICAL DEVICE"]
    assert str(run).splitlines() == [str(run.path), recipe, *stamps]
    folder = Run(run.path.parent)
    assert str(folder).splitlines() == [str(folder.path), "runs: fold_0", recipe, *stamps]
    assert str(Run(tmp_path / "none")) == str(tmp_path / "none")


def test_an_external_test_removes_its_stamp(tmp_path):
    run = tiny.start_run(tmp_path)
    assert run.stamps() == ["NO EXTERNAL TEST", "NOT A MEDICAL DEVICE"]
    run.predictions_file("test").touch()
    run.predictions_file("elsewhere").touch()
    assert run.predicted() == ["elsewhere", "test"]
    assert "NO EXTERNAL TEST" not in run.stamps()


def test_measurements_are_counted_by_set(tmp_path):
    run = tiny.start_run(tmp_path)
    assert run.looks() == {}
    assert [run.log_look(name, 6) for name in ("test", "outside", "test")] == [1, 1, 2]
    assert run.looks() == {"test": 2, "outside": 1}


def test_a_folder_of_predictions_has_the_classes_of_its_run(tmp_path):
    run = tiny.start_run(tmp_path)
    folder = Run(tmp_path / "ensemble")
    describe_predictions(folder, run, ["a stamp"], members=["run"])
    assert folder.classes() == run.classes() and folder.known_stamps() == ["a stamp"]
    assert json.loads(folder.fingerprint_file.read_text())["members"] == ["run"]
    with pytest.raises(InputError, match="not a run folder: no recipe"):
        folder.recipe()


def test_augmented_samples_are_those_that_were_predicted(tmp_path):
    run = tiny.start_run(tmp_path)
    assert run.augmented_samples() == {}
    folder = run.test_time_augmentation
    describe_predictions(folder, run, [], samples={"test": 8, "outside": 4})
    folder.predictions_file("test").touch()
    assert run.augmented_samples() == {"test": 8}


def test_a_run_of_the_old_layout_is_refused_with_one_line(tmp_path):
    run = tiny.start_run(tmp_path)
    made_by = json.loads(run.environment_file.read_text())
    assert run.recipe().name == "ct-bit"
    run.environment_file.write_text(json.dumps(made_by | {"covid_keras": "0.1.0"}))
    with pytest.raises(InputError, match=r"expected a run of covid_keras 0\.2 or newer") as error:
        run.recipe()
    assert len(str(error.value).splitlines()) == 1


def test_files_of_two_runs_do_not_pass_for_one(tmp_path):
    run, other = tiny.start_run(tmp_path), tiny.start_run(tmp_path, "other", training_steps=8)
    for each, network in ((run, b"a network"), (other, b"another")):
        each.model_file.write_bytes(network)
        each.tie_model(each.model_file, Kept(4, 4, "", None))
        each.check()
    for file in (run.recipe_file, run.split_file, run.model_file):
        before = file.read_bytes()
        text = (other.path / file.name).read_text()
        file.write_text(text.replace("train", "val") if file == run.split_file else text)
        with pytest.raises(InputError, match=rf"{file.name}: expected the .* of this run, by fing"):
            run.check()
        file.write_bytes(before)
    with pytest.raises(InputError, match=r"recipe\.json: expected the recipe of this run"):
        run.recipe_file.write_bytes(other.recipe_file.read_bytes())
        check_resume(run, "ct-bit")


def test_a_run_of_before_a_setting_was_added_is_still_read(tmp_path):
    run = tiny.start_run(tmp_path)
    recipe = json.loads(run.recipe_file.read_text())
    del recipe["data"]["outside"]
    run.recipe_file.write_text(json.dumps(recipe))
    tie(run.path)
    run.check()
    assert run.recipe().data.outside is False


@pytest.mark.parametrize("name", ["x.keras", "x.json", "x.csv"])
def test_a_run_folder_is_not_called_like_a_file(tmp_path, name):
    with pytest.raises(InputError, match=rf"{name}: expected a folder for the run\. Received: the"):
        check_new(tmp_path / name, "")
