"""Metrics as text: numbers in percent, and the sentences of console, page and card."""

import math
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence

from covid_keras.metrics import comparison
from covid_keras.metrics.calibration import SPAN
from covid_keras.metrics.comparison import Difference
from covid_keras.metrics.predictions import Predictions
from covid_keras.metrics.scores import OVERALL
from covid_keras.utils.text import count, text_table

WITHOUT = {
    "centre blacked out": "the centre of the image",
    "lungs blacked out": "inside the lungs (their outline is still visible)",
}
"""{ablation that removes the disease: what the network can no longer see}."""
CHANCE_AUC = 0.5
WIDTH = 80
"""Columns of the console."""
_INTERVAL = re.compile(r"\S+(?: [%p]\S*)? \[[^\]]*\](?: \(unreliable: [^)]*\))?|\d %")


def percent(entry: Mapping) -> str:
    """Return a metric as "99.3 [98.1, 99.8]", in percent; "undefined" if it has no value.

    "(unreliable: 7 patients)" follows where the interval rests on too few.
    """
    if entry["value"] is None:
        return "undefined"
    if entry["low"] is None:
        return f"{_points(entry['value'])} [no interval]"
    text = f"{_points(entry['value'])} [{_points(entry['low'])}, {_points(entry['high'])}]"
    return text + (f" ({reason})" if (reason := unreliable(entry)) else "")


def unreliable(entry: Mapping) -> str:
    """Return "unreliable: 7 patients" if the interval rests on too few, else ""."""
    reason = entry.get("method", "").partition(";")[0]
    return reason if reason.startswith("unreliable") else ""


def overall(result: Mapping, separator: str = ", ") -> str:
    """Return accuracy, macro F1 and macro AUC with their intervals."""
    return separator.join(f"{t} {percent(result['metrics'][n])}" for n, t in OVERALL.items())


def sizes(result: Mapping) -> str:
    """Return the number of images and patients behind a result; of seeds those of one run."""
    if "runs" in result and "folds" not in result:
        runs = len(result["runs"])
        return f"{count(result['images'] // runs, 'image')} by each of {count(runs, 'run')}"
    patients = result["patients"]
    patients = "patients unknown" if patients is None else count(patients, "patient")
    return f"{count(result['images'], 'image')}, {patients}"


def detail_lines(result: Mapping) -> list[str]:
    """Return a line each on claims, patients, operating point, calibration and groups."""
    lines = claim_lines(result.get("claims", ()))
    lines += [f"audit, {f['severity'].upper()}: {f['text']}" for f in result.get("audit", ())]
    if level := result.get("patient_level"):
        rule = f"rule: {level['rule']}; {count(level['patients'], 'patient')}"
        lines.append(f"patient-level ({rule}): {overall(level)}")
    if moved := result.get("at_threshold"):
        threshold = f"{result['classes'][1]} above {moved['threshold']:.2f}"
        lines.append(f"at the operating point {fitted(result)} ({threshold}): {overall(moved)}")
    if scaling := result.get("calibration"):
        before, after = (percent(scaling[name]["ece"]) for name in ("before", "after"))
        lines.append(
            f"calibration error (ECE) {before}; after temperature scaling"
            f" (T = {scaling['temperature']:.2f}, {fitted(result)}{_at_bound(scaling)}) {after}"
        )
    if uncertainty := result.get("uncertainty"):
        at = ", ".join(
            f"{100 * float(share):.0f} % of images {percent(entry)}"
            for share, entry in uncertainty["accuracy_at"].items()
        )
        lines.append(f"accuracy on the most confident {at}")
    return [*lines, *prevalence_lines(result), *group_lines(result.get("groups", {}))]


def fitted(result: Mapping) -> str:
    """Return where the operating point is from; of folds each has its own."""
    return "of each fold's val, here the median" if "folds" in result else "fitted on val"


def prevalence_lines(result: Mapping) -> list[str]:
    """Return the predictive values at the prevalence that was asked for, a line."""
    if not (at := result.get("at_prevalence")):
        return []
    values = f"PPV {percent(at['ppv'])}, NPV {percent(at['npv'])}"
    return [f"at a prevalence of {100 * at['prevalence']:g} % ({at['class']}): {values}"]


def _at_bound(scaling: Mapping) -> str:
    """Return a remark where the temperature is at the bound of its search."""
    at_bound = abs(math.log(scaling["temperature"])) > 0.999 * math.log(SPAN)
    return ", at the bound of its search: no temperature fits" if at_bound else ""


def group_lines(groups: Mapping[str, Mapping[str, Mapping]]) -> list[str]:
    """Return the scores of `score_groups`, a line for each group."""
    return [
        f"{column} {name}: {count(result['images'], 'image')}, accuracy"
        f" {percent(result['accuracy'])}, macro AUC"
        f" {percent(result['macro_auc']) if result['macro_auc'] else 'undefined (class missing)'}"
        for column, results in groups.items()
        for name, result in results.items()
    ]


def of_set(metrics: Mapping, name: str) -> dict:
    """Return what a metrics.json holds of one set: its result, stamps, and `beside`."""
    head = {"set": name, "stamps": list(metrics["stamps"])}
    return head | metrics["splits"][name] | beside(metrics, name)


def beside(metrics: Mapping, name: str) -> dict:
    """Return what was measured to compare a set with: test_time_augmentation, and for test also
    plan, metadata_baseline, ablations, probes and matched."""
    parts = {"test_time_augmentation": metrics.get("test_time_augmentation", {}).get(name)}
    if name == "test":
        keys = ("plan", "metadata_baseline", "ablations", "probes", "matched")
        parts |= {key: metrics.get(key) for key in keys}
    return {key: value for key, value in parts.items() if value}


def claim_lines(claims: Sequence[Mapping]) -> list[str]:
    """Return whether each claim holds, a line each."""
    return [f"{'PASS' if c['holds'] else 'FAIL'} {c['claim']}: {c['received']}" for c in claims]


def beside_lines(parts: Mapping) -> list[str]:
    """Return a line or two for each entry of `beside`."""
    lines = plan_lines(parts.get("plan"))
    lines += baseline_lines(parts.get("metadata_baseline"))
    return [*lines, *ablation_lines(parts.get("ablations", {})), *augmented_lines(parts)]


def augmented_lines(parts: Mapping) -> list[str]:
    """Return the scores of test-time augmentation, a line."""
    if not (scores := parts.get("test_time_augmentation")):
        return []
    mean = f"mean of {scores['samples']} samples"
    return [f"test-time augmentation ({mean}): {_with_changes(scores)}"]


def plan_lines(plan: Mapping | None) -> list[str]:
    """Return the verdict on a plan, and each of its claims."""
    if not plan:
        return []
    lines = [f"plan of {plan['date']}: {'; '.join([plan['verdict'], *plan['reasons']])}"]
    lines += claim_lines(plan["claims"])
    if plan["look"] > 1:
        lines.append(
            f"measurement {plan['look']} of test: the first one tested the plan; a model or plan"
            " made after it is fitted to the test split, and this number is too high for it"
        )
    return lines


def baseline_lines(baseline: Mapping | None) -> list[str]:
    """Return the metadata baseline's scores on test, and the network's lead over them."""
    if not baseline:
        return []
    area = baseline["macro_auc"]
    scores = f"accuracy {percent(baseline['accuracy'])}, macro AUC {percent(area)}"
    lead = f"network minus baseline, AUC: {_difference(area, 'lead')}"
    lines = [f"metadata baseline ({', '.join(baseline['columns'])}): {scores}; {lead}"]
    if area["lead_high"] is not None and area["lead_high"] < 0:
        lines.append("the network is worse than the metadata baseline")
    elif area["lead_low"] is None or area["lead_low"] <= 0:
        lines.append("the network is not shown to be better than the metadata baseline")
    return lines


def ablation_lines(ablations: Mapping[str, Mapping]) -> list[str]:
    """Return the scores on test images with parts blacked out, a line each."""
    images = {name: count(scores["images"], "image") for name, scores in ablations.items()}
    lines = [f"{name}, {images[name]}: {_with_changes(ablations[name])}" for name in ablations]
    return [*lines, *filter(None, (kept_without(ablations, name) for name in WITHOUT))]


def kept_without(ablations: Mapping[str, Mapping], name: str) -> str:
    """Return how much AUC remains after an ablation of `WITHOUT`; "" if not shown above chance."""
    area = ablations.get(name, {}).get("macro_auc", {})
    if None in (area.get("low"), area.get("change")) or area["low"] <= CHANCE_AUC:
        return ""
    plain = area["value"] - area["change"]
    share = (area["value"] - CHANCE_AUC) / max(plain - CHANCE_AUC, 1e-9)
    return (
        f"with the {name} the network keeps {100 * min(share, 1):.0f} % of its AUC above chance:"
        f" this part of the score does not come from {WITHOUT[name]}"
    )


def gain_lines(members: Sequence[object], gains: Sequence[Mapping[str, Difference]]) -> list[str]:
    """Return each ensemble member's scores and the ensemble's gain over them, in percent."""

    def scores(gain: Mapping[str, Difference], name: str) -> str:
        change = _difference(gain[name].entry())
        return f"{OVERALL[name]} {_points(gain[name].first)}, ensemble minus run {change}"

    return [
        f"{member}: {scores(gain, 'accuracy')}; {scores(gain, 'macro_auc')}"
        for member, gain in zip(members, gains, strict=True)
    ]


def comparison_table(
    first: Predictions,
    second: Predictions,
    names: tuple[str, str],
    differences: Mapping[str, Difference],
) -> str:
    """Return paired differences, and tests of aligned predictions, in percent."""
    rows = [("", *names, "difference [95 % interval]", "p")]
    for name, item in differences.items():
        values = _points(item.first), _points(item.second), _difference(item.entry())
        rows.append((OVERALL[name], *values, _p_value(item.p)))
    lines = [line.rstrip() for line in text_table(rows, "<")]
    unit = "patients" if first.has_patients else "images, as a patient id is missing"
    difference = f"difference: {names[1]} minus {names[0]}"
    lines.append(f"{difference}; from the influence of {unit} on both")
    correct = (run.predicted == run.labels for run in (first, second))
    tests = [f"McNemar (accuracy) p {_p_value(comparison.mcnemar_p(*correct))}"]
    if len(first.classes) == 2:
        scores = (run.probabilities[:, 1] for run in (first, second))
        p = comparison.delong_p(first.labels == 1, *scores)
        tests.append(f"DeLong (AUC) p {_p_value(p)}")
    return "\n".join([*lines, f"tests that treat images as independent: {', '.join(tests)}"])


def wrapped(lines: Iterable[str]) -> list[str]:
    """Return the lines broken at 80 columns, not inside of an interval or before a percent sign,
    the rest indented."""
    joined = (_INTERVAL.sub(lambda part: part[0].replace(" ", "\u00a0"), line) for line in lines)
    parts = (part for line in joined for part in textwrap.wrap(line, WIDTH, subsequent_indent="  "))
    return [part.replace("\u00a0", " ") for part in parts]


def _points(fraction: float) -> str:
    return "undefined" if math.isnan(fraction) else f"{100 * fraction:.1f}".replace("100.0", "100")


def _p_value(p: float | None) -> str:
    return "undefined" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def _with_changes(scores: Mapping) -> str:
    return "; ".join(
        f"{OVERALL[name]} {percent(scores[name])}, change {_difference(scores[name])}"
        for name in ("accuracy", "macro_auc")
    )


def _difference(entry: Mapping, name: str = "change") -> str:
    """Return a difference in percentage points, with its interval."""
    value, low, high = (entry[key] for key in (name, f"{name}_low", f"{name}_high"))
    if value is None:
        return "undefined"
    if low is None:
        return f"{100 * value:+.1f} [no interval]"
    return f"{100 * value:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"
