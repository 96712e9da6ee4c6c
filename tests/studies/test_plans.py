"""The studies that the scripts in experiments/ plan."""

import pytest
from made_studies import planned

from covid_keras import recipes
from covid_keras.models import registry
from covid_keras.recipes.published import published
from covid_keras.studies.study import Source, changes, kept_note, named_weights, recipe_of
from covid_keras.studies.study_rows import ELSEWHERE, mark
from covid_keras.training.preflight import check_recipe

SCRIPTS = ("ct_bit", "ct_networks", "cxr_bit", "xray_3class", "ct_2class")


def test_weights_by_name_file_and_both():
    given = ["random", "imagenet", "a/b.npz", "ImageNet=a/c=d.npz"]
    expected = {
        "random": "random",
        "imagenet": "imagenet",
        "b.npz": "a/b.npz",
        "ImageNet": "a/c=d.npz",
    }
    assert named_weights(given) == expected


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("quick", [[], ["--quick"]])
def test_scripts_plan_runs_with_known_settings(name, quick):
    _, source, study = planned(name, "--data", "x", *quick)
    for trial in study.trials:
        check_recipe(recipe_of(study, trial, source))
    assert len(study.trials) == {"ct_networks": 60}.get(name, 3)


def test_what_quick_cuts_is_said():
    _, source, study = planned("ct_networks", "--data", "x", "--quick")
    assert changes(study, source) == [
        "input.scale=0.5 (paper: 1.0)",
        "training.epochs=10 (paper: 100)",
    ]


def test_without_data_the_phantoms_settings_are_said():
    _, source, study = planned("xray_3class", "--quick")
    said = changes(study, source)
    assert "training.epochs=14 (paper: 50)" in said, "and not the quick recipe's 4"


def test_the_papers_networks_are_no_change_of_the_recipe():
    for name in ("ct_networks", "xray_3class", "ct_2class"):
        _, source, study = planned(name, "--data", "x")
        for trial in study.trials:
            assert recipe_of(study, trial, source).changes == ()
    other = Source(data=source.data, settings={"model.dropout": 0.1})
    assert recipe_of(study, study.trials[0], other).changes


@pytest.mark.parametrize(
    ("name", "study", "runs"),
    [
        ("ct_bit", "initialisation", 5),
        ("ct_bit", "resolution-schedule-mixup", 16),
        ("ct_bit", "few-images", 13),
        ("cxr_bit", "resolution-schedule-mixup", 24),
        ("cxr_bit", "few-images", 16),
        ("ct_bit", "resolution-schedule-mixup --full", 32),
        ("cxr_bit", "resolution-schedule-mixup --full", 48),
    ],
)
@pytest.mark.parametrize("quick", [[], ["--quick"]])
def test_studies_of_bit(name, study, runs, quick):
    _, _, plan = planned(name, "--data", "x", "--study", *study.split(), *quick)
    assert len(plan.trials) == len({trial.folder for trial in plan.trials}) == runs


def test_one_factor_at_a_time_around_the_default():
    """Figure 6 of paper A: every row has the default schedule or the default resolution."""
    _, _, plan = planned("ct_bit", "--data", "x", "--study", "resolution-schedule-mixup")
    default = {"training.schedule": (500, 3000, 6000, 9000, 10000), "input.crop": 480}
    found = [(t.settings["training.schedule"], t.settings["input.crop"]) for t in plan.trials]
    assert all(default["training.schedule"] in pair or 480 in pair for pair in found)
    both = {row: trials for row, trials in plan.rows.items() if "512/480, [500, 3000" in row}
    assert [[t.seed for t in trials] for trials in both.values()] == [[0, 1], [0, 1]]
    assert len(plan.rows) == 14
    _, _, plan = planned("cxr_bit", "--data", "x", "--study", "resolution-schedule-mixup")
    assert {trial.weights for trial in plan.trials} == {"bit-s", "bit-m"}


@pytest.mark.parametrize(
    ("name", "study", "recipe", "others"),
    [
        ("ct_bit", "main", "ct-bit", 3),
        ("ct_bit", "initialisation", "ct-bit", 0),
        ("cxr_bit", "main", "cxr-bit", 3),
        ("xray_3class", "xray-3class", "xray-3class", 0),
        ("ct_2class", "ct-2class", "ct-2class", 0),
    ],
)
def test_rows_are_those_of_the_papers_table(name, study, recipe, others):
    """What --list prints, beside the table as printed; other works are rows of the table alone."""
    given = ["--study", study] if name.endswith("bit") else []
    _, _, plan = planned(name, "--data", "x", *given)
    rows = list(published(recipe, study).rows)
    assert list(plan.rows) == [row for row in rows if row in plan.rows]
    assert len(plan.rows) == len(rows) - others


def test_networks_sizes_and_parameters_are_those_of_table_1():
    """Some of the paper's counts are rounded down; networks with a note differ by design."""
    table = published("ct-networks", "networks").rows
    assert [name for name in recipes.get("ct-networks").variants] == list(table)
    for name, cells in table.items():
        row = registry.get(recipes.get("ct-networks").variants[name]["model.name"])
        height, width = row.input_size
        assert cells["input"] == f"{width}x{height}"
        difference = abs(row.parameters / 1e6 - float(cells["parameters (M)"]))
        assert difference < (0.06 if row.note else 0.01), name


def test_seeds_are_of_every_row():
    given = ["--study", "resolution-schedule-mixup", "--seeds", "3", "5"]
    _, _, plan = planned("ct_bit", "--data", "x", *given)
    assert all([t.seed for t in trials] == [3, 5] for trials in plan.rows.values())


@pytest.mark.parametrize("name", ["ct_networks", "xray_3class", "ct_2class"])
def test_as_published_trains_on_all_that_is_not_test_and_changes_nothing(name):
    _, source, plan = planned(name, "--data", "x", "--as-published")
    _, _, usual = planned(name, "--data", "x")
    assert plan.name == f"{usual.name}-as-published" and len(plan.rows) == len(usual.rows)
    for trial in plan.trials:
        recipe = recipe_of(plan, trial, source)
        assert (recipe.data.val, recipe.training.keep) == (0.0, "last")
        assert recipe.changes == ()
    assert not any(column.at for column in plan.columns), "val chooses no threshold"
    note = "the weights of the last step; no image is drawn as val, and the threshold is 0.5"
    assert note in kept_note(plan, source)
    assert "best on val, by accuracy; the paper names no val" in kept_note(usual, source)


def test_the_last_step_is_tested_as_by_algorithm_1():
    _, source, plan = planned("ct_bit", "--data", "x")
    note = "Tested: the weights of the last step; the paper's Algorithm 1 tests the last step."
    assert kept_note(plan, source) == note


def test_the_papers_networks_started_from_imagenet_in_folds_of_images():
    given = [
        "--networks",
        "squeezenet",
        "--weights",
        "random",
        "SARS=a.keras",
        "--split",
        "patient",
    ]
    _, _, plan = planned("ct_networks", "--data", "x", *given)
    cells = ("87.3 (3.2)", "86.3 (6.1)", "86.5 (2.3)", "87.9 (6.3)", "86.5 (3.0)", "", "")
    titles = [column.title for column in plan.columns]
    row, *others = plan.published.rows
    assert row == "SqueezeNet, ImageNet, image folds" and "ResNet101 (Saqib et al. 2020)" in others
    assert plan.published.cells(row, titles)[: len(cells)] == cells
    assert not set(plan.published.rows) & set(plan.rows) and len(others) == 6
    _, _, plan = planned("ct_networks", "--data", "x", "--weights", "ImageNet=a.npz")
    assert set(plan.rows) < set(plan.published.rows)
    _, source, plan = planned("ct_networks", "--data", "x", "--dataset", "folder")
    assert plan.published.dataset == "covid19-ct" and mark(plan, source) == ELSEWHERE


@pytest.mark.parametrize("name", ["ct_bit", "cxr_bit"])
@pytest.mark.parametrize("quick", [[], ["--quick"]])
def test_hyperparameters_are_compared_with_the_recipes_own(name, quick):
    study = ["--study", "resolution-schedule-mixup"]
    _, source, plan = planned(name, "--data", "x", *study, *quick)
    recipe = recipe_of(plan, plan.rows[plan.reference][0], source)
    if not quick:
        assert recipe.changes == ()
    assert recipe.input.crop == 480 // (4 if quick else 1) and recipe.augmentation.mixup == 0.1
    assert planned(name, "--data", "x")[2].reference == ""
