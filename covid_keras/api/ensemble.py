"""Average the predictions of several runs."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from covid_keras.evaluation.ensemble import gains, join
from covid_keras.evaluation.run_metrics import measure_ensemble
from covid_keras.metrics.results import Metrics
from covid_keras.metrics.sentences import gain_lines, wrapped
from covid_keras.runs.run import Run, check_new
from covid_keras.utils.files import atomic_folder

_log = logging.getLogger(__name__)


def ensemble(runs: Sequence[str | os.PathLike], out: str | Path) -> Run:
    """Average the probabilities of several runs, and measure the average.

    Every set is averaged that all runs have predicted and none was trained on.

    Args:
        runs: two or more evaluated runs, or their folders.
        out: a new folder, for predictions, metrics.json and figures.

    Returns:
        The folder as a run; it has predictions and metrics, but no network.

    Raises:
        InputError: fewer than two runs, or no set that all of them have predicted.

    Example:
        >>> import covid_keras
        >>> both = covid_keras.ensemble([run, second_run], out)
        >>> "test" in both.predicted()
        True
    """
    members = [Run(Path(run)) for run in runs]
    out = Path(out)
    check_new(out, "give another --out")
    with atomic_folder(out) as temporary:
        folder = Run(temporary)
        sets, left_out = join(members, folder)
        for name, predictions in sets.items():
            if name != "val":
                folder.log_look(name, len(predictions[0].labels))
        metrics = measure_ensemble(folder, members)
        leads = gains(sets, folder)
    for name, why in left_out.items():
        _log.info("%s is left out: %s", name, why)
    for name, lead in leads.items():
        gained = wrapped(gain_lines([run.path for run in members], lead))
        for line in (*str(Metrics.of_set(metrics, name)).splitlines(), *gained):
            _log.info("%s", line)
    return Run(out)
