"""Audit a data set before a score on it is believed."""

import os
from collections.abc import Collection, Sequence
from pathlib import Path

from covid_keras.audit.audit import audit as audit_dataset
from covid_keras.audit.result import Audit
from covid_keras.recipes.config import check_seeds
from covid_keras.report.audit_page import write_audit_page
from covid_keras.utils.locks import locked


def audit(
    dataset: str,
    data: str | Path,
    *,
    out: str | Path | None = None,
    splits: Sequence[str] | None = None,
    accepted: Collection[tuple[str, str]] = (),
    seed: int = 0,
    outside: bool = False,
    run: str | os.PathLike | None = None,
) -> Audit:
    """Find leaks, shortcuts and doubtful labels in a data set; write audit.json and audit.html.

    Args:
        dataset: a name of the catalogue.
        data: the data set's folder or CSV; without images the labels alone are audited.
        out: folder of the result; None is audits/DATASET. A stopped audit resumes there.
        splits: published splits to audit; None is all.
        accepted: near-duplicate pairs already reviewed.
        seed: of the split, where one has to be drawn, and of the baselines.
        outside: whether images may lie outside of the folder, as with the setting `data.outside`.
        run: a run on this data set, whose split is audited.

    Returns:
        The findings; `failed` if one of them invalidates the scores; `str()` is one screen.

    Raises:
        InputError: unknown data set, no such folder, or a bad line in a label file.

    Example:
        >>> import covid_keras
        >>> audit = covid_keras.audit("folder", images, out=out)
        >>> audit.failed
        False
    """
    out = Path("audits") / dataset if out is None else Path(out)
    check_seeds((seed,))
    given = {"splits": splits, "accepted": accepted, "seed": seed, "outside": outside, "run": run}
    with locked(out):
        result = audit_dataset(dataset, data, out=out, **given)
        write_audit_page(result, out)
    return result
