"""report.html: the page of a run. It needs no other file, no script and no network."""

from pathlib import Path

from covid_keras.report.render import render
from covid_keras.report.summary import flatten, read_run
from covid_keras.utils.files import write_text

CAPTIONS = {
    "learning_curves": "Loss, accuracy and learning rate by optimizer step.",
    "confusion_matrix": "Confusion matrix: rows are true classes, columns predicted classes.",
    "roc": "One-vs-rest ROC curve of each class.",
    "risk_coverage": "Risk-coverage curve: error rate on the most confident share of the images.",
    "reliability": "Reliability diagram before and after temperature scaling.",
    "test_images": "Randomly drawn test images, with true and predicted class.",
    "tsne": "t-SNE of the features before the head. Distances between clusters mean nothing.",
}
NOT_SETTINGS = ("title", "citation", "quick", "phantom", "variants")
"""Keys of recipe.json that the table of settings leaves out: shown above it, or of other runs."""


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
        data={k: v for k, v in run.fingerprint.items() if k not in ("stamps", "images")},
        recipe={k: v for k, v in run.recipe.items() if k not in NOT_SETTINGS},
        caption=_caption,
        flatten=flatten,
    )
    path = run.folder / "report.html"
    write_text(path, page)
    return path


def _caption(path: Path) -> str:
    captions = (text for stem, text in CAPTIONS.items() if path.stem.startswith(stem))
    return f"{next(captions, '')} ({path.name})".strip()
