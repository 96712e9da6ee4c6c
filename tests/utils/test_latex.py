"""LaTeX tables: rules, equal rows, balanced groups, and names that cannot be commands."""

import pytest
from latex_check import check_latex

from covid_keras.utils.latex import escape, table, tabular


def test_a_table_is_balanced_and_has_the_rules_of_booktabs():
    rows = [["BiT-M", "99.2 [99.1, 99.3]"], ["a_b & 50 % {x", "\\cmd ~ ^ $1 #2"]]
    text = table([[["network", "accuracy"]], rows, [["[peer]", "-"]]], "lr", "100 %_", "a")
    check_latex(text, 2)
    assert text.count("\\midrule") == 2 and "\\caption{100 \\%\\_}" in text
    assert "\n{[peer]} & -" in text, "\\\\[ would be a length"
    check_latex(tabular([[["a"]], [["b"]]], "l", "50 %"), 1)


@pytest.mark.parametrize("text", ["\\", "{", "~^", "<|>"])
def test_special_characters_are_text(text):
    assert escape(text) != text and len(escape(text)) > 2 * len(text) - 1
