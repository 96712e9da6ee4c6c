"""The sections on what was done: training, data, recipe, looks at the test set, environment."""

from collections.abc import Mapping

import pandas as pd

from covid_keras.figures.learning_curves import read_log
from covid_keras.report.charts import Axis, Chart, Line
from covid_keras.report.page import Bullets, Code, Section, Side, Table, Text, settings
from covid_keras.report.run_summary import RunSummary, flatten
from covid_keras.utils.text import count

NOT_SETTINGS = ("title", "citation", "changes", "variants", "as_published")
NOT_SETTINGS += ("quick", "phantom", "phantom_quick")
"""Keys of recipe.json that are not in the table of settings: shown above it, or of other runs."""
NOT_DATA = ("stamps", "images", "hashes", "kept", "members")
"""Keys of fingerprint.json that are not in the table of data."""
LOOK = ("date", "set", "images", "commit", "command")


def record_sections(run: RunSummary) -> list[Section]:
    """Return the sections on how a run came about, and how to repeat it."""
    sections = [_training(run), _data(run), _recipe(run), _looks(run)]
    sections.append(Section("Environment", [settings(flatten(run.environment), "Environment")]))
    return [section for section in (*sections, _again(run)) if section and section.blocks]


def missing_section(run: RunSummary) -> Section | None:
    """Return what is missing in the run folder, and the commands that make it."""
    lines = [f"{name}: run covid-keras {command} {run.place}" for name, command in run.missing]
    return Section("Missing parts", [Bullets(lines)], open=True) if lines else None


def _training(run: RunSummary) -> Section | None:
    if not run.folder.log_file.exists():
        return None
    table = read_log(run.folder.log_file)
    charts = [
        _curve(table, "loss", "cross-entropy (nats)", 1),
        _curve(table, "accuracy", "accuracy (%)", 100),
        _rate(table),
    ]
    text = [Text(f"Tested: the {run.kept}.")] if run.kept else []
    return Section("Learning curves", [*text, Side(charts)])


def _curve(table: pd.DataFrame, name: str, label: str, scale: float) -> Chart:
    """Return a quantity of train and, if it was measured, of val against the step."""
    lines, highest = [], 0.0 if scale == 1 else 100.0
    for column, title, style in ((name, "train", "solid"), (f"val_{name}", "val", "dashed")):
        known = table.dropna(subset=column)
        if known.empty:
            continue
        values, colour = scale * known[column], "muted" if title == "train" else "ink"
        highest = max(highest, values.max())
        dots = 4 if title == "val" or len(known) == 1 else 0
        lines.append(Line(known["step"], values, title, colour, style, dots))
    steps = Axis.over("optimiser step", table["step"], 0)
    return Chart(f"Learning curves: {name}", steps, Axis.over(label, [highest], 0), lines)


def _rate(table: pd.DataFrame) -> Chart:
    highest = max(table["learning_rate"].max(), 1e-12)
    steps = Axis.over("optimiser step", table["step"], 0)
    rate = Line(table["step"], table["learning_rate"])
    return Chart("Learning rate", steps, Axis.over("learning rate", [highest], 0), [rate])


def _data(run: RunSummary) -> Section:
    header, rows = ("split", "class", "images", "patients"), run.counts.to_numpy().tolist()
    counts = [Table(header, rows, "Images and patients", numbers=False)] if rows else []
    facts = flatten({k: v for k, v in run.fingerprint.items() if k not in NOT_DATA})
    return Section("Data", [*counts, settings(facts, "Data")])


def _recipe(run: RunSummary) -> Section | None:
    if run.measured or not run.recipe:
        return None
    changes = "; ".join(run.recipe.get("changes", ()))
    texts = (
        run.recipe.get("citation", ""),
        "Scaled to run without a GPU." if run.recipe.get("scaled") else "",
        f"Settings that differ from the paper: {changes}." if changes else "",
    )
    values = flatten({k: v for k, v in run.recipe.items() if k not in NOT_SETTINGS})
    return Section("Recipe", [*(Text(t) for t in texts if t), settings(values, "Settings")])


def _looks(run: RunSummary) -> Section | None:
    """Return the log of measurements on test and external sets."""
    looks = run.folder.look_table()
    if looks.empty:
        return None
    header = [name for name in LOOK if name in looks]
    times = ", ".join(f"{name} {count(n, 'time')}" for name, n in run.folder.looks().items())
    text = (
        f"Measured: {times}. A network that is changed after a look at the test images is fitted to"
        " them, and its next score is too high."
    )
    shown = looks[header].map(_short_commit).to_numpy().tolist()
    return Section("Looks at the test set", [Text(text), Table(header, shown, "Looks", False)])


def _short_commit(cell: str) -> str:
    """Return a commit's first characters, anything else as it is."""
    return cell[:12] if len(cell.partition("+")[0]) == 40 and " " not in cell else cell


def _again(run: RunSummary) -> Section | None:
    if run.measured:
        return None
    command = run.environment.get("command") or "# the command of the training is not known"
    steps = [f"covid-keras {step} {run.place}" for step in ("evaluate", "explain", "report")]
    return Section("Run it again", [Code("\n".join([command, *steps]))])


def audit_section(result: Mapping) -> Section | None:
    """Return what an audit found of the images of a measured set."""
    lines = [f"{f['severity'].upper()}: {f['text']}" for f in result.get("audit", ())]
    return Section("Audit", [Bullets(lines)]) if lines else None
