"""Answers about splits: how images were divided, and how many are in each."""

from covid_keras.report.checklists.facts import measured, setting, stamped
from covid_keras.report.summary import OWN_SPLITS, RunSummary

SPLIT_RULES = {
    "default": "the split that comes with the images, else the data set's rule",
    "official": "the published split",
    "holdout": "hold-out, 10 % val and 20 % test",
    "kfold": "cross-validation, one fold is test",
    "source": "the images of one source are test",
}


def partition(run: RunSummary) -> str:
    """How the splits were made."""
    rule = setting(run, "data.split")
    if rule not in SPLIT_RULES:
        return ""
    said = [f"{rule}: {SPLIT_RULES[rule]}"]
    if rule == "kfold":
        said.append(f"fold {setting(run, 'data.fold')} (from 0) of {setting(run, 'data.folds')}")
    if rule == "source":
        said.append(f"source {setting(run, 'data.source')}")
    by_image = setting(run, "data.group") == "image"
    said.append(
        "what is drawn here is drawn by " + ("image" if by_image else "patient where ids exist")
    )
    said.append(f"seed {setting(run, 'seed') or 'not known'}")
    return "; ".join(said)


def partitions(run: RunSummary) -> str:
    """How the splits were made, and how many images each has."""
    own = {split: cells for split, cells in _counts(run).items() if split in OWN_SPLITS}
    return "; ".join(filter(None, [partition(run), _listed(own)]))


def disjoint(run: RunSummary) -> str:
    """What no two splits share: patients, or only images."""
    if found := stamped(run, "IMAGE-LEVEL"):
        return found
    by_patient = run.fingerprint.get("image_level") is False
    return "patient: no patient id is in two splits" if by_patient else ""


def counts(run: RunSummary) -> str:
    """Images and patients, by split and class, of everything that was used."""
    return _listed(_counts(run))


def compared(run: RunSummary) -> str:
    """The classes of training beside those of test."""
    found = counts(run)
    return found if "train" in set(run.counts["split"]) else ""


def differences(run: RunSummary) -> str:
    """How test differs from the images of training."""
    rule = setting(run, "data.split")
    if rule not in SPLIT_RULES:
        return ""
    inside = "test is a part of the data set that was trained on"
    if rule == "source":
        inside = f"test is the source {setting(run, 'data.source')}, no image of it was trained on"
    outside = f"; other data sets: {', '.join(run.external)}" if run.external else ""
    return inside + outside


def _counts(run: RunSummary) -> dict[str, list[str]]:
    """{set: a text a class}; from split.csv, and of other sets from metrics.json."""
    found: dict[str, list[str]] = {}
    for split, label, images, patients in run.counts.to_numpy().tolist():
        found.setdefault(split, []).append(f"{label} {images} (patients: {patients})")
    for name, result in measured(run).items():
        patients = result.get("patients_per_class") or {}
        cells = [
            f"{label} {images:,} (patients: {patients.get(label, 'not known')})"
            for label, images in result["images_per_class"].items()
        ]
        found.setdefault(name, cells)
    return found


def _listed(found: dict[str, list[str]]) -> str:
    return "; ".join(f"{split}: {', '.join(cells)}" for split, cells in found.items())
