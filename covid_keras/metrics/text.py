"""Metrics as text: how they are called and written, and the one-screen summary."""

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence

from covid_keras.metrics import groups
from covid_keras.metrics.classification import PROPORTIONS

METRICS = {
    "sensitivity": "sensitivity",
    "ppv": "PPV",
    "specificity": "specificity",
    "npv": "NPV",
    "f1": "F1",
    "auc": "AUC",
}
OVERALL = {"accuracy": "accuracy", "macro_f1": "macro F1", "macro_auc": "macro AUC"}
"""Keys of `evaluate`'s result and how readers know them."""
WITHOUT = {
    "centre blacked out": (
        "without the middle of the image",
        "so much does not depend on what is there",
    ),
    "lungs blacked out": (
        "with the lungs black",
        "so much does not depend on what is in them, though their outline is left",
    ),
}
"""Ablations after which a network that sees disease should have lost its score."""
CHANCE_AUC = 0.5
WIDTH = 100
_NAME = 15
_CELL = 18
_MOST_CLASSES = 6


def percent(entry: dict) -> str:
    """A metric of metrics.json as "99.3 [98.1, 99.8]", in percent; "undefined" without a value."""
    if entry["value"] is None:
        return "undefined"
    if entry["low"] is None:
        return f"{_points(entry['value'])} [not known]"
    return f"{_points(entry['value'])} [{_points(entry['low'])}, {_points(entry['high'])}]"


def _points(fraction: float) -> str:
    return f"{100 * fraction:.1f}".replace("100.0", "100")


def summary_table(result: dict, stamps: Sequence[str] = (), title: str = "test") -> str:
    """The result of `evaluate` as text of at most 100 columns and, up to six classes, 24 lines.

    Args:
        result: What `evaluate` returned.
        stamps: What every output must say first, shown in capitals.
        title: Which split this is.
    """
    patients = "patients not known" if result["patients"] is None else _many(result, "patients")
    lines = [line for stamp in stamps for line in textwrap.wrap(f"!! {stamp.upper()}", WIDTH)]
    lines += ["", f"{title}: {_many(result, 'images')}, {patients}; in percent [95 % interval]"]
    lines.append("  ".join(f"{t} {percent(result['metrics'][n])}" for n, t in OVERALL.items()))
    lines += ["", _row("class", "images", [METRICS[name] for name in PROPORTIONS])]
    for name, entries in result["per_class"].items():
        count = f"{result['images_per_class'][name]:,}"
        lines.append(_row(name, count, [percent(entries[column]) for column in PROPORTIONS]))
    if len(result["classes"]) <= _MOST_CLASSES:
        lines += ["", *_confusion(result)]
    lines.append("")
    lines += wrapped(beyond_lines(result))
    lines += textwrap.wrap(result["intervals"].partition(";")[0], WIDTH)
    if result["notes"]:
        lines.append("Some values are undefined or weak: see the notes in metrics.json")
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def beyond_lines(result: dict) -> list[str]:
    """What `beyond` added to a split's result, a line each."""
    lines = []
    if level := result.get("patient_level"):
        lines.append(
            f"by patient ({level['rule']}; {level['patients']:,} patients): {overall(level)}"
        )
    if moved := result.get("at_threshold"):
        positive = result["classes"][1]
        lines.append(
            f"{positive} from {moved['threshold']:.2f} on, val's threshold: {overall(moved)}"
        )
    if said := result.get("calibration"):
        before, after = (percent(said[name]["ece"]) for name in ("before", "after"))
        lines.append(
            f"calibration error {before}, with val's temperature {said['temperature']:.2f} {after}"
        )
    if sure := result.get("uncertainty"):
        at = ", ".join(
            f"{float(share):.0%} {percent(entry)}" for share, entry in sure["accuracy_at"].items()
        )
        lines.append(f"accuracy on the surest images: {at}")
    if at := result.get("at_prevalence"):
        lines.append(
            f"where {100 * at['prevalence']:g} % are {at['class']}: PPV {percent(at['ppv'])},"
            f" NPV {percent(at['npv'])}"
        )
    return [*lines, *groups.lines(result.get("groups", {}), percent)]


def ablation_lines(ablations: Mapping[str, dict]) -> list[str]:
    """What blacking parts of the test images out does to the scores, a line each."""
    lines = []
    for name, scores in ablations.items():
        lines.append(f"{name}, {_many(scores, 'images')}: {_with_changes(scores)}")
    return [*lines, *(said for name in WITHOUT if (said := keeps_its_score(ablations, name)))]


def keeps_its_score(ablations: Mapping[str, dict], name: str) -> str:
    """A sentence where the network scores after the ablation of `WITHOUT`, else ""."""
    area = ablations.get(name, {}).get("macro_auc", {})
    if area.get("low") is None or area["low"] <= CHANCE_AUC:
        return ""
    whole = area["value"] - area["change"]
    share = (area["value"] - CHANCE_AUC) / max(whole - CHANCE_AUC, 1e-9)
    when, meaning = WITHOUT[name]
    return f"{when} it keeps {min(share, 1):.0%} of its AUC above chance: {meaning}"


def wrapped(lines: Iterable[str]) -> list[str]:
    """Lines of at most 100 columns, what goes on indented."""
    return [part for line in lines for part in textwrap.wrap(line, WIDTH, subsequent_indent="  ")]


def beside_lines(metrics: Mapping, name: str) -> list[str]:
    """What metrics.json holds of a set beside the scores: ablations, views, the pixel-free rule."""
    lines = []
    if name == "test":
        lines += pixel_free_lines(metrics.get("pixel_free"))
        lines += ablation_lines(metrics.get("ablations", {}))
    return lines + augmented_lines(name, metrics.get("augmented", {}).get(name))


def gain_lines(members: Sequence[object], gains: Sequence[Mapping]) -> list[str]:
    """For each member of an ensemble, its scores and what the mean has more, in percent."""
    lines = []
    for member, found in zip(members, gains, strict=True):
        said = [
            f"{OVERALL[name]} {_value(found[name].first)},"
            f" the mean {_difference(found[name].entry())}"
            for name in ("accuracy", "macro_auc")
        ]
        lines.append(f"{member}: {', '.join(said)}")
    return lines


def augmented_lines(name: str, scores: Mapping | None) -> list[str]:
    """What the mean over augmented views of the set `name` scores."""
    if not scores:
        return []
    return [f"mean over {scores['views']} augmented views: {_with_changes(scores)}"]


def pixel_free_lines(rule: Mapping | None) -> list[str]:
    """What a rule that reads no pixel scores on the same test images, and the network's lead."""
    if not rule:
        return []
    area = rule["macro_auc"]
    lines = [
        f"a rule that reads no pixel ({', '.join(rule['columns'])}): accuracy"
        f" {percent(rule['accuracy'])}, macro AUC {percent(area)}; the network's AUC less the"
        f" rule's: {_difference(area, 'lead')}"
    ]
    if area["lead_low"] is not None and area["lead_low"] <= 0:
        lines.append("the network is not shown to be better than that rule")
    return lines


def _with_changes(scores: Mapping) -> str:
    """Accuracy and AUC with their changes."""
    said = [
        f"{OVERALL[name]} {percent(scores[name])}, change {_difference(scores[name])}"
        for name in ("accuracy", "macro_auc")
    ]
    return "; ".join(said)


def _difference(entry: Mapping, name: str = "change") -> str:
    """A difference in points, with its interval."""
    value, low, high = (entry[key] for key in (name, f"{name}_low", f"{name}_high"))
    if value is None or low is None:
        return "not known"
    return f"{100 * value:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"


def _value(fraction: float) -> str:
    return "undefined" if math.isnan(fraction) else _points(fraction)


def overall(result: dict) -> str:
    """The scores over all classes, with their intervals."""
    return ", ".join(f"{t} {percent(result['metrics'][n])}" for n, t in OVERALL.items())


def _many(result: dict, what: str) -> str:
    return f"{result[what]:,} {what if result[what] != 1 else what[:-1]}"


def _row(name: str, count: str, cells: Sequence[str]) -> str:
    return f"{_short(name):{_NAME}}{count:>8}  " + "".join(f"{cell:<{_CELL}}" for cell in cells)


def _confusion(result: dict) -> list[str]:
    classes = result["classes"]
    wide = min(_NAME, (WIDTH - _NAME - 8) // len(classes))
    head = "true \\ predicted"
    lines = [f"{head:<{_NAME + 8}}" + "".join(f"{_short(c, wide - 1):>{wide}}" for c in classes)]
    for name, row in zip(classes, result["confusion_matrix"], strict=True):
        lines.append(f"{_short(name):<{_NAME + 8}}" + "".join(f"{count:>{wide},}" for count in row))
    return lines


def _short(name: str, width: int = _NAME - 1) -> str:
    return name if len(name) <= width else name[: width - 1] + "~"
