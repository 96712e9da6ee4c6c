"""The pages of a run: report.html and card.md.

report.html needs no other file, no script and no network. card.md is the model card (Mitchell et
al. 2019): facts of a run, open questions, checklists.
"""

from pathlib import Path

from covid_keras.report.checklists import LISTS
from covid_keras.report.checklists.facts import all_facts
from covid_keras.report.render import render
from covid_keras.report.run_summary import flatten, read_run
from covid_keras.utils.files import write_text

NOT_SETTINGS = ("title", "citation", "changes", "variants", "as_published")
NOT_SETTINGS += ("quick", "phantom", "phantom_quick")
"""Keys of recipe.json that are not in the table of settings: shown above it, or of other runs."""
NOT_DATA = ("stamps", "images", "hashes", "kept")
"""Keys of fingerprint.json that are not in the table of data."""


def write_report(run_folder: str | Path) -> Path:
    """Write report.html into a run folder, from the files that are there; return its path.

    Raises:
        InputError: the folder does not exist, or a file in it is damaged.
    """
    run = read_run(run_folder)
    page = render(
        "run.html",
        title=f"Run {run.name}",
        stamps=run.stamps,
        run=run,
        looks=run.metrics.get("looks", {}).get("test", 0),
        data=flatten({k: v for k, v in run.fingerprint.items() if k not in NOT_DATA}),
        recipe=flatten({k: v for k, v in run.recipe.items() if k not in NOT_SETTINGS}),
        environment=flatten(run.environment),
    )
    write_text(run.folder.report_file, page)
    return run.folder.report_file


def write_card(run_folder: str | Path) -> Path:
    """Write card.md into a run folder; otherwise as `write_report`."""
    run = read_run(run_folder)
    card = render("card.md", run=run, facts=all_facts(run), checklists=LISTS)
    write_text(run.folder.card_file, card)
    return run.folder.card_file
