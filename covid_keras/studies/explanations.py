"""All explanation methods on all given runs: one table of what their maps are worth."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from covid_keras.datasets.records import evenly_spaced, image_root
from covid_keras.evaluation.sets import default_name, external_records
from covid_keras.explain.explained import normalised
from covid_keras.explain.map_scores import positive_maps, score_maps
from covid_keras.explain.maps import Explainer
from covid_keras.explain.sanity import agreement, sanity
from covid_keras.metrics.faithfulness import FAITHFULNESS
from covid_keras.metrics.localisation import SCORES
from covid_keras.metrics.map_sentences import REFERENCES, correlation
from covid_keras.metrics.sentences import percent
from covid_keras.models import registry
from covid_keras.pipeline.samples import Samples
from covid_keras.runs.inference import Trained, load_trained
from covid_keras.runs.map_methods import map_method
from covid_keras.runs.maps_file import add_sanity, add_scores
from covid_keras.runs.run import Run
from covid_keras.utils.console import say
from covid_keras.utils.files import write_text
from covid_keras.utils.text import csv_text, markdown_page

ALIKE = {
    "noise": "rank correlation under noise",
    "random": "rank correlation with random weights",
}
"""{score of the sanity of a map: what it is called}."""


@dataclass(frozen=True)
class Images:
    """What maps are scored on: see `covid_keras.explain`."""

    masks: Path
    lungs: Path | None = None
    dataset: str | None = None
    data: Path | None = None
    name: str | None = None
    label_map: Mapping[str, str] = field(default_factory=dict)
    layer: str | None = None
    faithful: int = 0
    sanity: int = 0


def measure(run: Run, images: Images, methods: Sequence[str]) -> dict[str, dict[str, dict]]:
    """Score the maps of a run by all methods; add the scores to its maps.json.

    Returns:
        {map, of the methods and of `REFERENCES`: {score: entry}}.

    Raises:
        InputError: As `covid_keras.explain`.
    """
    trained = load_trained(run.path)
    name, records, root = _set(run, trained, images)
    possible = _possible(trained, methods, images.layer)
    makers = {
        title: positive_maps(Explainer(trained.network, *how)) for title, how in possible.items()
    }
    options = {"lungs": images.lungs, "faithful": images.faithful}
    result = score_maps(trained, records, root, images.masks, makers, **options)
    add_scores(run, name, result)
    scores = result["maps"]
    for key, more in result.get("faithfulness", {}).get("maps", {}).items():
        scores[key] = scores[key] | more
    if images.sanity:
        samples = _some(trained, name, records, root, images.sanity)
        for title, how in possible.items():
            found = sanity(trained, samples, *how)
            if name == "test":
                add_sanity(run, title, found)
            ends = {"noise": found["noise"], "random": found["layers"][-1]}
            scores[title] |= {key: end["rank_correlation"] for key, end in ends.items()}
    return scores


def agreements(
    runs: Sequence[Run], random: Sequence[Run], images: Images, methods: Sequence[str]
) -> Iterator[dict]:
    """Yield how alike the maps of two runs are, for each method.

    Args:
        runs: Pairs of them that differ only in their seed are compared.
        random: Runs that were trained on random labels; each is compared with those of `runs` that
            have the same network and input.

    Yields:
        method, first, second, kind ("seeds" or "random labels"), ssim and rank_correlation.
    """
    pairs = [(a, b, "seeds") for a, b in combinations(runs, 2) if _alike(a, b, seed=True)]
    pairs += [(a, b, "random labels") for a in runs for b in random if _alike(a, b, seed=False)]
    for first, second, kind in pairs:
        for method, found in _agreement(first, second, images, methods):
            pair = {"method": method, "first": str(first.path), "second": str(second.path)}
            yield pair | {"kind": kind} | found


def _agreement(
    first: Run, second: Run, images: Images, methods: Sequence[str]
) -> Iterator[tuple[str, dict]]:
    trained = [load_trained(run.path) for run in (first, second)]
    samples = _some(trained[0], *_set(first, trained[0], images), images.sanity)
    pixels = np.stack([samples.read(index) for index in range(len(samples))])[..., None]
    patients = samples.records["patient"].tolist()
    unit = "patient" if all(patients) else "image"
    clusters = np.unique(patients if all(patients) else samples.images, return_inverse=True)[1]
    for title, how in _possible(trained[0], methods, images.layer).items():
        maps = [
            positive_maps(Explainer(each.network, *how))(
                normalised(each.preprocessing, pixels), samples.labels.tolist()
            )
            for each in trained
        ]
        yield title, agreement(*maps, clusters, unit)


def _some(trained: Trained, name: str, records: pd.DataFrame, root: Path, count: int) -> Samples:
    """Return some images of a set, evenly spaced."""
    records = records[records["split"].eq(name)]
    return trained.samples(records.iloc[evenly_spaced(len(records), count)], root)


def write_tables(
    out: Path, scores: Mapping[str, Mapping[str, Mapping[str, dict]]], alike: Sequence[dict]
) -> str:
    """Write table.md, and table.csv with one row for each score; return the text.

    Args:
        scores: {run: what `measure` returned}.
        alike: What `agreements` yielded.
    """
    titles = SCORES | FAITHFULNESS | ALIKE
    found = {key for maps in scores.values() for each in maps.values() for key in each}
    titles = {key: title for key, title in titles.items() if key in found}
    lines = [["run", "map", *titles.values()]]
    rows = []
    for run, maps in scores.items():
        for name, each in maps.items():
            cells = [_cell(key, each[key]) if key in each else "" for key in titles]
            lines.append([run, REFERENCES.get(name, name), *cells])
            rows += [{"run": run, "map": name, "score": key} | each[key] for key in each]
    notes = ["In percent [95 % interval], rank correlations as they are."]
    text = markdown_page("What maps are worth", lines, [], notes)
    if alike:
        pairs = [["method", "runs", "differ in", "SSIM", "rank correlation"]]
        for each in alike:
            both = f"{each['first']}, {each['second']}"
            cells = [correlation(each[key]) for key in ("ssim", "rank_correlation")]
            pairs.append([each["method"], both, each["kind"], *cells])
            rows += [
                {"run": both, "map": each["method"], "score": f"{key}, {each['kind']}"} | each[key]
                for key in ("ssim", "rank_correlation")
            ]
        text += "\n" + markdown_page("How alike the maps of two runs are", pairs, [], [])
    write_text(out / "table.md", text)
    write_text(out / "table.csv", csv_text(pd.DataFrame(rows)))
    return text


def _set(run: Run, trained: Trained, images: Images) -> tuple[str, pd.DataFrame, Path]:
    """Return the name of the set, its records (of the run's own, val's too), and their root."""
    if not (images.dataset and images.data):
        return "test", run.split("test", "val"), run.data_root()
    name = images.name or default_name(images.dataset, images.data)
    records = external_records(run, trained, images.dataset, images.data, images.label_map)
    return name, records.assign(split=name), image_root(images.data)


def _possible(
    trained: Trained, methods: Sequence[str], layer: str | None
) -> dict[str, tuple[str, str | None]]:
    """Return {title: (method, layer)} of what the network has maps of; say what it has not."""
    reason = registry.why_no_feature_map(trained.recipe.model.name, trained.network)
    of_features = {method: map_method(method).features for method in methods}
    if reason and any(of_features.values()):
        say(reason)
    return {
        f"{method} at {layer}" if layer and of_map else method: (method, layer if of_map else None)
        for method, of_map in of_features.items()
        if not (reason and of_map)
    }


def _alike(first: Run, second: Run, seed: bool) -> bool:
    """Return whether the runs have the same network and input; with `seed`, only other seeds."""
    a, b = first.recipe(), second.recipe()
    same = (
        a.model.name == b.model.name and a.input == b.input and first.classes() == second.classes()
    )
    return same and (not seed or (a.data.dataset == b.data.dataset and a.seed != b.seed))


def _cell(key: str, entry: Mapping) -> str:
    return correlation(entry) if key in ALIKE else percent(entry)
