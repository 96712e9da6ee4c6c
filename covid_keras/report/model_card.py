"""card.md: the model card (Mitchell et al. 2019): facts of a run, open questions, checklists."""

from pathlib import Path

from covid_keras.report.checklists import LISTS
from covid_keras.report.checklists.facts import all_facts
from covid_keras.report.render import render
from covid_keras.report.run_summary import read_run
from covid_keras.utils.files import write_text


def write_card(run_folder: str | Path) -> Path:
    """Write card.md into a run folder, from the files that are there; return its path.

    Raises:
        InputError: the folder does not exist, or a file in it is damaged.
    """
    run = read_run(run_folder)
    card = render("card.md", run=run, facts=all_facts(run), checklists=LISTS)
    write_text(run.folder.card_file, card)
    return run.folder.card_file
