"""Recipes: protocol A to the digit, changes by key, JSON, and their documentation."""

from pathlib import Path

import pytest

from covid_keras import recipes
from covid_keras.recipes import TABLES, config
from covid_keras.recipes.settings import (
    all_settings,
    changed_settings,
    differences,
    override,
    parse_assignments,
)
from covid_keras.utils.errors import InputError

CT_BIT, CT_NETWORKS = recipes.get("ct-bit"), recipes.get("ct-networks")
NETWORKS = {name: v["model.name"] for name, v in CT_NETWORKS.variants.items()}
ROOT = Path(__file__).resolve().parents[2]


def test_ct_bit_is_protocol_a():
    values = all_settings(CT_BIT)
    paper = {
        "data.dataset": "covidx-ct-2a",
        "input.resize": 512,
        "input.crop": 480,
        "input.box": "annotated",
        "augmentation.flip": True,
        "augmentation.mixup": 0.1,
        "model.name": "bit_r50x1",
        "model.head": "linear",
        "training.batch": 64,
        "training.steps": 10000,
        "training.schedule": (500, 3000, 6000, 9000, 10000),
        "training.learning_rate": 0.003,
        "training.momentum": 0.9,
        "training.keep": "last",
    }
    assert {key: values[key] for key in paper} == paper


def test_override_converts_command_line_text():
    changes = parse_assignments(
        ["training.steps=200", "augmentation.flip=false", "augmentation.mixup=0"]
    )
    changes |= {"training.schedule": "(1, 2, 3)", "model.weights": "a=b.npz"}
    changed = all_settings(override(CT_BIT, changes))
    assert changed["training.steps"] == 200
    assert changed["augmentation.flip"] is False
    assert changed["augmentation.mixup"] == 0.0
    assert changed["training.schedule"] == (1, 2, 3)
    assert changed["model.weights"] == "a=b.npz"


@pytest.mark.parametrize(
    "key, hint",
    [
        ("training.step", "training.steps"),
        ("train.steps", "training.steps"),
        ("steps", "training.steps"),
        ("input.croop", "input.crop"),
        ("mixup", "augmentation.mixup"),
    ],
)
def test_unknown_key_names_the_near_misses(key, hint):
    with pytest.raises(InputError, match=f"unknown setting; did you mean .*{hint}"):
        override(CT_BIT, {key: "1"})


@pytest.mark.parametrize(
    "key, value",
    [
        ("training.steps", "many"),
        ("training.steps", "1.5"),
        ("augmentation.flip", "1"),
        ("training.schedule", "5"),
        ("training.learning_rate", "True"),
    ],
)
def test_value_of_another_type_is_refused(key, value):
    with pytest.raises(InputError, match=rf"^{key}: expected .*Received: '{value}'"):
        override(CT_BIT, {key: value})


def test_assignment_without_equals_is_refused():
    with pytest.raises(InputError, match="expected KEY=VALUE"):
        parse_assignments(["training.steps"])


def test_differences_name_what_is_not_the_papers():
    changed = override(CT_BIT, {"training.steps": 200, "model.weights": "random"})
    assert differences(changed, CT_BIT) == (
        "model.weights=random (paper: bit-m)",
        "training.steps=200 (paper: 10000)",
    )
    assert differences(CT_BIT, CT_BIT) == ()


def test_own_data_are_compared_with_the_recipe_not_with_the_paper():
    changed = override(CT_BIT, {"data.dataset": "folder", "data.per_class": 9})
    assert differences(changed, CT_BIT) == (
        "data.dataset=folder (recipe: covidx-ct-2a)",
        "data.per_class=9 (recipe: 0)",
    )


def test_the_papers_other_networks_and_data_sets_are_no_change():
    for dataset in ("covid19-ct", "sars-cov-2-ct"):
        for name in NETWORKS.values():
            changes = {"data.dataset": dataset, "model.name": name, "data.fold": 3, "data.seed": 2}
            assert differences(override(CT_NETWORKS, changes), CT_NETWORKS) == ()


def test_changed_settings_are_those_that_neither_quick_nor_the_phantom_brought():
    named = CT_BIT.phantom
    quick = recipes.configured("ct-bit", named, {"training.batch": 5, "data.seed": 1}, quick=True)
    assert changed_settings(quick) == ["training.batch"]
    assert len(quick.changes) > 3


def test_the_first_run_is_small_unless_weights_are_given():
    named = {"data.dataset": "phantom-ct"}
    first = recipes.configured("ct-bit", named, quick=True)
    assert first.model.name == "bit_r14x0_25" and first.input.crop == 64
    assert first.model.weights == "random" and first.scaled and changed_settings(first) == []
    assert first.training.schedule[-1] == first.training.steps
    changed = recipes.configured("ct-bit", named, {"training.steps": 9}, quick=True)
    assert changed_settings(changed) == ["training.steps"]
    for given in ({"weights": "bit-s", "quick": True}, {"quick": False}):
        assert recipes.configured("ct-bit", named, **given).model.name == "bit_r50x1"
    other = recipes.configured("ct-bit", {"data.dataset": "covid19-ct"}, quick=True)
    assert (other.model.name, other.model.weights) == ("bit_r50x1", "bit-m")


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("ct-bit", "bit-m"),
        ("ct-networks", "imagenet"),
        ("cxr-bit", "bit-m"),
        ("xray-3class", "imagenet"),
        ("ct-2class", "imagenet"),
    ],
)
def test_every_recipe_starts_from_its_papers_weights_and_the_phantom_from_random(name, weights):
    recipe = recipes.get(name)
    assert recipe.model.weights == weights
    assert recipe.phantom["model.weights"] == "random"
    assert recipes.configured(name, {}, weights="random").model.weights == "random"


@pytest.mark.parametrize("name", ["ct-networks", "xray-3class", "ct-2class"])
def test_as_published_no_image_is_val_and_the_last_epoch_is_tested(name):
    published = recipes.get(name)
    assert published.as_published == {"data.val": 0.0, "training.keep": "last"}
    assert differences(override(published, published.as_published), published) == ()
    best = override(published, {"data.val": 0.05})
    assert differences(best, published) == ("data.val=0.05 (paper: 0.0)",)


def test_quick_changes_known_settings_only():
    for recipe in recipes.RECIPES.values():
        quick = override(recipe, recipe.quick).training
        assert (quick.steps, quick.epochs) < (recipe.training.steps, recipe.training.epochs)


def test_the_three_networks_fit_the_phantoms_images():
    """InceptionV3 needs 75 pixels."""
    for recipe in ("xray-3class", "ct-2class"):
        named = {"data.dataset": recipes.get(recipe).phantom["data.dataset"]}
        on_phantom = recipes.configured(recipe, named, quick=True, weights="random")
        assert on_phantom.input.crop >= 75 and changed_settings(on_phantom) == []


def test_phantom_changes_known_settings_only():
    for recipe in recipes.RECIPES.values():
        changed = override(override(recipe, recipe.phantom), recipe.phantom_quick)
        assert changed.data.dataset.startswith("phantom-")


def differing(recipe, paper: dict) -> dict:
    values = all_settings(recipe)
    return {key: values[key] for key in paper if values[key] != paper[key]}


def test_ct_networks_is_protocol_b():
    paper = {
        "data.split": "kfold",
        "data.folds": 5,
        "data.group": "image",
        "input.fit": "canvas",
        "augmentation.blur": 0.25,
        "augmentation.flip": True,
        "augmentation.rotation": 0.0,
        "model.activation": "sigmoid",
        "training.optimizer": "lamb",
        "training.weight_decay": 1.0,
        "training.batch": 32,
        "training.epochs": 100,
        "training.schedule": (0, 50, 70, 80, 90, 100),
        "training.rates": (3e-4, 1e-4, 3e-5, 1e-5, 3e-6),
    }
    assert differing(recipes.get("ct-networks"), paper) == {}
    assert len(NETWORKS) == 12


def test_tables_of_the_papers():
    first, third = TABLES["ct-bit"], TABLES["cxr-bit"]
    assert first["initialisations"]["BiT-M-C"] == "bit-m-cifar10"
    assert first["schedules"][2] == list(CT_BIT.training.schedule)
    assert third["schedules"][1] == list(recipes.get("cxr-bit").training.schedule)


def test_cxr_bit_is_protocol_c():
    paper = {
        "data.dataset": "covidx-cxr-8b",
        "data.balance": True,
        "input.resize": 512,
        "input.crop": 480,
        "augmentation.flip": True,
        "augmentation.mixup": 0.1,
        "model.activation": "sigmoid",
        "training.batch": 64,
        "training.steps": 10000,
        "training.schedule": (500, 1500, 3000, 4500, 10000),
        "training.learning_rate": 0.003,
        "training.momentum": 0.9,
        "training.keep": "last",
    }
    assert differing(recipes.get("cxr-bit"), paper) == {}


@pytest.mark.parametrize("name", ["xray-3class", "ct-2class"])
def test_protocol_d(name):
    paper = {
        "input.crop": 224,
        "augmentation.flip": True,
        "model.activation": "softmax",
        "training.optimizer": "adam",
        "training.learning_rate": 1e-4,
        "training.epochs": 50,
    }
    assert differing(recipes.get(name), paper) == {}
    heads = {
        "InceptionV3": ("inception_v3", "linear", 0.0),
        "DenseNet": ("densenet121", "linear", 0.0),
        "DenseNet + convolution": ("densenet_conv", "dense", 0.5),
    }
    found = {
        row: override(recipes.get(name), v).model for row, v in recipes.get(name).variants.items()
    }
    assert {row: (model.name, model.head, model.dropout) for row, model in found.items()} == heads


def test_sides_follow_the_network_where_they_are_zero():
    sized = config.sized(recipes.get("ct-networks"), (253, 349)).input
    assert (sized.crop, sized.resize) == ((253, 349), (270, 372))
    half = override(recipes.get("ct-networks"), {"input.scale": 0.5})
    assert config.sized(half, (253, 349)).input.crop == (126, 174)
    assert config.sized(CT_BIT, (1, 1)).input == CT_BIT.input


def test_a_difference_from_or_to_nothing_is_said_plainly():
    frozen = override(CT_BIT, {"model.freeze": "stem"})
    assert differences(frozen, CT_BIT) == ("model.freeze=stem (paper: not set)",)
    assert differences(CT_BIT, frozen) == ("model.freeze=not set (paper: stem)",)


def test_json_there_and_back():
    import json

    changed = override(CT_BIT, CT_BIT.quick)
    assert config.from_json(json.loads(json.dumps(config.to_json(changed)))) == changed
    with pytest.raises(InputError, match=r"recipe\.json: not a recipe"):
        config.from_json({"name": "x"}, "recipe.json")


def test_unknown_recipe_names_the_known():
    with pytest.raises(InputError, match=r"recipe 'ct-bat' is unknown; did you mean ct-bit"):
        recipes.get("ct-bat")


def test_documentation_lists_every_setting_with_its_value():
    rows = (ROOT / "docs" / "reference" / "settings.md").read_text().splitlines()
    listed = [row.split("|")[1:3] for row in rows if row.startswith("| `")]
    listed = {key.strip(" `"): value.strip(" `") for key, value in listed}
    assert listed == {key: str(value) for key, value in all_settings(CT_BIT).items()}


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("training", "batch", "64"),
        ("training", "batch", True),
        ("training", "batch", 2.0),
        ("training", "learning_rate", float("inf")),
        ("training", "learning_rate", None),
        ("training", "schedule", [1, "2"]),
        ("input", "crop", [1, 2, 3]),
        ("input", "window", [1.0]),
        ("data", "balance", 1),
    ],
)
def test_json_of_another_type_is_refused_by_its_key(section, key, value):
    values = config.to_json(recipes.get("ct-bit"))
    values[section][key] = value
    with pytest.raises(
        InputError, match=rf"recipe\.json: {section}\.{key}: expected .* Received: "
    ):
        config.from_json(values, "recipe.json")
