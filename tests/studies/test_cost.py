"""The costs of the studies, by hand and in the docstrings of the scripts."""

import ast
from pathlib import Path

import pytest
from made_studies import planned

from covid_keras.models.create import create_model
from covid_keras.models.flops import flops
from covid_keras.studies import cost
from covid_keras.studies.study import Source, recipe_of
from covid_keras.utils.errors import InputError

EXPERIMENTS = Path(__file__).resolve().parents[2] / "experiments"


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)


def source_of(name: str) -> str:
    return (EXPERIMENTS / f"{name}.py").read_text(encoding="utf-8")


def cost_of(name: str, *arguments: str) -> float:
    _, source, plan = planned(name, *arguments, "--list")
    return cost.costs(plan, Path("none"), source)["GPU hours"].sum()


@pytest.mark.parametrize(
    ("name", "label", "arguments"),
    [
        slow("ct_bit", "main", []),
        slow("cxr_bit", "main", []),
        slow("ct_bit", "initialisation", ["--study", "initialisation"]),
        slow("ct_bit", "resolution-schedule-mixup", ["--study", "resolution-schedule-mixup"]),
        slow("ct_bit", "few-images", ["--study", "few-images"]),
        slow("cxr_bit", "resolution-schedule-mixup", ["--study", "resolution-schedule-mixup"]),
        slow("cxr_bit", "few-images", ["--study", "few-images"]),
        slow("ct_2class", "three networks", []),
        slow("ct_networks", "covid19-ct", []),
        slow("ct_networks", "sars-cov-2-ct", ["--dataset", "sars-cov-2-ct"]),
    ],
)
def test_the_docstring_holds_the_cost(name, label, arguments):
    said = " ".join(ast.get_docstring(ast.parse(source_of(name))).split())
    assert f"hours of a GPU that sustains {cost.SUSTAINED / 1e12:.0f} TFLOP/s" in said
    assert f"{label} {cost_of(name, *arguments):.2g}" in said


@pytest.mark.slow
def test_the_cost_on_real_images_is_in_the_docstring(shared_data):
    hours = cost_of("xray_3class", "--data", str(shared_data / "darkcovid_xray"))
    assert f"three networks {hours:.2g}" in source_of("xray_3class")


def test_an_unpublished_number_of_images_needs_the_folder():
    with pytest.raises(InputError, match="xray-3class: its number of images is not published"):
        cost_of("xray_3class")


def test_costs_by_hand():
    """SqueezeNet at 76x100 on COVID19-CT: 2 epochs of 17 steps of 32, val twice and at the end."""
    settings = {"input.scale": 0.3, "training.epochs": 2}
    _, _, plan = planned("ct_networks", "--networks", "squeezenet", "--weights", "random", "--list")
    costs = cost.costs(plan, Path("none"), Source(settings=settings))
    [row] = costs.to_dict("records")
    trained, val, test = 3 * 2 * 17 * 32, 3 * 60, 149
    recipe = recipe_of(plan, plan.trials[0], Source(settings=settings))
    shape = (*recipe.input.crop, 3)
    model = create_model("squeezenet", classes=1, input_shape=shape, head="original")
    forward = flops(model, shape)
    assert [row[key] for key in ("runs", "finished", "images", "steps")] == [5, 0, 537, 34]
    operations = 5 * forward * (trained + val + test)
    assert row["PFLOP"] == operations / 1e15
    assert row["GPU hours"] == operations / cost.SUSTAINED / 3600
    lines = [line.split() for line in cost.listing(costs, "these").splitlines()]
    name = plan.trials[0].row.split()
    petaflop, hours = f"{row['PFLOP']:,.1f}", f"{row['GPU hours']:.2f}"
    assert lines[1] == [*name, "5", "0", "537", "34", petaflop, hours]
    assert lines[2] == ["all", "5", "0", hours]
