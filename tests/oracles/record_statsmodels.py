"""Record statsmodels' Wilson intervals and McNemar p-values: statsmodels.json beside this.

Written with Python 3.11, statsmodels 0.14.5, scipy 1.15.3, numpy 2.2.6, in an environment of
their own:

    python tests/oracles/record_statsmodels.py

`wilson`: [count, trials, low, high] of 95 % intervals. `mcnemar`: [only the first is right, only
the second is right, exact two-sided p]. JSON keeps every digit of a float.
"""

import json
from importlib.metadata import version
from pathlib import Path

from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

TRIALS = (1, 2, 3, 7, 20, 29, 97, 203, 426, 1000, 25658, 100_000)
SHARES = (0.0, 0.01, 0.1, 0.25, 0.5, 0.637, 0.9, 0.99, 1.0)
ONLY_ONE = (0, 1, 2, 3, 5, 9, 17, 40, 121, 300, 1000)
BOTH = (11, 4)
"""Images that both get right, and wrong: they do not count."""


def counts(trials: int) -> list[int]:
    """0, all, one from either end, and shares between."""
    found = {0, 1, trials - 1, trials, *(round(share * trials) for share in SHARES)}
    return sorted(found)


def main() -> None:
    wilson = [
        [count, trials, *map(float, proportion_confint(count, trials, method="wilson"))]
        for trials in TRIALS
        for count in counts(trials)
    ]
    tests = [
        [a, b, float(mcnemar([[BOTH[0], a], [b, BOTH[1]]], exact=True).pvalue)]
        for a in ONLY_ONE
        for b in ONLY_ONE
    ]
    versions = {name: version(name) for name in ("statsmodels", "scipy", "numpy")}
    lines = [f'"versions": {json.dumps(versions)}']
    for name, rows in (("wilson", wilson), ("mcnemar", tests)):
        lines.append(f'"{name}": [\n' + ",\n".join(map(json.dumps, rows)) + "\n]")
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    Path(__file__).with_name("statsmodels.json").write_text(text)
    print(len(wilson), "intervals,", len(tests), "tests")


if __name__ == "__main__":
    main()
