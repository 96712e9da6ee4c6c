"""Write the pages of a run, or of its folds or seeds."""

import os
from pathlib import Path

from covid_keras.evaluation.members import measure_members
from covid_keras.report.members_page import write_members_report
from covid_keras.report.run_pages import write_card, write_report
from covid_keras.runs.run import Run
from covid_keras.utils.locks import locked


def report(run: str | os.PathLike) -> list[Path]:
    """Write report.html and the model card, card.md, from what the run folder holds.

    Of a folder of folds or seeds only report.html is written, of all its evaluated runs.

    Args:
        run: a run, or its folder; what is missing in it is listed on the page.

    Returns:
        The files.

    Raises:
        InputError: no such folder, a damaged file in it, or folds of which none was evaluated.

    Example:
        >>> import covid_keras
        >>> [path.name for path in covid_keras.report(run)]
        ['report.html', 'card.md']
    """
    folder = Path(run)
    Run(folder).check_exists()
    if Run(folder).members:
        with locked(folder):
            measure_members(Run(folder))
            return [write_members_report(folder)]
    with locked(folder):
        return [write_report(folder), write_card(folder)]
