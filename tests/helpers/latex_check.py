"""Check LaTeX tables without a compiler."""

import re


def check_latex(text: str, columns: int) -> None:
    """Assert what a compiler would: balanced braces and environments, rows of equal length."""
    bare = re.sub(r"\\[\\&%$#_{}]", "", text)
    assert bare.count("{") == bare.count("}")
    ends = {kind: re.findall(rf"\\{kind}{{(\w+)}}", text) for kind in ("begin", "end")}
    assert ends["begin"] == ends["end"][::-1]
    for rule in ("toprule", "bottomrule"):
        assert text.count(f"\\{rule}") == text.count("\\begin{tabular}")
    body = text.split("\\toprule")[1].split("\\bottomrule")[0]
    rows = [line for line in body.splitlines() if line.endswith("\\\\")]
    assert rows and body.strip().endswith("\\\\"), "no rule right above the last one"
    for row in rows:
        assert len(re.findall(r"(?<!\\)&", row)) == (0 if "multicolumn" in row else columns - 1)
    assert not re.search(r"(?<!\\)[#$%_]", body)
