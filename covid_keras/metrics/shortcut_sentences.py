"""What probes of the features and the matched test found, in the sentences of a verdict."""

from collections.abc import Iterator, Mapping, Sequence

from covid_keras.metrics.sentences import CHANCE_AUC
from covid_keras.metrics.verdict_words import (
    AGAINST,
    COMPARED,
    FOR,
    LOOKS,
    OPEN,
    PLAIN,
    UNKNOWN,
    Sentence,
    listed,
    with_unit,
)
from covid_keras.utils.text import count


def shortcuts(metrics: Mapping, name: str) -> Iterator[Sentence]:
    """Say what its features tell besides the class, and how it scores where that is no help."""
    if name != "test":
        return
    probes, matched = metrics.get("probes"), metrics.get("matched")
    if probes:
        yield from _probes(probes)
        yield from _control(probes)
    if matched:
        yield from _matched(matched)
    if metrics.get("training") and not (probes or matched):
        text = "Not tested whether it uses shortcuts, such as scanner or sex (--probes, --match)."
        yield Sentence(UNKNOWN, text, OPEN)


def above_chance(entry: Mapping | None) -> bool:
    """Return whether the whole interval of an AUC is above chance."""
    return entry is not None and entry["low"] is not None and entry["low"] > CHANCE_AUC


def _probes(probes: Mapping) -> Iterator[Sentence]:
    """Tell what can be read from the features, by whether it goes with the class."""
    entries = probes["attributes"]
    found = [name for name in entries if name != probes["negative_control"]]
    read = [name for name in found if above_chance(entries[name]["auc"])]
    with_class = [name for name in read if above_chance(entries[name]["from_class"])]
    features, hide, tone = "Its features", "are not shown to", FOR
    if runs := probes.get("runs"):
        features, hide, tone = f"The features of {count(runs, 'run')}", "are not all shown to", OPEN
    if with_class:
        text = f"{features} tell {_aucs(entries, with_class)}, which in the training images"
        yield Sentence(LOOKS, f"{text} goes with the class: a possible shortcut.", AGAINST)
    if alone := [name for name in read if name not in with_class]:
        text = f"{features} tell {_aucs(entries, alone)}, which is not shown to go with the class"
        yield Sentence(LOOKS, f"{text} in the training images: no shortcut by itself.", PLAIN)
    if hidden := [name for name in found if name not in read]:
        yield Sentence(LOOKS, f"{features} {hide} tell {_aucs(entries, hidden)}.", tone)


def _aucs(entries: Mapping, names: Sequence[str]) -> str:
    """Return "source (AUC 98.1 % [95.0, 99.5]; from other metadata 61.0 % [52.1, 69.2])"."""
    texts = []
    for name in names:
        beside = entries[name]["from_metadata"]
        other = f"; from other metadata {with_unit(beside)}" if beside else ""
        texts.append(f"{name} (AUC {with_unit(entries[name]['auc'])}{other})")
    return listed(texts)


def _control(probes: Mapping) -> Iterator[Sentence]:
    """Say whether the negative control probes at chance."""
    control = probes["negative_control"]
    if reason := probes["left_out"].get(control):
        yield Sentence(UNKNOWN, f"The negative control {control} was not probed: {reason}.", OPEN)
    elif control:
        entry = probes["attributes"][control]["auc"]
        text = f"The negative control {control} probes"
        if above_chance(entry):
            text += f" above chance (AUC {with_unit(entry)}): the probes or the split are at fault,"
            yield Sentence(LOOKS, f"{text} unless an image can tell it after all.", AGAINST)
        else:
            text += f" at chance, as it must (AUC {with_unit(entry)})."
            yield Sentence(LOOKS, text, PLAIN)


def _matched(matched: Mapping) -> Iterator[Sentence]:
    """Compare the score of each class on matched images with that on all."""
    classes, columns = matched["classes"], listed(matched["columns"])
    area = f"the AUC of {count(matched['runs'], 'run')}" if "runs" in matched else "the AUC"
    scored = {label: found for label, found in classes.items() if not found["refused"]}
    lost = [label for label, found in scored.items() if not above_chance(found["auc"])]
    lower = [label for label in scored if label not in lost and _fell(scored[label])]
    kept = [label for label in scored if label not in (*lost, *lower)]
    outcomes = (
        (lost, AGAINST, ": not shown to be above chance."),
        (lower, AGAINST, ": part of the score comes from what was matched."),
        (kept, FOR, "."),
    )
    for labels, tone, end in outcomes:
        if labels:
            aucs = listed([_on_pairs(label, scored[label]) for label in labels])
            text = f"On test images that match in {columns} {area} is {aucs}{end}"
            yield Sentence(COMPARED, text, tone)
    for label, found in classes.items():
        if found["refused"]:
            text = f"No score of {label} on test images matched in {columns}: {found['refused']}."
            yield Sentence(UNKNOWN, text, OPEN)


def _fell(found: Mapping) -> bool:
    """Return whether the score on matched images is shown to be lower than that on all."""
    high = found["auc"]["high"]
    return high is not None and high < found["all"]["value"]


def _on_pairs(label: str, found: Mapping) -> str:
    """Return "90.5 % [80.9, 95.5] for Normal (48 pairs; on all images 91.6 % [85.5, 95.3])"."""
    pairs, whole = count(found["pairs"], "pair"), with_unit(found["all"])
    return f"{with_unit(found['auc'])} for {label} ({pairs}; on all images {whole})"
