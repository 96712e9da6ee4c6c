"""card.md: the model card (Mitchell et al. 2019), facts of a run, open questions, checklists."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from covid_keras.metrics.text import METRICS, beside, beside_lines, detail_lines, overall, percent
from covid_keras.report.checklists import LISTS, Checklist
from covid_keras.report.checklists.method import INTENDED, first_weights, input_size
from covid_keras.report.summary import RunSummary, flatten, read_run
from covid_keras.utils.files import write_text

OPEN = "not known"
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
    path = run.folder / "card.md"
    write_text(path, render(run))
    return path


def render(run: RunSummary) -> str:
    """The card as Markdown."""
    settings = flatten(run.recipe)
    parts = [
        f"# Model card: {run.folder.resolve().name}",
        "\n".join(f"> **{stamp.upper()}**  " for stamp in run.stamps),
        "## Intended use",
        f"{INTENDED}.",
        "## Model",
        _facts(
            {
                "Recipe": f"{settings.get('name', OPEN)}: {settings.get('title', OPEN)}",
                "After": settings.get("citation", OPEN),
                "Network": settings.get("model.name", OPEN),
                "First weights": first_weights(run) or OPEN,
                "Input": input_size(run) or OPEN,
                "Scaled to run without a GPU": settings.get("scaled", OPEN),
                "Settings that are not the paper's": _changes(run.recipe),
                "Seed": settings.get("seed", OPEN),
            }
        ),
        "## Data",
        _facts({"Data set": settings.get("data.dataset", OPEN)}),
        _table(["split", "class", "images", "patients"], run.counts.to_numpy().tolist()),
        "## Scores",
        *(
            _scores(name, result, beside_lines(beside(run.metrics, name)))
            for name, result in run.splits.items()
        ),
        "" if run.splits else f"Scores: {OPEN}; run covid-keras evaluate {run.folder.name}.",
        f"External test: {', '.join(run.external) or 'not done'}.",
        "PPV and NPV hold for these sets' shares of the classes only. Each image counts once.",
        "## Not known",
        _facts(dict.fromkeys(QUESTIONS, OPEN)),
        "## Caveats",
        "- Where source and class go together, a network can score by telling the sources apart.\n"
        "- Grad-CAM maps are no proof that the network looks at disease.\n"
        f"- {run.seeds}.",
        *(_checklist(checklist, run) for checklist in LISTS),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _scores(name: str, result: dict, beside: Sequence[str]) -> str:
    patients = "not known" if result["patients"] is None else f"{result['patients']:,}"
    rows = [
        [label, f"{result['images_per_class'][label]:,}", *(percent(entries[m]) for m in METRICS)]
        for label, entries in result["per_class"].items()
    ]
    return "\n\n".join(
        [
            f"### {name}: {result['images']:,} images, patients: {patients}",
            f"{overall(result)} (percent [95 % interval]).",
            _table(["class", "images", *METRICS.values()], rows),
            f"{result['intervals']}.",
            "\n".join(f"- {line}" for line in [*detail_lines(result), *beside]),
        ]
    )


def _changes(recipe: dict) -> str:
    return ("; ".join(recipe["changes"]) or "none") if "changes" in recipe else OPEN


def _checklist(checklist: Checklist, run: RunSummary) -> str:
    whole, partly, still_open = checklist.tally(run)
    rows = [
        [item.number, f"{item.topic}: {item.wanted}", item.filled(run)] for item in checklist.items
    ]
    return "\n\n".join(
        [
            f"## {checklist.name}",
            f"{checklist.citation}. Of {len(rows)} items this run answers {whole}, and {partly} in"
            f" part; {still_open} are open. What is open is for a person to write. The wording is"
            " shortened; the published list holds.",
            _table(["item", "what is asked", "this run"], rows),
        ]
    )


def _facts(facts: dict[str, str]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in facts.items())


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    cells = (" | ".join(str(cell).replace("|", "\\|") for cell in row) for row in lines)
    return "\n".join(f"| {line} |" for line in cells)
