"""The sections with pictures: what the network looks at, test cases, and its features."""

from collections.abc import Iterator

import pandas as pd
from PIL import Image

from covid_keras.metrics.embedding import quality_text
from covid_keras.metrics.faithfulness import FAITHFULNESS as TITLES
from covid_keras.metrics.localisation import CENTRE, SCORES
from covid_keras.metrics.map_sentences import MAIN, REFERENCES, map_cells, sanity_line
from covid_keras.metrics.sentences import sizes
from covid_keras.report.charts import Axis, Chart, Line, Spot, Tiles, class_colour
from covid_keras.report.page import (
    Bars,
    Block,
    Bullets,
    Gallery,
    Picture,
    Section,
    Table,
    Text,
    metric_bar,
)
from covid_keras.report.pictures import data_uri, pictures, webp
from covid_keras.report.run_summary import RunSummary
from covid_keras.runs.explained import (
    ACROSS,
    TILE,
    Case,
    Embedding,
    read_cases,
    read_embedding,
    why_no_feature_map,
)
from covid_keras.runs.map_methods import METHODS
from covid_keras.runs.maps_file import FAITHFULNESS, read_maps
from covid_keras.utils.text import count

NO_PROOF = (
    "A map shows where a method finds evidence for a class. It does not prove that the network"
    " looks at disease: maps can look plausible for a network with random weights (Adebayo 2018)"
    " and miss the lesion in chest images (Arun 2021)."
)
FEATURES = "Features (t-SNE)"
KINDS = {
    "wrong": "Wrong: of each class the images with the highest probability of another class",
    "doubtful": "Doubtful: of each class the images with the lowest probability of any class",
    "right": "Right: of each class from the most to the least certain",
}
"""{kind of a case: how it was chosen}."""


def picture_sections(run: RunSummary) -> Iterator[Section]:
    """Yield the sections with the pictures that `explain` and the training drew."""
    cases = read_cases(run.folder)
    why_not = why_no_feature_map(run.folder)
    if run.panels or run.maps or why_not:
        blocks = [*_maps(run), Text(NO_PROOF), *_panels(run, why_not)]
        yield Section("Where it looks", blocks, open=not cases)
    if cases:
        yield Section("Right, wrong and doubtful cases", _gallery(run, cases), open=True)
    if embedding := read_embedding(run.folder):
        yield Section(FEATURES, _features(run, embedding))


def _panels(run: RunSummary, why_not: str) -> Iterator[Block]:
    """Yield the maps of each method in a section, the default first and open."""
    if why_not:
        others = ", ".join(method.title for method in METHODS.values() if not method.features)
        reason = f"{why_not[0].upper()}{why_not[1:]}"
        yield Text(f"{reason}. Methods that need no feature map: {others}.")
    titled = {METHODS[method].title: paths for method, paths in run.panels.items()}
    for place, (title, blocks) in enumerate(pictures(titled).items()):
        yield Section(title, blocks, open=not place)


def _maps(run: RunSummary) -> Iterator[Block]:
    """Yield what the maps are worth against masks of the disease, beside maps of nothing."""
    if run.maps:
        yield Bullets(run.maps)
    found = read_maps(run.folder)
    if lines := [sanity_line(method, result) for method, result in found["sanity"].items()]:
        yield Bullets(lines)
    for name, result in found["scores"].items():
        bars = [
            metric_bar(REFERENCES.get(method, method), scores[MAIN])
            for method, scores in result["maps"].items()
        ]
        title = f"Average precision of the maps, {name} ({sizes(result)})"
        yield Bars(bars, title, mark=result["maps"][CENTRE][MAIN]["value"])
        yield Text("The line is the centre prior, a spot in the middle of every image.", True)
        others = {score: title for score, title in SCORES.items() if score != MAIN}
        header, *rows = map_cells(result, others)
        yield Table(header, rows, f"Other scores of the maps, {name}")
        if measured := result.get(FAITHFULNESS):
            header, *rows = map_cells(measured, TITLES)
            yield Table(header, rows, f"Faithfulness of the maps, {name} ({sizes(measured)})")


def _gallery(run: RunSummary, cases: list[Case]) -> list[Block]:
    """Return the cases by kind."""
    blocks = []
    for kind, title in KINDS.items():
        some = [case for case in cases if case.kind == kind]
        if some:
            shown = [_case(run, case) for case in some]
            blocks += [Text(f"{title}."), Gallery(shown)]
    note = "Each image as the network sees it"
    if any(case.has_map for case in cases):
        note += ", beside it the same with the Grad-CAM map of its predicted class"
    return [*blocks, Text(f"{note}. The line on the left has the colour of the true class.", True)]


def _case(run: RunSummary, case: Case) -> Picture:
    with Image.open(run.folder.explained / case.file) as image:
        source = webp(image)
    answer = f"predicted {case.predicted}, {100 * case.probability:.0f} %"
    caption = f"True {case.label}, {answer} (row {case.row} of predictions_test.csv)"
    return Picture(source, caption, run.class_place(case.label))


def _features(run: RunSummary, embedding: Embedding) -> list[Block]:
    """Return the t-SNE figure, in which all points are drawn and some show their image."""
    points = embedding.points
    tiled = points[points["tile"] >= 0]
    spots = [Spot(x, y, tile, f"{label}, {split}") for x, y, tile, label, split in _rows(tiled)]
    by_test = tiled["split"].eq("test").sum()
    hint = (
        f"All {count(len(points), 'point')} are drawn. Pointing at one of {len(tiled):,}"
        f" ({by_test:,} of test), drawn at random, shows its image; so do the arrow keys. Full"
        " points are of test, pale ones of train and val. Neighbouring points have similar"
        " features; the sizes of clusters and the distances between them have no meaning."
    )
    chart = Chart(
        "t-SNE of the features before the output layer",
        Axis.over("t-SNE 1 (no unit)", points["x"]),
        Axis.over("t-SNE 2 (no unit)", points["y"]),
        [*_lines(run, points)],
        hint,
        spots,
        Tiles(data_uri(embedding.tiles.read_bytes(), "webp"), TILE, ACROSS),
        numbers=False,
    )
    return [Text(quality_text(embedding.quality)), chart]


def _rows(points: pd.DataFrame) -> Iterator[tuple]:
    return points[["x", "y", "tile", "label", "split"]].itertuples(index=False)


def _lines(run: RunSummary, points: pd.DataFrame) -> Iterator[Line]:
    """Yield the points of each class in and outside of test; test is drawn last."""
    size = 3.0 if len(points) > 3000 else 5.0
    for inside in (False, True):
        groups = points[points["split"].eq("test") == inside].groupby("label")
        for label, some in sorted(groups, key=lambda group: run.class_place(group[0])):
            name = f"{label}, {'test' if inside else 'train and val'}: {len(some):,}"
            colour = class_colour(run.class_place(label))
            style = "none" if inside else "pale"
            yield Line(some["x"], some["y"], name, colour, style, size)
