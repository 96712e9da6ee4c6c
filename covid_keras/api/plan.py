"""Freeze what is claimed of the test split before it is looked at."""

import os
from collections.abc import Sequence
from pathlib import Path

from covid_keras.evaluation.plan import write_plan
from covid_keras.runs.run import Run
from covid_keras.utils.locks import locked


def plan(run: str | os.PathLike, claims: Sequence[str]) -> dict:
    """Write plan.json: the claims, and hashes of all that must not change until they are judged.

    The next `evaluate` of the test split says PASS, FAIL or TAMPERED.

    Args:
        run: a trained run whose test split was never measured, or its folder.
        claims: such as "auc.low > 0.8" or "no-leaks"; docs/how-to/measure.md has the grammar.

    Returns:
        The content of plan.json. Publish its `digest`: whoever knows it can tell that the plan is
        older than the result.

    Raises:
        InputError: no claim, one that is not about test, a test split that was measured before, a
            plan that exists.

    Example:
        >>> import covid_keras
        >>> frozen = covid_keras.plan(unmeasured_run, ["auc.low > 0.8"])
        >>> len(frozen["digest"])
        64
    """
    with locked(Path(run)):
        return write_plan(Run(Path(run)), claims)
