"""Facts about the images of a run: their sources, labels and splits."""

from covid_keras.datasets import catalogue
from covid_keras.datasets.card import Card
from covid_keras.report.summary import NOT_KNOWN, SPLITS, RunSummary, joined, named

SPLIT_RULES = {
    "default": "the split that comes with the images, else the data set's rule",
    "official": "the published split",
    "holdout": "hold-out, 10 % val and 20 % test",
    "kfold": "cross-validation, one fold is test",
    "source": "the images of one source are test",
}


def phantom(run: RunSummary) -> str:
    """Return the stamp of synthetic images; "" if patients were imaged."""
    return run.stamp("PHANTOM")


def sources(run: RunSummary) -> str:
    """Return the data sets of the training and of the external tests."""
    outside = run.external and f"External test: {'; '.join(map(_source, run.external))}"
    dataset = run.setting("data.dataset")
    return dataset and joined(_source(dataset), phantom(run), outside, by=". ")


def retrospective(run: RunSummary) -> str:
    """Return whether images were collected for this run; not known of the user's own."""
    return phantom(run) or ("retrospective: a published data set" if _card(run) else "")


def goal(run: RunSummary) -> str:
    """Return what was done: development, and the evaluations."""
    where = f" and evaluation on {', '.join(run.splits)}" if run.splits else ""
    classes = run.classes
    return classes and (
        f"development of a deep-learning classifier of chest images into {classes}{where}"
    )


def subsets(run: RunSummary) -> str:
    """Return which images of the data set were used."""
    most, positive = run.setting("data.per_class"), run.setting("data.positive")
    used = "all images" if most == "0" else f"at most {most} training images a class"
    merged = positive not in ("", "none") and f"{positive} against all others"
    return most and joined(used, merged)


def imbalance(run: RunSummary) -> str:
    """Return what was done about classes of unequal size."""
    balance = run.setting("data.balance")
    sampled = balance == "True" and "every training batch holds as many images of each class"
    limited = run.setting("data.per_class") not in ("", "0") and subsets(run)
    return balance and joined(joined(sampled, limited) or "none", "scores are given for each class")


def labels(run: RunSummary) -> str:
    """Return the classes, and who said which image is in which."""
    return named({"classes": run.classes, "labelled by": labelled_by(run)})


def labelled_by(run: RunSummary) -> str:
    """Return who labelled the images, as the data set's authors say."""
    card = _card(run)
    return _stated(card.labelled_by) if card else ""


def data_sharing(run: RunSummary) -> str:
    """Return where the images can be had, and under which licence."""
    card = _card(run)
    if not card:
        return ""
    where = card.homepage or card.instruction
    return named({"data from": where, "licence": _stated(card.licence)})


def notes(run: RunSummary) -> str:
    """Return what to know before trusting a result on this data set."""
    card = _card(run)
    return card.notes if card else ""


def partitions(run: RunSummary) -> str:
    """Return how the splits were made, and how many images each has."""
    own = {split: cells for split, cells in _counts(run).items() if split in SPLITS}
    rule = run.setting("data.split")
    if rule not in SPLIT_RULES:
        return _listed(own)
    fold, folds, source = (run.setting(f"data.{key}") for key in ("fold", "folds", "source"))
    unit = "image" if run.setting("data.group") == "image" else "patient where ids exist"
    return joined(
        f"{rule}: {SPLIT_RULES[rule]}",
        rule == "kfold" and f"fold {fold} (from 0) of {folds}",
        rule == "source" and f"source {source}",
        f"what is drawn here is drawn by {unit}",
        f"seed {run.setting('seed') or NOT_KNOWN}",
        _listed(own),
    )


def disjoint(run: RunSummary) -> str:
    """Return what no two splits share: patients, or only images."""
    by_patient = run.fingerprint.get("image_level") is False
    level = "patient: no patient id is in two splits" if by_patient else ""
    return run.stamp("IMAGE-LEVEL") or level


def counts(run: RunSummary) -> str:
    """Return images and patients, by split and class, of all sets that were used."""
    return _listed(_counts(run))


def compared(run: RunSummary) -> str:
    """Return the counts of training beside those of test."""
    return counts(run) if "train" in set(run.counts["split"]) else ""


def differences(run: RunSummary) -> str:
    """Return how test differs from the images of training."""
    rule = run.setting("data.split")
    if rule not in SPLIT_RULES:
        return ""
    inside = "test is a part of the data set that was trained on"
    if rule == "source":
        source = run.setting("data.source")
        inside = f"test is the source {source}, no image of it was trained on"
    return joined(inside, run.external and f"other data sets: {', '.join(run.external)}")


def _card(run: RunSummary) -> Card | None:
    return _published(run.setting("data.dataset"))


def _published(name: str) -> Card | None:
    """Return the card of a published data set or phantom; None for the user's own images."""
    card = catalogue.get(name) if name in catalogue.names() else None
    return card if card and card.classes else None


def _source(name: str) -> str:
    card = _published(name)
    if not card:
        return f"{name}: the user's own images"
    return joined(f"{name}: {card.title}", _stated(card.citation), card.homepage, by=", ")


def _stated(text: str) -> str:
    return "" if text in ("not stated", "none") else text


def _counts(run: RunSummary) -> dict[str, list[str]]:
    """Return {set: a text per class}, from split.csv, and for other sets from metrics.json."""
    cells: dict[str, list[str]] = {}
    for split, label, images, patients in run.counts.to_numpy().tolist():
        cells.setdefault(split, []).append(f"{label} {images} (patients: {patients})")
    for name, result in run.splits.items():
        patients = result.get("patients_per_class") or {}
        classes = result["images_per_class"].items()
        of_classes = [f"{k} {n:,} (patients: {patients.get(k, NOT_KNOWN)})" for k, n in classes]
        cells.setdefault(name, of_classes)
    return cells


def _listed(cells: dict[str, list[str]]) -> str:
    return "; ".join(f"{split}: {', '.join(texts)}" for split, texts in cells.items())
