"""Metrics as a LaTeX table."""

from collections.abc import Mapping, Sequence

from covid_keras.metrics.text import METRICS, OVERALL, percent

_ESCAPED = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
} | {character: f"\\{character}" for character in "&%$#_{}"}


def latex_table(result: Mapping) -> str:
    """Return overall and per-class metrics in percent [95 % interval] as a booktabs table.

    Args:
        result: A set's metrics, as `score` returns them.
    """
    columns = len(METRICS) + 2
    rows = [
        [escaped(name), f"{result['images_per_class'][name]:,}"]
        + [percent(entries[key]) for key in METRICS]
        for name, entries in result["per_class"].items()
    ]
    overall = [f"{title} {percent(result['metrics'][key])}" for key, title in OVERALL.items()]
    head = (
        f"{escaped(result.get('set', 'test'))}, {result['images']:,} images: {', '.join(overall)}"
    )
    return "\n".join(
        [
            "% needs \\usepackage{booktabs}; in percent [95 % interval]",
            f"\\begin{{tabular}}{{lr{'l' * len(METRICS)}}}",
            "\\toprule",
            f"\\multicolumn{{{columns}}}{{l}}{{{head}}} \\\\",
            "\\midrule",
            _row(["class", "images", *METRICS.values()]),
            "\\midrule",
            *map(_row, rows),
            "\\bottomrule",
            "\\end{tabular}",
            "",
        ]
    )


def escaped(text: str) -> str:
    """Return the text with LaTeX's special characters escaped."""
    return "".join(_ESCAPED.get(character, character) for character in text)


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + " \\\\"
