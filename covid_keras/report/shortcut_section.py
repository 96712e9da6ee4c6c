"""The section on shortcuts: probes of the features, and the test on matched images."""

from collections.abc import Iterator, Mapping

from covid_keras.metrics.sentences import CHANCE_AUC
from covid_keras.report.page import Bars, Block, Bullets, Section, Side, Table, Text, metric_bar
from covid_keras.utils.text import count


def shortcut_section(metrics: Mapping) -> Section | None:
    """Return what was found of shortcuts in the test images; None if nothing was asked for."""
    blocks: list[Block] = []
    if probes := metrics.get("probes"):
        blocks += _probes(probes)
    if matched := metrics.get("matched"):
        blocks += _matched(matched)
    return Section("Shortcuts", blocks) if blocks else None


def _probes(probes: Mapping) -> Iterator[Block]:
    """Yield the AUC of each attribute from the features, the metadata and the class."""
    forests = []
    for name, entry in probes["attributes"].items():
        title = f"{name}, the negative control" if name == probes["negative_control"] else name
        patients = ", ".join(f"{value} {number:,}" for value, number in entry["values"].items())
        rows = [metric_bar("from the features", entry["auc"])]
        if entry["from_metadata"]:
            rows.append(metric_bar("from other metadata", entry["from_metadata"]))
        if entry["from_class"]:
            rows.append(metric_bar("from the class, in train", entry["from_class"]))
        forests.append(Bars(rows, f"{title} (patients: {patients})", mark=CHANCE_AUC))
    if forests:
        yield Side(forests)
    text = (
        "AUC of logistic regression on the pooled features of the test images, in percent; each"
        " image is scored by a probe that was fitted on other patients. The line is chance. An"
        " attribute that can be read is a shortcut only where it goes with the class."
    )
    yield Text(text + _of_runs(probes), small=True)
    if probes["left_out"]:
        yield Bullets([f"{name} not probed: {why}" for name, why in probes["left_out"].items()])


def _matched(matched: Mapping) -> Iterator[Block]:
    """Yield the AUC on matched images beside that on all, and how alike they are."""
    columns, classes = ", ".join(matched["columns"]), matched["classes"]
    bars = [
        Bars(
            [
                metric_bar(count(found["pairs"], "matched pair"), found["auc"]),
                metric_bar("all images", found["all"]),
            ],
            f"{label}, AUC",
            mark=CHANCE_AUC,
        )
        for label, found in classes.items()
        if found["auc"]
    ]
    text = f"Test images of each class matched one to one with others, in {columns}."
    yield Text(text + _of_runs(matched))
    if bars:
        yield Side(bars)
    rows = [
        (label, name, _points(part["before"]), _points(part["after"]), f"{found['pairs']:,}")
        for label, found in classes.items()
        for name, part in found["differences"].items()
    ]
    header = ("class", "column", "difference before", "after", "pairs")
    yield Table(header, rows, "Standardised differences of the matched images", numbers=False)
    refused = [
        f"{label} not scored: {f['refused']}" for label, f in classes.items() if f["refused"]
    ]
    if refused:
        yield Bullets(refused)


def _of_runs(found: Mapping) -> str:
    """Return what the AUCs are where they are of several runs."""
    if not (runs := found.get("runs")):
        return ""
    return f" Each AUC is the mean of {count(runs, 'run')}, with the bounds of all their intervals."


def _points(difference: float | None) -> str:
    return "undefined" if difference is None else f"{difference:.2f}"
