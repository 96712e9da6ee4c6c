"""The verdict on a set of images in plain words: one rule, one sentence, from the numbers alone."""

from collections.abc import Callable, Iterator, Mapping

from covid_keras.datasets.label_files import SPLITS
from covid_keras.metrics.map_sentences import MAIN, beats_centre, map_summary
from covid_keras.metrics.member_sentences import (
    against_baselines,
    as_one,
    is_mean,
    looks_of_each,
    over_runs,
    unfinished,
)
from covid_keras.metrics.sentences import CHANCE_AUC, WITHOUT, sizes
from covid_keras.metrics.shortcut_sentences import shortcuts
from covid_keras.metrics.verdict_words import (
    AGAINST,
    COMPARED,
    FOR,
    GOOD,
    LOOKS,
    OPEN,
    TOPICS,
    UNKNOWN,
    WHAT,
    Sentence,
    listed,
    with_unit,
)
from covid_keras.utils.text import count

CENTRE = "centre blacked out"
BOX = "the crop box"
MARK = {
    True: "mark the disease better",
    False: "mark the disease worse",
    None: "are not shown to mark the disease better",
}
"""{whether maps beat the centre prior: what they do}."""


def verdict(metrics: Mapping, name: str) -> list[Sentence]:
    """Return what metrics.json says of the set `name`, in sentences in the order of `TOPICS`."""
    metrics = as_one(metrics, name)
    rules = MEMBERS if is_mean(metrics["splits"][name]) else RULES
    found = [sentence for rule in rules for sentence in rule(metrics, name)]
    return sorted(found, key=_order)


def trained_on(metrics: Mapping, name: str) -> Iterator[Sentence]:
    """Say which network was trained and tested on which images."""
    result, training = metrics["splits"][name], metrics.get("training")
    images, _, patients = sizes(result).partition(", ")
    of = "the same data set" if name in SPLITS else name
    if not training:
        yield Sentence(WHAT, f"Tested on {images} ({patients}).")
        yield Sentence(UNKNOWN, "What it was trained on is unknown.", OPEN)
        return
    network, runs = training["network"], training["runs"]
    if "folds" in result:
        text = f"{count(runs, 'network')} ({network}) on {training['dataset']}, each tested on the"
        text += f" fold that it was not trained on: {images} ({patients}), each answered once."
        yield Sentence(WHAT, text)
        return
    known = ((training[f"{noun}s"], noun) for noun in ("image", "patient"))
    parts = " of ".join([*(count(n, noun) for n, noun in known if n), training["dataset"]])
    if "runs" in result:
        text = f"{count(runs, 'run')} ({network}), trained on {parts}; tested on {images}."
        yield Sentence(WHAT, text)
        return
    network = network if runs == 1 else f"The mean of {runs} runs ({network})"
    text = f"{network}, trained on {parts}; tested on {images} of {of} ({patients})."
    yield Sentence(WHAT, text)


def synthetic(metrics: Mapping, name: str) -> Iterator[Sentence]:
    """Say that phantom images are no patients."""
    if _stamped(metrics, "PHANTOM"):
        text = "The images are synthetic: nothing follows for real patients."
        yield Sentence(WHAT, text, AGAINST)


def scores(metrics: Mapping, name: str) -> Iterator[Sentence]:
    """Give accuracy and AUC, by patient first."""
    result = metrics["splits"][name]
    if level := result.get("patient_level"):
        of = count(level["patients"], "patient")
        yield Sentence(GOOD, f"By patient ({of}): {_scores(level)}.")
        if left_out := level.get("left_out", 0):
            text = f"{count(left_out, 'patient')} with images of several classes left out."
            yield Sentence(UNKNOWN, f"In the score by patient, {text}", OPEN)
        if level["patients"] == result["images"]:  # by image it is the same
            return
    elif result["patients"] is None:
        text = "By patient: unknown, as the images have no patient ids; the intervals, which count"
        yield Sentence(GOOD, f"{text} each image as independent, are too narrow.", OPEN)
    else:
        text = "By patient: unknown, as no val images fixed how to join the images of a patient."
        yield Sentence(GOOD, text, OPEN)
    yield Sentence(GOOD, f"By image ({count(result['images'], 'image')}): {_scores(result)}.")


def weakest_class(metrics: Mapping, name: str) -> Iterator[Sentence]:
    """Name the class of which the smallest share is found."""
    classes = metrics["splits"][name]["per_class"].items()
    known = [(e["sensitivity"], c) for c, e in classes if e["sensitivity"]["value"] is not None]
    if known:
        entry, label = min(known, key=lambda pair: pair[0]["value"])
        text = f"Weakest class: {label}, of which it finds {with_unit(entry)} of the images."
        yield Sentence(GOOD, text)


def weakest_group(metrics: Mapping, name: str) -> Iterator[Sentence]:
    """Name the subgroup in which the accuracy is lowest."""
    groups = metrics["splits"][name].get("groups", {}).items()
    named = [(f"{column} {group}", s) for column, found in groups for group, s in found.items()]
    known = [(s, group) for group, s in named if s["accuracy"]["value"] is not None]
    if known:
        scores, group = min(known, key=lambda pair: pair[0]["accuracy"]["value"])
        of = count(scores["images"], "image")
        text = f"Weakest group: {group} ({of}), accuracy {with_unit(scores['accuracy'])}."
        yield Sentence(GOOD, text)


def leaks(metrics: Mapping, name: str) -> Iterator[Sentence]:
    """Say where test images resemble those of the training more than they should."""
    if name in SPLITS and _stamped(metrics, "IMAGE-LEVEL"):
        text = "Images of one patient may be in train and in test: the scores are too high."
        yield Sentence(GOOD, text, AGAINST)
    for stamp in metrics["stamps"]:
        if stamp.upper().startswith("LEAK"):
            yield Sentence(GOOD, f"{stamp}.", AGAINST)


def most_frequent(metrics: Mapping, name: str) -> Iterator[Sentence]:
    """Give the accuracy of always answering the most frequent class."""
    images = metrics["splits"][name]["images_per_class"].values()
    share = 100 * max(images) / sum(images)
    yield Sentence(COMPARED, f"Always answering one class would be right in {share:.1f} % at most.")


def baseline(metrics: Mapping, name: str) -> Iterator[Sentence]:
    """Compare with the metadata baseline."""
    if name != "test":
        return
    found = metrics.get("metadata_baseline")
    if not found:
        text = "Not compared with a metadata baseline, which would show what needs no image."
        yield Sentence(COMPARED, text, OPEN)
        return
    area = found["macro_auc"]
    low, high = area["lead_low"], area["lead_high"]
    columns = dict.fromkeys(BOX if name.startswith("box_") else name for name in found["columns"])
    if low is not None and low > 0:
        start, tone = "Better than", FOR
    elif high is not None and high < 0:
        start, tone = "Worse than", AGAINST
    else:
        start, tone = "Not shown to be better than", AGAINST
    text = f"{start} the metadata baseline, which reads only {listed([*columns])}"
    yield Sentence(COMPARED, f"{text}: AUC {_lead(area)}.", tone)


def confounded(metrics: Mapping, name: str) -> Iterator[Sentence]:
    """Say where the source alone tells the class."""
    if stamp := _stamped(metrics, "SOURCE-CONFOUNDED"):
        text = f"Source and class go together ({stamp.partition(': ')[2]})"
        yield Sentence(COMPARED, f"{text}: the score may be of recognising the source.", AGAINST)


def external(metrics: Mapping, name: str) -> Iterator[Sentence]:
    """Compare with the sets that are not of the training's data set."""
    if name not in SPLITS:
        return
    others = {other: r for other, r in metrics["splits"].items() if other not in SPLITS}
    for other, result in others.items():
        of = f"{sizes(result)}, mean [lowest, highest]" if "runs" in result else sizes(result)
        text = f"On another data set, {other} ({of}): {_scores(result)}."
        yield Sentence(COMPARED, text)
    if not others:
        text = "Not tested on another data set: scores at another hospital may be far lower."
        yield Sentence(UNKNOWN, text, OPEN)


def centre(metrics: Mapping, name: str) -> Iterator[Sentence]:
    """Say what remains of the score where the network cannot see the disease."""
    if name != "test":
        return
    if not metrics.get("training"):
        text = "Unknown: of another program there are predictions only."
        yield Sentence(LOOKS, text, OPEN)
        return
    ablations = metrics.get("ablations") or {}
    for part, hidden in WITHOUT.items():
        if part not in ablations:
            continue
        area = ablations[part]["macro_auc"]
        text = f"With the {part} its AUC is {with_unit(area)}"
        if area["low"] is None or area["low"] <= CHANCE_AUC:
            yield Sentence(LOOKS, f"{text}, not shown to be above chance.", FOR)
        else:
            text += f", above chance: part of the score does not come from {hidden}."
            yield Sentence(LOOKS, text, AGAINST)
    if CENTRE not in ablations:
        text = "Not tested with the centre of the images, where the disease is, blacked out."
        yield Sentence(LOOKS, text, OPEN)


def maps(metrics: Mapping, name: str) -> Iterator[Sentence]:
    """Say whether its maps find the disease better than the image's centre does."""
    if methods := metrics.get("maps", {}).get(name):
        first, *_ = methods.values()
        better = beats_centre(first[MAIN])
        tone = {True: FOR, False: AGAINST, None: OPEN}[better]
        text = (
            f"The maps by {first['sentence'].partition(':')[0]} {MARK[better]} than a spot in the"
        )
        text += f" middle of every image: {_precision(first)}"
        yield Sentence(LOOKS, f"{'; '.join([text, *map_summary(methods)[1:]])}.", tone)
    elif name == "test" and metrics.get("training"):
        text = "Its maps were not compared with masks of the disease: they prove nothing."
        yield Sentence(LOOKS, text, OPEN)


def planned(metrics: Mapping, name: str) -> Iterator[Sentence]:
    """Give the verdict on claims that were frozen before the test."""
    plan = metrics.get("plan") if name == "test" else None
    if plan:
        claims = "; ".join([plan["verdict"], *plan["reasons"]])
        tone = FOR if plan["verdict"] == "PASS" else AGAINST
        yield Sentence(GOOD, f"Claims frozen on {plan['date'][:10]}: {claims}.", tone)


def looks(metrics: Mapping, name: str) -> Iterator[Sentence]:
    """Warn of a set that was measured several times."""
    if (times := metrics.get("looks", {}).get(name, 0)) > 1:
        text = f"The images of {name} were measured {times} times: a network that was changed"
        yield Sentence(UNKNOWN, f"{text} in between is fitted to them, and scores too high.", OPEN)


def subgroups(metrics: Mapping, name: str) -> Iterator[Sentence]:
    """Say for whom the score is unknown."""
    groups = metrics["splits"][name].get("groups", {})
    if missing := [column for column in ("age", "sex", "source") if column not in groups]:
        yield Sentence(UNKNOWN, f"Scores by {listed(missing)} are unknown.", OPEN)


def seeds(metrics: Mapping, name: str) -> Iterator[Sentence]:
    """Say that one training is one draw."""
    if metrics.get("training", {}).get("runs") == 1:
        yield Sentence(UNKNOWN, "One training with one seed: another gives other numbers.", OPEN)


RULES: tuple[Callable[[Mapping, str], Iterator[Sentence]], ...] = (
    trained_on,
    synthetic,
    scores,
    leaks,
    planned,
    over_runs,
    weakest_class,
    weakest_group,
    baseline,
    confounded,
    most_frequent,
    external,
    subgroups,
    unfinished,
    maps,
    centre,
    shortcuts,
    looks,
    seeds,
)
"""From (metrics.json, name of a set) to sentences; in this order within a topic."""
MEMBERS = (
    trained_on,
    synthetic,
    over_runs,
    weakest_class,
    leaks,
    against_baselines,
    confounded,
    most_frequent,
    external,
    shortcuts,
    unfinished,
    looks_of_each,
)
"""The rules for the mean of several seeds, which does not hold what others need."""


def _stamped(metrics: Mapping, start: str) -> str:
    """Return the stamp with this start; "" if there is none."""
    return next((stamp for stamp in metrics["stamps"] if stamp.upper().startswith(start)), "")


def _order(sentence: Sentence) -> tuple[int, bool]:
    """Return the place of a sentence: by topic; of where it looks, what is known first."""
    return TOPICS.index(sentence.topic), sentence.topic == LOOKS and sentence.tone == OPEN


def _scores(result: Mapping) -> str:
    entries = result["metrics"]
    return f"accuracy {with_unit(entries['accuracy'])}, macro AUC {with_unit(entries['macro_auc'])}"


def _precision(found: Mapping) -> str:
    """Return the average precision of maps beside that of the centre prior."""
    entry = found[MAIN]
    text = f"average precision {with_unit(entry)}"
    if None in (entry["value"], entry["lead"]):
        return text
    return f"{text}, of the spot {100 * (entry['value'] - entry['lead']):.1f} %"


def _lead(area: Mapping) -> str:
    """Return a lead as "+28.2 points [+23.7, +33.1]"."""
    value, low, high = (area[key] for key in ("lead", "lead_low", "lead_high"))
    if value is None:
        return "undefined"
    bounds = "no interval" if low is None else f"{100 * low:+.1f}, {100 * high:+.1f}"
    return f"{100 * value:+.1f} points [{bounds}]"
