"""`covid-keras recipes` and `covid-keras models`."""

from argparse import Namespace

from covid_keras import recipes
from covid_keras.cli.parts import add_command
from covid_keras.models import table


def add(commands) -> None:
    """Add the commands to the parser."""
    add_command(commands, print_recipes, "covid-keras recipes", "recipes")
    add = add_command(commands, print_models, "covid-keras models densenet121", "models")
    add("name", nargs="?", metavar="NAME", help="show this network")


def print_recipes(options: Namespace) -> None:
    """List the recipes: what to train, and the paper that each repeats."""
    for recipe in recipes.RECIPES.values():
        print(f"{recipe.name:<14}{recipe.title}\n{'':<14}{recipe.citation}")
    print("\nnext: covid-keras run NAME")


def print_models(options: Namespace) -> None:
    """List the networks with input size, parameters and weights, or show one."""
    if options.name:
        print(table.card(options.name))
    else:
        print(f"{table.table()}\n\nnext: covid-keras models NAME")
