"""Facts of a run folder that answer items of the checklists."""

from collections.abc import Callable, Iterable
from pathlib import Path

from covid_keras.datasets import catalogue
from covid_keras.datasets.card import Card
from covid_keras.datasets.label_files import SPLITS
from covid_keras.metrics.scores import METRICS, OVERALL
from covid_keras.metrics.sentences import group_lines, overall, percent
from covid_keras.report.run_summary import NOT_KNOWN, RunSummary, flatten, joined, named, number
from covid_keras.runs.map_methods import METHODS
from covid_keras.utils.files import read_toml
from covid_keras.utils.text import count

_TEXTS = read_toml(Path(__file__).with_suffix(".toml"))
SPLIT_RULES: dict[str, str] = _TEXTS["split_rules"]
SOFTWARE = ("covid_keras", "commit", "python", "backend", "platform", "packages")
NOT_METHOD = (
    "eval_every",
    "keep",
    "criterion",
    "jit",
    "steps_per_execution",
    "gradcam",
    "tensorboard",
)
"""Settings of the training that do not describe the method."""
UNUSED = ("0", "0.0", "False", "none", "not known", "")


def all_facts(run: RunSummary) -> dict[str, str]:
    """Return {name of a fact: what the run folder says, "" if it is not known}."""
    sentences = {
        name: (value := run.setting(key)) and text.format(value)
        for key, texts in _TEXTS["sentences"].items()
        for name, text in texts.items()
    }
    return _TEXTS["always"] | sentences | _data_facts(run) | _model_facts(run) | _score_facts(run)


def _data_facts(run: RunSummary) -> dict[str, str]:
    """Return facts about the images: their sources, labels and splits."""
    dataset, most = run.setting("data.dataset"), run.setting("data.per_class")
    positive, balance = run.setting("data.versus_rest"), run.setting("data.balance")
    rule, source = run.setting("data.split"), run.setting("data.source")
    card = _published(dataset)
    phantom = run.stamp("PHANTOM")
    counts = _counts(run)
    by_patient = run.fingerprint.get("image_level") is False
    labelled_by, licence = (_stated(card.labelled_by), _stated(card.licence)) if card else ("", "")
    address = card.homepage or card.instruction if card else ""
    external = named({"External test": joined(*map(_source, run.external))})
    subsets = most and joined(
        "all images" if most == "0" else f"at most {most} training images per class",
        positive not in ("", "none") and f"{positive} against all other classes",
    )
    imbalance = joined(
        balance == "True" and "training batches with equal numbers of images per class",
        most not in ("", "0") and subsets,
    )
    inside = "test is part of the data set of the training"
    if rule == "source":
        inside = f"test is the source {source}; no image of it was used for training"
    others = named({"other data sets": ", ".join(run.external)})
    return {
        "phantom": phantom,
        "sources": dataset and joined(_source(dataset), phantom, external, by=". "),
        "retrospective": phantom or joined(card and "retrospective: a published data set"),
        "subsets": subsets,
        "imbalance": balance and joined(imbalance or "none", "metrics are given per class"),
        "labels": named({"classes": run.classes, "labelled by": labelled_by}),
        "labelled_by": labelled_by,
        "data_sharing": named({"data from": address, "licence": licence}),
        "notes": card.notes if card else "",
        "partition": _partition(run, rule) if rule in SPLIT_RULES else "",
        "own_counts": named({name: text for name, text in counts.items() if name in SPLITS}),
        "counts": named(counts),
        "compared": named(counts) if "train" in set(run.counts["split"]) else "",
        "disjoint": run.stamp("IMAGE-LEVEL")
        or joined(by_patient and "patient-level: no patient id is in two splits"),
        "differences": joined(inside, others) if rule in SPLIT_RULES else "",
    }


def _published(name: str) -> Card | None:
    """Return the card of a published data set or phantom; None for the user's own images."""
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
        f"val where none is published: {run.setting('data.val') or NOT_KNOWN} of the images",
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


def _model_facts(run: RunSummary) -> dict[str, str]:
    """Return facts about the network: what it is, how it was trained, and with which software."""
    network, rule = run.setting("model.name"), run.setting("model.preprocessing")
    frozen, seed = run.setting("model.freeze"), run.setting("seed")
    box, crop = run.setting("input.box"), run.setting("input.crop")
    weights = run.setting("model.weights")
    command = named({"command": run.environment.get("command", "")})
    members = run.fingerprint.get("members", ())
    versions = flatten({k: v for k, v in run.environment.items() if k in SOFTWARE})
    window = named({"centre and width of the window for DICOM CT": run.setting("input.window")})
    sides = crop.strip("()[]").split(",")
    size = f"{sides[-1].strip()} x {sides[0].strip()} pixels (width x height)"
    pixels = crop and f"{size}, box: {box}, fit: {run.setting('input.fit')}"
    normalisation = network and (
        "grey levels are normalised on the device and inside every export"
        f"{'' if rule in UNUSED else f' ({rule})'}"
    )
    head = _used(run, "model", ("head", "activation", "dropout"))
    method = [name for name in run.recipe.get("training", {}) if name not in NOT_METHOD]
    settings = _used(run, "training", method)
    augmentation = _used(run, "augmentation", run.recipe.get("augmentation", {})) or "none"
    val = "val" in run.fingerprint.get("images", {})
    watched = val and f"evaluated on val every {run.setting('training.eval_every')} steps"
    evaluation = f"; evaluation on {', '.join(run.results)}" if run.results else ""
    return {
        "goal": run.classes
        and "development of a deep-learning classifier of chest images"
        f" ({run.classes}){evaluation}",
        "network": network and joined(network, pixels, head),
        "input": pixels,
        "initial_weights": weights,
        "initial": named({"initial weights": weights, "frozen": frozen, "seed": seed}),
        "normalisation": normalisation,
        "preprocessing": pixels and joined(pixels, window, normalisation),
        "interpreted": _TEXTS["interpreted"].get(box, ""),
        "selection": joined(run.kept, watched, run.kept and "test is not used"),
        "training": settings and f"{settings}; augmentation: {augmentation}",
        "ensemble": f"mean of the probabilities of {len(members)} runs"
        if members
        else network and "none: one network, one seed",
        "software": ", ".join(f"{k.removeprefix('packages.')} {v}" for k, v in versions.items()),
        "protocol": joined("all settings: recipe.json", command) if run.recipe else "",
        "specification": joined(
            run.folder.model_file.exists()
            and f"model.keras; other formats: covid-keras export {run.place} --out DIR"
        ),
    }


def _used(run: RunSummary, section: str, names: Iterable[str]) -> str:
    """Return settings of a section as text, without those that are switched off."""
    values = {name: run.setting(f"{section}.{name}") for name in names}
    return ", ".join(f"{name} {value}" for name, value in values.items() if value not in UNUSED)


def _score_facts(run: RunSummary) -> dict[str, str]:
    """Return facts about the results: what was measured, how certain it is, and where it fails."""
    results, held_out = run.results, run.held_out
    groups = results.get("test", {}).get("groups", {})
    clusters = {column: groups[column] for column in groups if column in ("source", "country")}
    in_groups = group_lines(groups)
    sizes = named({c: _listed(p, lambda part: f"{part['images']:,}") for c, p in groups.items()})
    scores, scale = _each(results, overall), "(percent [95 % interval])"
    diagnostic = _each(held_out, lambda result: _listed(result["per_class"], _metrics, ": "))
    intervals = _each(held_out, lambda result: result["intervals"])
    moved = {name: result for name, result in held_out.items() if "at_threshold" in result}
    at_point = _each(moved, lambda result: overall(result["at_threshold"]))
    point = run.metrics.get("operating_point") or {}
    fitted = {k: v for k in ("temperature", "threshold") if (v := point.get(k)) is not None}
    on_val = named({"fitted on val": _listed(fitted, "{:.2f}".format)})
    updates = joined("none based on test", on_val) if results else ""
    calibrated = any("calibration" in result for result in results.values())
    drawn = [
        f"{METHODS[method].title}, {count(len(paths), 'panel')}"
        for method, paths in run.panels.items()
    ]
    command = run.metrics.get("command", "")
    looks = run.metrics.get("looks", {}).get("test") or "not known"
    not_done = "not done" if results else ""
    return {
        "measures": joined(
            results and ", ".join(OVERALL.values()),
            results and f"one-vs-rest per class: {', '.join(METRICS.values())}",
            calibrated and "calibration error (ECE), Brier score",
        ),
        "intervals": intervals and f"{intervals}. {run.seeds}",
        "robustness": joined(*run.comparisons("test"), *in_groups)
        or (not_done and f"{not_done}: no ablations, no scores by group"),
        "explained": joined(
            *drawn,
            drawn and "no proof of looking at disease",
            *run.maps,
        ),
        "internal": joined(
            "test" in results and f"test: {_images(results['test'])} of the same data set",
            "test" in results and f"evaluations so far: {looks}",
        ),
        "external": _each({name: results[name] for name in run.external}, _images)
        or (not_done and f"{not_done}: a person has to justify this"),
        "sizes": _each(held_out, lambda r: f"{_images(r)}, patients: {number(r['patients'])}"),
        "performance": scores and f"{scores} {scale}",
        "diagnostic": diagnostic and f"{diagnostic} {scale}",
        "subgroups": scores and joined("per class: see Scores", *in_groups),
        "failures": _each(held_out, _misclassified),
        "characteristics": run.stamp("PHANTOM") or (sizes and f"test images by {sizes}"),
        "cluster_method": f"scores within each {' and '.join(clusters)}" if clusters else not_done,
        "clusters": joined(*group_lines(clusters)) or not_done,
        "limitations": joined(*run.stamps, run.seeds) if run.setting("data.dataset") else "",
        "output": run.classes
        and joined(
            f"a probability for each of {run.classes}; the most probable class is predicted",
            "threshold" in fitted
            and f"operating point from val: threshold {fitted['threshold']:.2f} on the last class,"
            " where sensitivity + specificity is highest",
        ),
        "calculated": command and f"one row per image in predictions_*.csv; command: {command}",
        "updating": updates,
        "updated": f"at the operating point from val: {at_point}" if at_point else updates,
    }


def _each(results: dict[str, dict], write: Callable[[dict], str]) -> str:
    """Return "set: text" of the evaluated sets, joined."""
    return named({name: write(result) for name, result in results.items()})


def _listed(values: dict, write: Callable[..., str], between: str = " ") -> str:
    """Return "name text" of the values, with commas."""
    return ", ".join(f"{name}{between}{write(value)}" for name, value in values.items())


def _images(result: dict) -> str:
    return count(result["images"], "image")


def _metrics(entries: dict) -> str:
    return ", ".join(f"{title} {percent(entries[key])}" for key, title in METRICS.items())


def _misclassified(result: dict) -> str:
    errors = [
        f"{row[k]:,} of {sum(row):,} {true} predicted as {predicted}"
        for true, row in zip(result["classes"], result["confusion_matrix"], strict=True)
        for k, predicted in enumerate(result["classes"])
        if predicted != true and row[k]
    ]
    return ", ".join(errors) or "no misclassified image"
