"""The lists of recipes, networks and data sets."""

from argparse import Namespace

from covid_keras import recipes
from covid_keras.datasets import catalogue
from covid_keras.models import table


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


def print_datasets(options: Namespace) -> None:
    """List the data sets, or show one."""
    if options.name:
        print(catalogue.get(options.name))
        return
    print("\n".join(catalogue.get(name).line() for name in catalogue.names()))
    print("\nnext: covid-keras data list NAME")
