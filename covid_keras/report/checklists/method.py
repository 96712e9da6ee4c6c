"""Answers about the network: what it is, how it was trained, and with which software."""

from collections.abc import Iterable

from covid_keras.report.checklists.facts import setting
from covid_keras.report.summary import RunSummary, flatten

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
"""Settings of the training that are told; zeros and empty ones are left out."""
UNUSED = ("0", "0.0", "False", "none", "not known", "")


def intended(run: RunSummary) -> str:
    """What a network of this package is for."""
    return INTENDED


def technology(run: RunSummary) -> str:
    """Which kind of technology."""
    name = setting(run, "model.name")
    return name and f"deep learning, the network {name}"


def network(run: RunSummary) -> str:
    """Backbone, head, input and outputs."""
    name = setting(run, "model.name")
    told = ("head", "activation", "dropout", "freeze")
    return name and "; ".join(filter(None, [name, input_size(run), _used(run, "model", told)]))


def first_weights(run: RunSummary) -> str:
    """What the training started from."""
    weights = setting(run, "model.weights")
    return "random" if weights == "none" else weights


def initial(run: RunSummary) -> str:
    """What the training started from, what of it was kept, and the seed."""
    known = {"first weights": first_weights(run), "kept as they were": setting(run, "model.freeze")}
    known |= {"seed": setting(run, "seed")}
    return "; ".join(f"{name}: {value}" for name, value in known.items() if value)


def input_size(run: RunSummary) -> str:
    """The network's input in pixels, and how an image becomes it."""
    crop = setting(run, "input.crop")
    if not crop:
        return ""
    sides = crop.strip("()[]").split(",")
    height, width = sides[0].strip(), sides[-1].strip()
    how = f"box: {setting(run, 'input.box')}, fit: {setting(run, 'input.fit')}"
    return f"{width} x {height} pixels (width x height), {how}"


def normalisation(run: RunSummary) -> str:
    """How grey levels become the network's numbers."""
    if not setting(run, "model.name"):
        return ""
    rule = setting(run, "model.preprocessing")
    named = f" ({rule})" if rule not in UNUSED else ""
    return f"grey levels are normalised on the device and inside every export{named}"


def preprocessing(run: RunSummary) -> str:
    """From a stored image to the network's input."""
    size = input_size(run)
    window = _used(run, "input", ("window",))
    shown = f"{window} (centre and width, of CT read from DICOM)" if window else ""
    return size and "; ".join(filter(None, [size, shown, normalisation(run)]))


def predictors(run: RunSummary) -> str:
    """What a prediction is made from."""
    return "the pixels of one image, nothing else" if setting(run, "model.name") else ""


def interpreted(run: RunSummary) -> str:
    """What of the input was judged by people."""
    box = setting(run, "input.box")
    if box == "annotated":
        return "the crop takes the data set's own box where it has one; else nobody reads the image"
    return box and "none: nobody reads the image for the network"


def missing(run: RunSummary) -> str:
    """What happens where a value is missing."""
    if not predictors(run):
        return ""
    return f"{predictors(run)}: nothing is imputed; an image that cannot be read is refused"


def training(run: RunSummary) -> str:
    """Optimiser, schedule and augmentation."""
    said = _used(run, "training", TRAINING)
    augmentation = _used(run, "augmentation", run.recipe.get("augmentation", {}))
    return said and f"{said}; augmentation: {augmentation or 'none'}"


def selection(run: RunSummary) -> str:
    """Which of the networks of a training is kept."""
    every = setting(run, "training.eval_every")
    return every and (
        f"of the networks after every {every} steps the one with the highest accuracy on val,"
        " among equals the lowest loss; never by test"
    )


def building(run: RunSummary) -> str:
    """The network, its training, and which was kept."""
    return "; ".join(filter(None, [network(run), initial(run), training(run), selection(run)]))


def ensemble(run: RunSummary) -> str:
    """How networks were combined."""
    members = run.fingerprint.get("members", ())
    if members:
        return f"the mean of the probabilities of {len(members)} runs"
    if run.members:
        return run.seeds
    return "none: one network, one seed" if setting(run, "model.name") else ""


def fairness(run: RunSummary) -> str:
    """What the training did about fairness."""
    return "none: training knows no groups of patients" if setting(run, "model.name") else ""


def software(run: RunSummary) -> str:
    """Versions of this package and of what it runs on."""
    facts = flatten(run.environment)
    told = ("covid_keras", "commit", "python", "backend", "platform")
    packages = {key.removeprefix("packages."): v for key, v in facts.items() if "packages." in key}
    known = {key: facts[key] for key in told if key in facts} | packages
    return ", ".join(f"{name} {value}" for name, value in known.items())


def protocol(run: RunSummary) -> str:
    """Where every setting stands."""
    if not run.recipe:
        return ""
    return "every setting is in recipe.json" + (f"; command: {run.command}" if run.command else "")


def specification(run: RunSummary) -> str:
    """How others can use the network."""
    if not (run.folder / "model.keras").exists():
        return ""
    return f"model.keras in the run folder; covid-keras export {run.folder.name} makes others"


def bad_input(run: RunSummary) -> str:
    """What becomes of poor images."""
    return "a file that cannot be read is refused; the quality of an image is not checked"


def _used(run: RunSummary, section: str, keys: Iterable[str]) -> str:
    """Settings of a section as text, without those that are switched off."""
    values = {key: setting(run, f"{section}.{key}") for key in keys}
    return ", ".join(f"{key} {value}" for key, value in values.items() if value not in UNUSED)
