"""report.html: one page about a run that needs no other file, no script and no network."""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from covid_keras.evaluation.tables import METRICS, OVERALL, percent
from covid_keras.files import write_text
from covid_keras.report.summary import RunSummary, flatten, read_run

CAPTIONS = {
    "learning_curves": "Loss, accuracy and learning rate against the optimiser step.",
    "confusion_matrix": "Confusion matrix: rows are the true class, columns the predicted one.",
    "roc": "ROC of each class against the rest.",
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
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #1a1a1a; background: #fff; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { margin-top: 2.2rem; font-size: 1.2rem;
  border-bottom: 1px solid #bbb; }
.stamps { border: 2px solid #d55e00; padding: .5rem 1rem; margin: 1rem 0; font-weight: 700;
  color: #a34700; text-transform: uppercase; list-style: none; }
table { border-collapse: collapse; margin: .8rem 0; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid #ddd; padding: .25rem .8rem .25rem 0; text-align: left;
  vertical-align: top; } th { border-bottom: 2px solid #888; }
td { overflow-wrap: anywhere; } .wide { font-size: 13px; }
figure { margin: 1.2rem 0; } img { max-width: 100%; height: auto; border: 1px solid #ddd; }
figcaption, .note { color: #444; font-size: 13px; }
code, pre { font-family: ui-monospace, monospace; font-size: 13px; }
pre { background: #f4f4f4; padding: .6rem 1rem; white-space: pre-wrap; }
@media print { body { margin: 0; max-width: none; font-size: 11px; }
  figure, tr { break-inside: avoid; } h2 { break-after: avoid; } }
"""


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
        f"<h1>{escape(title)}</h1>",
        _paragraph(run.recipe.get("title", "")),
        _list(run.stamps, "stamps"),
        _missing(run),
        *(_scores(name, result) for name, result in run.splits.items()),
        _limits(run),
        _figures(run),
        _gradcam(run),
        _data(run),
        _recipe(run),
        _section("Environment", _settings(run.environment)),
        _reproduce(run),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(part for part in sections if part)
        + "\n</body>\n</html>\n"
    )


def _scores(name: str, result: dict) -> str:
    patients = "patients not known"
    if result["patients"] is not None:
        patients = f"{result['patients']:,} patients"
    overall = [[title, percent(result["metrics"][key])] for key, title in OVERALL.items()]
    rows = [
        [label, f"{result['images_per_class'][label]:,}", *(percent(entries[m]) for m in METRICS)]
        for label, entries in result["per_class"].items()
    ]
    return _section(
        f"Scores on {name}: {result['images']:,} images, {patients}",
        _table(["over all classes", "percent [95 % interval]"], overall),
        _table(["class", "images", *METRICS.values()], rows, "wide"),
        _paragraph(
            "Percent [95 % interval]; each class against the rest; each image counts once. PPV and "
            "NPV hold for this set's share of the classes only."
        ),
        _paragraph(f"{result['intervals']}."),
        _list(result["notes"], "note"),
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
    return _section(
        "Before believing the scores",
        _paragraph(external),
        _paragraph(
            "Where source and class go together in a data set, a network can score by telling the "
            "sources apart. One run is one seed; another seed gives other numbers."
        ),
    )


def _figures(run: RunSummary) -> str:
    images = [_image(path, _caption(path)) for path in run.figures]
    return _section("Figures", *images) if images else ""


def _gradcam(run: RunSummary) -> str:
    images = [_image(path, f"Grad-CAM, {path.stem.replace('_', ' ')}") for path in run.gradcam]
    return _section("Grad-CAM", _paragraph(GRADCAM_CAVEAT), *images) if images else ""


def _data(run: RunSummary) -> str:
    counts = ""
    if len(run.counts):
        counts = _table(["split", "class", "images", "patients"], run.counts.to_numpy().tolist())
    facts = {k: v for k, v in run.fingerprint.items() if k not in ("stamps", "images")}
    return _section("Data", counts, _settings(facts))


def _recipe(run: RunSummary) -> str:
    said = "Scaled to run without a GPU." if run.recipe.get("scaled") else ""
    changes = run.recipe.get("changes") or ()
    changed = f"Not the paper's: {'; '.join(changes)}." if changes else ""
    return _section(
        "Recipe",
        _paragraph(run.recipe.get("citation", "")),
        _paragraph(said),
        _paragraph(changed),
        _settings({key: run.recipe[key] for key in run.recipe if key not in ELSEWHERE}),
    )


def _reproduce(run: RunSummary) -> str:
    name = run.folder.name
    steps = [run.command or "# the command of the training is not known"]
    steps += [f"covid-keras {step} {name}" for step in ("evaluate", "explain", "report")]
    return _section("Reproduce", f"<pre>{escape(chr(10).join(steps))}</pre>")


def _missing(run: RunSummary) -> str:
    return _section("Not there yet", _list(run.missing)) if run.missing else ""


def _caption(path: Path) -> str:
    for stem, caption in CAPTIONS.items():
        if path.stem.startswith(stem):
            return f"{caption} ({path.name})"
    return path.name


def _image(path: Path, caption: str) -> str:
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return (
        f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{data}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _settings(values: dict) -> str:
    if not values:
        return _paragraph("Not known.")
    return _table(["setting", "value"], [[k, v] for k, v in flatten(values).items()], "wide")


def _section(title: str, *parts: str) -> str:
    return "\n".join([f"<h2>{escape(title)}</h2>", *(part for part in parts if part)])


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>" if text else ""


def _list(items: Iterable[str], kind: str = "") -> str:
    entries = "".join(f"<li>{escape(item)}</li>" for item in items)
    return f'<ul class="{kind}">{entries}</ul>' if entries else ""


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    head = "".join(f"<th>{escape(str(cell))}</th>" for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>\n"
        for row in rows
    )
    return f'<table class="{kind}"><thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>'
