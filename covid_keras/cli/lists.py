"""The lists of recipes, networks and data sets."""

from argparse import Namespace

from covid_keras import recipes
from covid_keras.datasets import catalogue
from covid_keras.models import registry
from covid_keras.utils.console import say, say_text


def print_recipes(options: Namespace) -> None:
    """List the recipes: what to train, and the paper that each repeats."""
    for recipe in recipes.RECIPES.values():
        say(f"{recipe.name:<14}{recipe.title}", f"{'':<14}{recipe.citation}")
    say("", "next: covid-keras run NAME")


def print_models(options: Namespace) -> None:
    """List the networks with input size, parameters and weights, or show one."""
    if options.name:
        say_text(registry.card(options.name))
    else:
        say_text(f"{registry.table()}\n\nnext: covid-keras models NAME")


def print_datasets(options: Namespace) -> None:
    """List the data sets, or show one."""
    if options.name:
        say_text(catalogue.get(options.name))
        return
    say(*(catalogue.get(name).line() for name in catalogue.names()))
    say("", "next: covid-keras data list NAME")
