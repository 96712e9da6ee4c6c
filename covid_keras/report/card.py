"""card.md: the model card (Mitchell et al. 2019): facts of a run, open questions, checklists."""

from pathlib import Path

from covid_keras.report.checklists import LISTS
from covid_keras.report.checklists.model_facts import INTENDED, first_weights, input_size
from covid_keras.report.render import render
from covid_keras.report.summary import RunSummary, read_run
from covid_keras.utils.files import write_text

QUESTIONS = (
    "Age and sex of the patients",
    "Scanners, protocols and slice thickness",
    "How well those who labelled the images agree",
    "Share of the classes where the model would be used",
    "Licence of the trained weights",
    "Who to ask about this model",
)


def write_card(run_folder: str | Path) -> Path:
    """Write card.md into a run folder, from the files that are there; return its path.

    Raises:
        InputError: the folder does not exist, or a file in it is damaged.
    """
    run = read_run(run_folder)
    card = render(
        "card.md",
        run=run,
        intended=INTENDED,
        model=_model(run),
        questions=QUESTIONS,
        checklists=[(checklist, checklist.tally(run)) for checklist in LISTS],
    )
    path = run.folder / "card.md"
    write_text(path, card)
    return path


def _model(run: RunSummary) -> dict[str, str]:
    """Return the facts of the network; "" if not known."""
    changes = "; ".join(run.recipe.get("changes", ())) or "none"
    names = (run.setting("name") or "not known", run.setting("title") or "not known")
    return {
        "Recipe": ": ".join(names),
        "After": run.setting("citation"),
        "Network": run.setting("model.name"),
        "First weights": first_weights(run),
        "Input": input_size(run),
        "Scaled to run without a GPU": run.setting("scaled"),
        "Settings that are not the paper's": changes if "changes" in run.recipe else "",
        "Seed": run.setting("seed"),
    }
