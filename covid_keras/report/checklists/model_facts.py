"""Facts about the network of a run: what it is, how it was trained, and with which software."""

from collections.abc import Iterable

from covid_keras.report.summary import RunSummary, flatten, joined, named

INTENDED = (
    "Research on the classification of chest images. Not for diagnosis, triage or any decision "
    "about a patient"
)
TRAINING = (
    "optimizer",
    "learning_rate",
    "rates",
    "schedule",
    "momentum",
    "weight_decay",
    "batch",
    "steps",
    "epochs",
    "precision",
)
"""Settings of the training that are listed; zeros and empty ones are left out."""
UNUSED = ("0", "0.0", "False", "none", "not known", "")
SOFTWARE = ("covid_keras", "commit", "python", "backend", "platform")


def intended(run: RunSummary) -> str:
    """Return what a network of this package is for."""
    return INTENDED


def technology(run: RunSummary) -> str:
    """Return the kind of technology."""
    name = run.setting("model.name")
    return name and f"deep learning, the network {name}"


def network(run: RunSummary) -> str:
    """Return backbone, input and head."""
    head = _used(run, "model", ("head", "activation", "dropout", "freeze"))
    name = run.setting("model.name")
    return name and joined(name, input_size(run), head)


def first_weights(run: RunSummary) -> str:
    """Return what the training started from."""
    weights = run.setting("model.weights")
    return "random" if weights == "none" else weights


def initial(run: RunSummary) -> str:
    """Return what the training started from, what of it was kept, and the seed."""
    frozen, seed = run.setting("model.freeze"), run.setting("seed")
    return named({"first weights": first_weights(run), "kept as they were": frozen, "seed": seed})


def input_size(run: RunSummary) -> str:
    """Return the network's input in pixels, and how an image is fitted to it."""
    crop = run.setting("input.crop")
    sides = crop.strip("()[]").split(",")
    size = f"{sides[-1].strip()} x {sides[0].strip()} pixels (width x height)"
    box, fit = run.setting("input.box"), run.setting("input.fit")
    return crop and f"{size}, box: {box}, fit: {fit}"


def normalisation(run: RunSummary) -> str:
    """Return how grey levels become the network's numbers."""
    rule = _used(run, "model", ("preprocessing",)).removeprefix("preprocessing ")
    text = "grey levels are normalised on the device and inside every export"
    return run.setting("model.name") and text + (f" ({rule})" if rule else "")


def preprocessing(run: RunSummary) -> str:
    """Return the steps from a stored image to the network's input."""
    window = _used(run, "input", ("window",))
    shown = window and f"{window} (centre and width, of CT read from DICOM)"
    size = input_size(run)
    return size and joined(size, shown, normalisation(run))


def interpreted(run: RunSummary) -> str:
    """Return what of the input was judged by people."""
    box = run.setting("input.box")
    if box == "annotated":
        return "the crop takes the data set's own box where it has one; else nobody reads the image"
    return box and "none: nobody reads the image for the network"


def training(run: RunSummary) -> str:
    """Return optimizer, schedule and augmentation."""
    settings = _used(run, "training", TRAINING)
    augmentation = _used(run, "augmentation", run.recipe.get("augmentation", {}))
    return settings and f"{settings}; augmentation: {augmentation or 'none'}"


def selection(run: RunSummary) -> str:
    """Return which of the networks of a training is kept."""
    every = run.setting("training.eval_every")
    return every and (
        f"of the networks after every {every} steps the one with the highest accuracy on val,"
        " among equals the lowest loss; never by test"
    )


def building(run: RunSummary) -> str:
    """Return the network, its training, and which was kept."""
    return joined(network(run), initial(run), training(run), selection(run))


def ensemble(run: RunSummary) -> str:
    """Return how networks were combined."""
    if run.members:
        return f"the mean of the probabilities of {len(run.members)} runs"
    return "none: one network, one seed" if run.setting("model.name") else ""


def software(run: RunSummary) -> str:
    """Return the versions of this package and of what it runs on."""
    facts = flatten({k: v for k, v in run.environment.items() if k in (*SOFTWARE, "packages")})
    return ", ".join(f"{name.removeprefix('packages.')} {value}" for name, value in facts.items())


def protocol(run: RunSummary) -> str:
    """Return where every setting stands."""
    command = run.command and f"command: {run.command}"
    return joined("every setting is in recipe.json", command) if run.recipe else ""


def specification(run: RunSummary) -> str:
    """Return how others can use the network."""
    others = f"model.keras in the run folder; covid-keras export {run.name} makes others"
    return others if run.trained else ""


def _used(run: RunSummary, section: str, keys: Iterable[str]) -> str:
    """Return settings of a section as text, without those that are switched off."""
    values = {key: run.setting(f"{section}.{key}") for key in keys}
    return ", ".join(f"{key} {value}" for key, value in values.items() if value not in UNUSED)
