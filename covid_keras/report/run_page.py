"""report.html: one page about a run that needs no other file, no script and no network."""

from html import escape
from pathlib import Path

from covid_keras.metrics.text import METRICS, OVERALL, beside, beside_lines, detail_lines, percent
from covid_keras.report.html_parts import bullets, image, page, paragraph, section, table
from covid_keras.report.summary import RunSummary, flatten, read_run
from covid_keras.utils.files import write_text

CAPTIONS = {
    "learning_curves": "Loss, accuracy and learning rate against the optimiser step.",
    "confusion_matrix": "Confusion matrix: rows are the true class, columns the predicted one.",
    "roc": "ROC of each class against the rest.",
    "risk_coverage": "How often the surest answers are wrong, for every share of images kept.",
    "reliability": "Whether the probabilities mean what they say, before and after scaling.",
    "test_images": "Test images drawn at random, with their true and predicted class.",
    "tsne": "t-SNE of the features before the head. Distances between clusters mean nothing.",
}
GRADCAM_CAVEAT = (
    "A Grad-CAM map shows where the last feature map agrees with the predicted class. It is no "
    "proof that the network looks at disease: maps can look plausible for a network with random "
    "weights (Adebayo 2018) and miss the lesion in chest images (Arun 2021)."
)
ELSEWHERE = ("title", "citation", "quick", "phantom", "variants")
"""Parts of recipe.json that the table of settings leaves out: said above it, or of other runs."""


def write_report(run_folder: str | Path) -> Path:
    """Write report.html into a run folder, from the files that are there; return its path.

    Raises:
        InputError: the folder does not exist, or a file in it is damaged.
    """
    run = read_run(run_folder)
    path = run.folder / "report.html"
    write_text(path, render(run))
    return path


def render(run: RunSummary) -> str:
    """The page as text."""
    title = f"Run {run.folder.resolve().name}"
    sections = [
        paragraph(run.recipe.get("title", "")),
        bullets(run.stamps, "stamps"),
        _missing(run),
        *(_scores(name, result) for name, result in run.splits.items()),
        _limits(run),
        _figures(run),
        _gradcam(run),
        _data(run),
        _recipe(run),
        section("Environment", _settings(run.environment)),
        _reproduce(run),
    ]
    return page(title, sections)


def _scores(name: str, result: dict) -> str:
    patients = "patients not known"
    if result["patients"] is not None:
        patients = f"{result['patients']:,} patients"
    overall = [[title, percent(result["metrics"][key])] for key, title in OVERALL.items()]
    rows = [
        [label, f"{result['images_per_class'][label]:,}", *(percent(entries[m]) for m in METRICS)]
        for label, entries in result["per_class"].items()
    ]
    return section(
        f"Scores on {name}: {result['images']:,} images, {patients}",
        table(["over all classes", "percent [95 % interval]"], overall),
        table(["class", "images", *METRICS.values()], rows, "wide"),
        paragraph(
            "Percent [95 % interval]; each class against the rest; each image counts once. PPV and "
            "NPV hold for this set's share of the classes only."
        ),
        paragraph(f"{result['intervals']}."),
        bullets(result["notes"], "note"),
        bullets(detail_lines(result)),
    )


def _limits(run: RunSummary) -> str:
    external = (
        f"External test: {', '.join(run.external)}."
        if run.external
        else (
            "External test: not done. Images of another hospital may score far lower; try "
            f"covid-keras evaluate {run.folder.name} --dataset NAME --data DIR."
        )
    )
    looks = run.metrics.get("looks", {}).get("test", 0)
    return section(
        "Before believing the scores",
        paragraph(external),
        bullets(line for name in run.splits for line in beside_lines(beside(run.metrics, name))),
        paragraph(
            f"The test split was measured {looks} times (test_log.csv). Whatever is changed after a"
            " look is fitted to test, and its next score is too high."
            if looks > 1
            else ""
        ),
        paragraph(
            "Where source and class go together in a data set, a network can score by telling the "
            f"sources apart. {run.seeds}; another seed gives other numbers."
        ),
    )


def _figures(run: RunSummary) -> str:
    images = [image(path.read_bytes(), _caption(path)) for path in run.figures]
    return section("Figures", *images) if images else ""


def _gradcam(run: RunSummary) -> str:
    images = [
        image(path.read_bytes(), f"Grad-CAM, {path.stem.replace('_', ' ')}") for path in run.gradcam
    ]
    return section("Grad-CAM", paragraph(GRADCAM_CAVEAT), *images) if images else ""


def _data(run: RunSummary) -> str:
    counts = ""
    if len(run.counts):
        counts = table(["split", "class", "images", "patients"], run.counts.to_numpy().tolist())
    facts = {k: v for k, v in run.fingerprint.items() if k not in ("stamps", "images")}
    return section("Data", counts, _settings(facts))


def _recipe(run: RunSummary) -> str:
    said = "Scaled to run without a GPU." if run.recipe.get("scaled") else ""
    changes = run.recipe.get("changes") or ()
    changed = f"Not the paper's: {'; '.join(changes)}." if changes else ""
    return section(
        "Recipe",
        paragraph(run.recipe.get("citation", "")),
        paragraph(said),
        paragraph(changed),
        _settings({key: run.recipe[key] for key in run.recipe if key not in ELSEWHERE}),
    )


def _reproduce(run: RunSummary) -> str:
    name = run.folder.name
    steps = [run.command or "# the command of the training is not known"]
    steps += [f"covid-keras {step} {name}" for step in ("evaluate", "explain", "report")]
    return section("Reproduce", f"<pre>{escape(chr(10).join(steps))}</pre>")


def _missing(run: RunSummary) -> str:
    return section("Not there yet", bullets(run.missing)) if run.missing else ""


def _caption(path: Path) -> str:
    for stem, caption in CAPTIONS.items():
        if path.stem.startswith(stem):
            return f"{caption} ({path.name})"
    return path.name


def _settings(values: dict) -> str:
    if not values:
        return paragraph("Not known.")
    return table(["setting", "value"], [[k, v] for k, v in flatten(values).items()], "wide")
