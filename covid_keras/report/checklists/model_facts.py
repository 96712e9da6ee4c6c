"""Facts about the network of a run: what it is, how it was trained, and with which software."""

from collections.abc import Iterable

from covid_keras.report.summary import RunSummary, flatten, joined, named

SOFTWARE = ("covid_keras", "commit", "python", "backend", "platform", "packages")
NOT_METHOD = ("eval_every", "jit", "steps_per_execution", "gradcam", "tensorboard")
"""Settings of the training that do not describe the method."""
UNUSED = ("0", "0.0", "False", "none", "not known", "")


def facts(run: RunSummary) -> dict[str, str]:
    """Return {name of a fact: what the run folder says, "" if it is not known}."""
    network, rule = run.setting("model.name"), run.setting("model.preprocessing")
    frozen, seed = run.setting("model.freeze"), run.setting("seed")
    box, crop = run.setting("input.box"), run.setting("input.crop")
    every, weights = run.setting("training.eval_every"), run.setting("model.weights")
    weights = "random" if weights == "none" else weights
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
    evaluation = f"; evaluation on {', '.join(run.results)}" if run.results else ""
    return {
        "intended": "Research on the classification of chest images. Not for diagnosis, triage or"
        " any decision about a patient",
        "goal": run.classes
        and "development of a deep-learning classifier of chest images"
        f" ({run.classes}){evaluation}",
        "technology": network and f"deep learning, the network {network}",
        "network": network and joined(network, pixels, head),
        "input": pixels,
        "initial_weights": weights,
        "initial": named({"initial weights": weights, "frozen": frozen, "seed": seed}),
        "normalisation": normalisation,
        "preprocessing": pixels and joined(pixels, window, normalisation),
        "predictors": network and "the pixels of one image only",
        "interpreted": "crop box annotated with the dataset; where there is none, no person reads"
        " the image"
        if box == "annotated"
        else box and "none: no person reads the image for the network",
        "missing": network
        and "none imputed: the only input is one image, and an unreadable image is rejected",
        "bad_input": "unreadable files are rejected; the quality of an image is not checked",
        "training": settings and f"{settings}; augmentation: {augmentation}",
        "selection": every
        and f"evaluated on val every {every} steps; the checkpoint with the highest accuracy, then"
        " the lowest loss, is kept; test is not used",
        "ensemble": f"mean of the probabilities of {len(members)} runs"
        if members
        else network and "none: one network, one seed",
        "fairness": network and "none: the training does not use patient groups",
        "software": ", ".join(f"{k.removeprefix('packages.')} {v}" for k, v in versions.items()),
        "protocol": joined("all settings: recipe.json", command) if run.recipe else "",
        "specification": f"model.keras; other formats: covid-keras export {run.name}"
        if run.folder.model_file.exists()
        else "",
    }


def _used(run: RunSummary, section: str, names: Iterable[str]) -> str:
    """Return settings of a section as text, without those that are switched off."""
    values = {name: run.setting(f"{section}.{name}") for name in names}
    return ", ".join(f"{name} {value}" for name, value in values.items() if value not in UNUSED)
