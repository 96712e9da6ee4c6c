"""LaTeX tables with the rules of booktabs."""

from collections.abc import Sequence

_SPECIAL = str.maketrans(
    {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}
    | {character: f"\\{character}" for character in "&%$#_{}"}
)


def escape(text: str) -> str:
    """Return the text so that LaTeX prints it as it is; "[" does not open an option of a row."""
    escaped = text.translate(_SPECIAL)
    return f"{{{escaped}}}" if escaped.startswith("[") else escaped


def tabular(blocks: Sequence[Sequence[Sequence[str]]], align: str, heading: str = "") -> str:
    r"""Return a tabular of booktabs.

    Args:
        blocks: blocks of rows of plain text, each row of equal length, with a rule between two
            blocks; the first is the header.
        align: a letter for each column, such as "lrr".
        heading: a line above all columns.

    Example:
        >>> from covid_keras.utils.latex import tabular
        >>> print(tabular([[["network", "accuracy"]], [["BiT-M", "99.2"]]], "lr"))
        \begin{tabular}{lr}
        \toprule
        network & accuracy \\
        \midrule
        BiT-M & 99.2 \\
        \bottomrule
        \end{tabular}
    """
    bodies = ["\n".join(f"{' & '.join(map(escape, row))} \\\\" for row in rows) for rows in blocks]
    if heading:
        bodies.insert(0, f"\\multicolumn{{{len(align)}}}{{l}}{{{escape(heading)}}} \\\\")
    middle = "\n\\midrule\n".join(bodies)
    return f"\\begin{{tabular}}{{{align}}}\n\\toprule\n{middle}\n\\bottomrule\n\\end{{tabular}}"


def table(blocks: Sequence[Sequence[Sequence[str]]], align: str, caption: str, label: str) -> str:
    """Return a floating table: the caption above a `tabular` of the blocks."""
    return "\n".join(
        [
            "% needs \\usepackage{booktabs}",
            "\\begin{table}",
            "\\centering",
            f"\\caption{{{escape(caption)}}}",
            f"\\label{{tab:{label}}}",
            tabular(blocks, align),
            "\\end{table}\n",
        ]
    )
