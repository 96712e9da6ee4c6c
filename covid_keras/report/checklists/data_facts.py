"""Facts about the images of a run: their sources, labels and splits."""

from covid_keras.datasets import catalogue
from covid_keras.datasets.card import Card
from covid_keras.datasets.label_files import SPLITS
from covid_keras.report.summary import NOT_KNOWN, RunSummary, joined, named, number

SPLIT_RULES = {
    "default": "the published split if there is one, else the dataset's rule",
    "official": "the published split",
    "holdout": "hold-out, 10 % val and 20 % test",
    "kfold": "cross-validation, one fold is the test split",
    "source": "leave one source out, its images are the test split",
}


def facts(run: RunSummary) -> dict[str, str]:
    """Return {name of a fact: what the run folder says, "" if it is not known}."""
    dataset, most = run.setting("data.dataset"), run.setting("data.per_class")
    positive, balance = run.setting("data.positive"), run.setting("data.balance")
    rule, source = run.setting("data.split"), run.setting("data.source")
    card = _published(dataset)
    phantom = run.stamp("PHANTOM")
    counts = _counts(run)
    by_patient = run.fingerprint.get("image_level") is False
    labelled_by = _stated(card.labelled_by) if card else ""
    external = named({"External test": joined(*map(_source, run.external))})
    subsets = most and joined(
        "all images" if most == "0" else f"at most {most} training images per class",
        positive not in ("", "none") and f"{positive} against all other classes",
    )
    imbalance = joined(
        balance == "True" and "training batches with equal numbers of images per class",
        most not in ("", "0") and subsets,
    )
    inside = "test is part of the dataset of the training"
    if rule == "source":
        inside = f"test is the source {source}; no image of it was used for training"
    others = named({"other datasets": ", ".join(run.external)})
    return {
        "phantom": phantom,
        "sources": dataset and joined(_source(dataset), phantom, external, by=". "),
        "retrospective": phantom or ("retrospective: a published dataset" if card else ""),
        "subsets": subsets,
        "imbalance": balance and joined(imbalance or "none", "metrics are given per class"),
        "labels": named({"classes": run.classes, "labelled by": labelled_by}),
        "labelled_by": labelled_by,
        "data_sharing": named(
            {"data from": card.homepage or card.instruction, "licence": _stated(card.licence)}
        )
        if card
        else "",
        "notes": card.notes if card else "",
        "partition": _partition(run, rule) if rule in SPLIT_RULES else "",
        "own_counts": named({name: text for name, text in counts.items() if name in SPLITS}),
        "counts": named(counts),
        "compared": named(counts) if "train" in set(run.counts["split"]) else "",
        "disjoint": run.stamp("IMAGE-LEVEL")
        or ("patient-level: no patient id is in two splits" if by_patient else ""),
        "differences": joined(inside, others) if rule in SPLIT_RULES else "",
    }


def _published(name: str) -> Card | None:
    """Return the card of a published dataset or phantom; None for the user's own images."""
    card = catalogue.get(name) if name in catalogue.names() else None
    return card if card and card.classes else None


def _stated(text: str) -> str:
    return "" if text in ("not stated", "none") else text


def _source(name: str) -> str:
    card = _published(name)
    if not card:
        return f"{name}: the user's own images"
    return joined(f"{name}: {card.title}", _stated(card.citation), card.homepage, by=", ")


def _partition(run: RunSummary, rule: str) -> str:
    by_image = run.setting("data.group") == "image"
    return joined(
        f"{rule}: {SPLIT_RULES[rule]}",
        rule == "kfold"
        and f"fold {run.setting('data.fold')} (from 0) of {run.setting('data.folds')}",
        rule == "source" and f"source {run.setting('data.source')}",
        f"random splits by {'image' if by_image else 'patient where patient ids exist'}",
        f"seed {run.setting('seed') or NOT_KNOWN}",
    )


def _counts(run: RunSummary) -> dict[str, str]:
    """Return {set: classes with their images and patients}; of external sets from metrics.json."""
    table = run.counts
    cells = table["label"] + " " + table["images"] + " (patients: " + table["patients"] + ")"
    counts = cells.groupby(table["split"], sort=False).agg(", ".join).to_dict()
    for name, result in run.results.items():
        patients = result.get("patients_per_class") or {}
        of_classes = (
            f"{label} {images:,} (patients: {number(patients.get(label))})"
            for label, images in result["images_per_class"].items()
        )
        counts.setdefault(name, ", ".join(of_classes))
    return counts
