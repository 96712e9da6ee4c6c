"""What maps are worth, as text: the lines of console, page and card."""

from collections.abc import Mapping

from covid_keras.metrics.localisation import CENTRE, SCORES
from covid_keras.metrics.sentences import percent, sizes
from covid_keras.utils.text import text_table

REFERENCES = {
    "random": "random map",
    CENTRE: "centre prior",
    "sobel": "Sobel edge map",
    "lungs": "lung mask",
}
"""{map that knows nothing of the network: what it is called}."""
MAIN = "average_precision"
"""The score that decides whether a map beats the centre prior: it needs no threshold."""


def map_table(result: Mapping, titles: Mapping[str, str] = SCORES) -> list[str]:
    """Return the scores of all maps of a set as text, a line each; see `map_cells`."""
    return [line.rstrip() for line in text_table(map_cells(result, titles), "<")]


def map_cells(result: Mapping, titles: Mapping[str, str] = SCORES) -> list[tuple[str, ...]]:
    """Return the scores of all maps of a set, in percent: the header, and a row for each map.

    Args:
        result: Its maps, {name: {score: entry}}.
        titles: {score: what it is called}; those that no map has are left out.
    """
    rows = [["map", *titles.values()]]
    for name, scores in result["maps"].items():
        cells = [percent(scores[key]).partition(" (")[0] if key in scores else "" for key in titles]
        rows.append([REFERENCES.get(name, name), *cells])
    shown = [column for column in zip(*rows, strict=True) if any(column[1:])]
    return [*zip(*shown, strict=True)]


def verdicts(name: str, result: Mapping) -> dict[str, str]:
    """Return {method: whether its maps of the set `name` beat the centre prior, a sentence}."""
    centre = result["maps"][CENTRE][MAIN]
    where = f"{name} ({sizes(result)})"
    return {
        method: f"{method} on {where}: average precision {percent(scores[MAIN])}, centre prior"
        f" {percent(centre)}: {_verdict(scores[MAIN])}"
        for method, scores in result["maps"].items()
        if method not in REFERENCES
    }


def beats_centre(entry: Mapping) -> bool | None:
    """Return whether maps with this average precision beat the centre prior, by the whole interval
    of the lead; None if that is open."""
    low, high = entry["lead_low"], entry["lead_high"]
    if low is None or low <= 0 <= high:
        return None
    return low > 0


def map_summary(methods: Mapping[str, Mapping]) -> list[str]:
    """Return the sentence of the first method, and one on how many of the others beat the centre.

    Args:
        methods: {method: its entry in metrics.json}.
    """
    (_, first), *others = methods.items()
    lines = [first["sentence"]]
    if others:
        better = [method for method, found in others if beats_centre(found[MAIN])]
        rest = [method for method, _ in others if method not in better]
        text = f"other maps shown to beat the centre prior: {len(better)} of {len(others)}"
        text += f" ({', '.join(better)})" if better else ""
        lines.append(text + (f"; not {', '.join(rest)}" if rest else ""))
    return lines


def sanity_line(method: str, result: Mapping) -> str:
    """Return what the sanity of a method's maps is, in a sentence."""
    ends = result["noise"], result["layers"][-1]
    noise, random = (correlation(alike["rank_correlation"]) for alike in ends)
    conclusion = {
        True: "the maps depend on what the network has learnt",
        False: "the maps do not depend on what the network has learnt",
        None: "the maps are not shown to depend on what the network has learnt",
    }[result["holds"]]
    return (
        f"sanity of {method}, {sizes(result)}: rank correlation with the network's maps {noise}"
        f" under small noise, {random} with random weights in all layers: {conclusion}"
    )


def correlation(entry: Mapping) -> str:
    """Return a correlation as "0.68 [0.51, 0.80]"."""
    if entry["low"] is None:
        return f"{entry['value']:.2f} [no interval]"
    return f"{entry['value']:.2f} [{entry['low']:.2f}, {entry['high']:.2f}]"


def _verdict(entry: Mapping) -> str:
    low, high = entry["lead_low"], entry["lead_high"]
    if low is None:
        return "one patient does not show which is better"
    lead = f"({100 * entry['lead']:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}])"
    how = {True: "beats", False: "is worse than", None: "is not shown to beat"}[beats_centre(entry)]
    return f"the map {how} the centre prior {lead}"
