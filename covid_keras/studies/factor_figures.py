"""Bars of the accuracy on test by what the runs of a study differ in, as in papers A and C."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from covid_keras import recipes
from covid_keras.figures.bars import Panel, bars_figure
from covid_keras.figures.canvas import save
from covid_keras.figures.captions import write_captions
from covid_keras.recipes.config import Recipe, height_width
from covid_keras.studies.study import Column, Source, Study, recipe_of
from covid_keras.studies.study_figures import write_figures
from covid_keras.studies.study_rows import mark, value
from covid_keras.studies.study_table import run_metrics, stamps

ACCURACY = Column("accuracy", "accuracy")
CAPTIONS = {
    "curves": (
        "{}: accuracy on val against the optimiser step. Lines: medians over runs; bands: from the"
        " lowest to the highest run."
    ),
    "confusion_matrices": (
        "{}: confusion matrices on test, averaged over runs: number of images and its share of the"
        " true class's."
    ),
}
"""{name of a figure of every study: its caption, of the study's title}."""


@dataclass(frozen=True)
class Bar:
    """A row of the study as a bar: its initial weights, its recipe and the accuracy of each run."""

    row: str
    recipe: Recipe
    runs: Sequence[float]

    @property
    def weights(self) -> str:
        return self.row.partition(",")[0]

    @property
    def mixup(self) -> str:
        mixup = self.recipe.augmentation.mixup
        return f"{self.weights}, {f'mixup {mixup:g}' if mixup else 'no mixup'}"

    @property
    def sides(self) -> str:
        resize, crop = (height_width(s) for s in (self.recipe.input.resize, self.recipe.input.crop))
        return f"({resize[0]}, {crop[0]})"

    @property
    def steps(self) -> str:
        return f"{self.recipe.training.knees[-1]:,}"

    @property
    def images(self) -> str:
        return f"{self.recipe.data.per_class:,}" if self.recipe.data.per_class else "all"


def write_study_figures(study: Study, out: Path, source: Source) -> list[Path]:
    """Write all figures of a study, and captions.md; return the paths, none without a run."""
    paths = write_figures(study, out)
    if not paths:
        return []
    captions = {path.stem: CAPTIONS[path.stem].format(study.title) for path in paths}
    captions |= write_factor_figures(study, out, source)
    return [*(out / f"{name}.png" for name in captions), write_captions(out, captions)]


def write_factor_figures(study: Study, out: Path, source: Source) -> dict[str, str]:
    """Write hyperparameters.png or images_per_class.png, if the rows differ in these.

    Returns:
        {name of the figure: caption}.
    """
    metrics = {row: runs for row, runs in run_metrics(study, out).items() if runs}
    bars = []
    for row, found in metrics.items():
        recipe = recipe_of(study, study.rows[row][0], source, phantom=source.data is None)
        bars.append(Bar(row, recipe, [100 * (value(run, ACCURACY) or 0) for run in found]))
    figures = {
        "hyperparameters": ("resolution, schedule and mixup", hyperparameters(bars)),
        "images_per_class": ("number of training images", images_per_class(study, bars)),
    }
    matrices = (run["splits"]["test"]["confusion_matrix"] for run in chain(*metrics.values()))
    tests = {sum(map(sum, matrix)) for matrix in matrices}
    images, captions = " or ".join(f"{number:,}" for number in sorted(tests)), {}
    for name, (factor, panels) in figures.items():
        if panels:
            captions[name] = (
                f"{study.title}: accuracy on {images} test images by {factor}. Bars: medians over"
                " runs; whiskers: the lowest and the highest run."
            )
            if any(panel.published or panel.marks for panel in panels):
                credit = f"{mark(study, source)}: {study.published.source}."
                captions[name] += f" Grey bars, and diamonds for the row they are on: {credit}"
            given = (f"Accuracy on test by {factor}", f"accuracy on test (%), n = {images} images")
            figure = bars_figure(panels, *given, captions[name], stamps(metrics))
            save(figure, out / f"{name}.png")
    return captions


def hyperparameters(bars: Sequence[Bar]) -> list[Panel]:
    """Return a panel by resolution, at one schedule, and one by schedule, at one resolution.

    That schedule is the one with most resolutions, of equals the recipe's own; that resolution the
    one with most schedules, of equals the largest. None if the rows differ in neither.
    """
    schedules = {bar.steps: _is_own_schedule(bar) for bar in bars}
    sides = {bar.sides: height_width(bar.recipe.input.crop)[0] for bar in bars}
    panels = []
    if len(sides) > 1:
        kept = max(schedules, key=lambda s: (_levels(bars, "steps", s, "sides"), schedules[s]))
        series = _series([bar for bar in bars if bar.steps == kept], "mixup", "sides")
        panels.append(Panel(f"(resize, crop) in pixels, {kept} steps", series))
    if len(schedules) > 1:
        kept = max(sides, key=lambda s: (_levels(bars, "sides", s, "steps"), sides[s]))
        series = _series([bar for bar in bars if bar.sides == kept], "mixup", "steps")
        panels.append(Panel(f"steps of the schedule, {kept} pixels", series))
    return panels


def images_per_class(study: Study, bars: Sequence[Bar]) -> list[Panel]:
    """Return a panel by the number of training images; none if the rows do not differ in it.

    Beside it are published accuracies with all images, on the bars those of the same row.
    """
    if len({bar.images for bar in bars}) < 2:
        return []
    title = next(c.title for c in study.columns if (c.metric, c.split) == ("accuracy", "test"))
    rows = study.published.rows if study.published else {}
    known = {row: cells[title].partition("(")[0] for row, cells in rows.items()}
    marks = {(bar.weights, bar.images): float(known[bar.row]) for bar in bars if bar.row in known}
    others = {
        row: number
        for row, number in known.items()
        if row not in study.rows and not row.endswith("per class")
    }
    series = _series(bars, "weights", "images")
    return [Panel("training images per class", series, others, marks)]


def _is_own_schedule(bar: Bar) -> bool:
    own = recipes.get(bar.recipe.name)
    return bar.recipe.training.schedule == own.training.schedule


def _levels(bars: Sequence[Bar], name: str, level: str, other: str) -> int:
    """Return how many levels of `other` the bars at this level have."""
    return len({getattr(bar, other) for bar in bars if getattr(bar, name) == level})


def _series(bars: Sequence[Bar], name: str, level: str) -> dict[str, dict[str, Sequence[float]]]:
    series: dict[str, dict[str, Sequence[float]]] = {}
    for bar in bars:
        series.setdefault(getattr(bar, name), {})[getattr(bar, level)] = bar.runs
    return series
