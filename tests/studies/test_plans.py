"""The studies that the scripts in experiments/ plan."""

import pytest
from made_studies import planned

from covid_keras.studies.study import Source, changes, named_weights, recipe_of
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
    assert "training.epochs=20 (paper: 50)" in said, "and not the quick recipe's 4"


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
        ("ct_bit", "resolution-schedule-mixup", 32),
        ("ct_bit", "few-images", 13),
        ("cxr_bit", "resolution-schedule-mixup", 24),
        ("cxr_bit", "few-images", 16),
    ],
)
@pytest.mark.parametrize("quick", [[], ["--quick"]])
def test_studies_of_bit(name, study, runs, quick):
    _, _, plan = planned(name, "--data", "x", "--study", study, *quick)
    assert len(plan.trials) == len({trial.folder for trial in plan.trials}) == runs


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
