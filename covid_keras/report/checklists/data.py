"""Answers about the images: where they come from, and their labels."""

from covid_keras.datasets import catalogue
from covid_keras.datasets.card import Card
from covid_keras.report.checklists.facts import classes, measured, setting, stamped
from covid_keras.report.summary import RunSummary


def phantom(run: RunSummary) -> str:
    """The stamp of synthetic images; "" where patients were imaged."""
    return stamped(run, "PHANTOM")


def sources(run: RunSummary) -> str:
    """The data sets of training and, where there was one, of the external test."""
    dataset = setting(run, "data.dataset")
    if not dataset:
        return ""
    outside = f"External test: {'; '.join(map(_source, run.external))}" if run.external else ""
    return ". ".join(filter(None, [_source(dataset), phantom(run), outside]))


def retrospective(run: RunSummary) -> str:
    """Whether images were collected for this run; not known of the user's own."""
    return phantom(run) or ("retrospective: a published data set" if _card(run) else "")


def goal(run: RunSummary) -> str:
    """What was done: development, and evaluation where it was."""
    names = classes(run)
    if not names:
        return ""
    where = f" and evaluation on {', '.join(measured(run))}" if run.splits else ""
    return f"development of a deep-learning classifier of chest images into {names}{where}"


def subsets(run: RunSummary) -> str:
    """Which images of the data set were used."""
    most, positive = setting(run, "data.per_class"), setting(run, "data.positive")
    if not most:
        return ""
    used = "all images" if most == "0" else f"at most {most} training images a class"
    told = f"; {positive} against all others" if positive not in ("", "none") else ""
    return used + told


def imbalance(run: RunSummary) -> str:
    """What was done about classes of unequal size."""
    balance = setting(run, "data.balance")
    if not balance:
        return ""
    said = ["every training batch holds as many images of each class"] if balance == "True" else []
    said += [subsets(run)] if setting(run, "data.per_class") not in ("", "0") else []
    return "; ".join([*(said or ["none"]), "scores are given for each class"])


def labels(run: RunSummary) -> str:
    """The classes, and who said which image is in which."""
    known = {"classes": classes(run), "labelled by": labelled_by(run)}
    return "; ".join(f"{name}: {value}" for name, value in known.items() if value)


def labelled_by(run: RunSummary) -> str:
    """Who labelled the images, as the data set's authors say."""
    card = _card(run)
    return _stated(card.labelled_by) if card else ""


def data_sharing(run: RunSummary) -> str:
    """Where the images can be had, and under which licence."""
    card = _card(run)
    if not card:
        return ""
    known = {"data from": card.homepage or card.instruction, "licence": _stated(card.licence)}
    return "; ".join(f"{name}: {value}" for name, value in known.items() if value)


def notes(run: RunSummary) -> str:
    """What to know before trusting a result on this data set."""
    card = _card(run)
    return card.notes if card else ""


def _card(run: RunSummary) -> Card | None:
    return _known(setting(run, "data.dataset"))


def _known(name: str) -> Card | None:
    """The card of a published data set or phantom; None of the user's own images."""
    card = catalogue.get(name) if name in catalogue.names() else None
    return card if card and card.classes else None


def _source(name: str) -> str:
    card = _known(name)
    if not card:
        return f"{name}: the user's own images"
    known = filter(None, [_stated(card.citation), card.homepage])
    return ", ".join([f"{name}: {card.title}", *known])


def _stated(text: str) -> str:
    return "" if text in ("not stated", "none") else text
