"""Write the pages of a run."""

import os
from pathlib import Path

from covid_keras.report.run_pages import write_card, write_report
from covid_keras.runs.run import Run
from covid_keras.utils.locks import locked


def report(run: str | os.PathLike) -> list[Path]:
    """Write report.html and the model card, card.md, from what the run folder holds.

    Args:
        run: a run, or its folder; what is missing in it is listed on the page.

    Returns:
        Both files.

    Raises:
        InputError: no such folder, or a damaged file in it.

    Example:
        >>> import covid_keras
        >>> [path.name for path in covid_keras.report(run)]
        ['report.html', 'card.md']
    """
    folder = Path(run)
    Run(folder).check_exists()
    with locked(folder):
        return [write_report(folder), write_card(folder)]
