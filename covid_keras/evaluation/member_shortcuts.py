"""What probes and the matched test found in several folds or seeds, as one."""

from collections.abc import Mapping, Sequence
from statistics import mean


def shortcuts_of_all(runs: Sequence[Mapping]) -> dict[str, dict]:
    """Return probes and matched test of several runs, as in metrics.json.

    An AUC is their mean, with the lowest and highest bound of their intervals: what is above chance
    is so in every run. What not every run has is left out.

    Args:
        runs: metrics.json of each.
    """
    parts = {"probes": _probes, "matched": _matched}
    whole = {
        name: join([run[name] for run in runs])
        for name, join in parts.items()
        if all(name in run for run in runs)
    }
    return {name: part | {"runs": len(runs)} for name, part in whole.items()}


def _probes(found: Sequence[Mapping]) -> dict:
    every = [probes["attributes"] for probes in found]
    left_out = {name: why for probes in found for name, why in probes["left_out"].items()}
    controls = {probes["negative_control"] for probes in found}
    return {
        "images": sum(probes["images"] for probes in found),
        "attributes": {
            name: _attribute([attributes[name] for attributes in every])
            for name in every[0]
            if all(name in attributes for attributes in every)
        },
        "left_out": left_out,
        "negative_control": controls.pop() if len(controls) == 1 else None,
    }


def _attribute(entries: Sequence[Mapping]) -> dict:
    values = dict.fromkeys(value for entry in entries for value in entry["values"])
    auc = _joined([entry["auc"] for entry in entries])
    return {
        "values": {value: sum(e["values"].get(value, 0) for e in entries) for value in values},
        "auc": auc | dict.fromkeys(("lead", "lead_low", "lead_high")),
        **{name: _known([e[name] for e in entries]) for name in ("from_metadata", "from_class")},
    }


def _matched(found: Sequence[Mapping]) -> dict:
    """Return the matched test of seeds, whose pairs are of the same images."""
    columns, classes = found[0]["columns"], found[0]["classes"]
    each = {label: [matched["classes"][label] for matched in found] for label in classes}
    return {
        "columns": columns,
        "classes": {
            label: parts[0]
            | {
                "refused": next((part["refused"] for part in parts if part["refused"]), ""),
                "auc": _known([part["auc"] for part in parts]),
                "all": _joined([part["all"] for part in parts]),
            }
            for label, parts in each.items()
        },
    }


def _known(entries: Sequence[Mapping | None]) -> dict | None:
    return None if None in entries else _joined(entries)


def _joined(entries: Sequence[Mapping]) -> dict:
    """Return the mean of metrics with their lowest and highest bound; None where one is unknown."""
    ends = (("value", mean), ("low", min), ("high", max))
    known = {end: [entry[end] for entry in entries] for end, _ in ends}
    joined = {end: None if None in known[end] else join(known[end]) for end, join in ends}
    return joined | {"method": f"mean [lowest, highest bound] of {len(entries)} runs"}
