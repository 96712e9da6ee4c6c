"""`covid-keras recipes` and `covid-keras models`."""

from argparse import Namespace

from covid_keras import recipes
from covid_keras.cli.parts import add_command
from covid_keras.models import table


def add(commands) -> None:
    """Add the commands to the parser."""
    add_command(commands, "recipes", print_recipes, "list the recipes", "covid-keras recipes")
    text = "list the networks with input size, parameters and weights, or show one"
    models = add_command(commands, "models", print_models, text, "covid-keras models densenet121")
    models.add_argument("name", nargs="?", help="show this network")


def print_recipes(options: Namespace) -> None:
    """Print all recipes."""
    for recipe in recipes.RECIPES.values():
        print(f"{recipe.name:<14}{recipe.title}\n{'':<14}{recipe.citation}")
    print("\nnext: covid-keras train NAME")


def print_models(options: Namespace) -> None:
    """Print all networks, or one."""
    if options.name:
        print(table.card(options.name))
    else:
        print(f"{table.table()}\n\nnext: covid-keras models NAME")
