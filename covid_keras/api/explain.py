"""Draw what a trained run looks at, and measure what its maps are worth."""

import os
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from covid_keras.datasets.label_files import SPLITS
from covid_keras.datasets.records import evenly_spaced, image_root
from covid_keras.evaluation.sets import default_name, external_records
from covid_keras.explain import run_figures
from covid_keras.explain.cases import keep_cases
from covid_keras.explain.map_scores import positive_maps, score_maps
from covid_keras.explain.maps import Explainer
from covid_keras.explain.run_figures import why_no_map
from covid_keras.explain.sanity import sanity as sanity_of
from covid_keras.explain.tsne import features_figure
from covid_keras.figures.captions import write_captions
from covid_keras.metrics import faithfulness
from covid_keras.metrics.map_sentences import map_table, sanity_line, verdicts
from covid_keras.metrics.sentences import sizes, wrapped
from covid_keras.phantom import LUNGS, MAKERS, MASKS
from covid_keras.runs.explained import write_why_no_feature_map
from covid_keras.runs.inference import Trained, load_trained
from covid_keras.runs.map_methods import METHODS, map_method
from covid_keras.runs.maps_file import FAITHFULNESS, add_sanity, add_scores
from covid_keras.runs.run import Run
from covid_keras.utils.console import say
from covid_keras.utils.errors import InputError
from covid_keras.utils.locks import locked
from covid_keras.utils.text import near_misses

CASES = "gradcam"
"""The method whose maps stand beside the cases."""
MAPS = (
    "{method} of test images that {network} classifies {how}, a row for each class: the image as"
    " the network sees it, and the evidence for a class, scaled to its maximum in the image. A map"
    " does not prove a reason."
)
CAPTIONS = {
    "test_images": (
        "Test images drawn at random, with their true class and the class that {} predicts, with"
        " its probability; wrong predictions in orange."
    ),
    "tsne": (
        "t-SNE (van der Maaten and Hinton 2008) of the features in front of the output layer of {}."
        " Neighbouring points have similar features; the sizes of clusters and the distances"
        " between them have no meaning."
    ),
}
"""{name of a figure: its caption, of the network}."""


def explain(
    run: str | os.PathLike,
    *,
    method: str = "gradcam",
    layer: str | None = None,
    class_name: str | None = None,
    masks: str | Path | None = None,
    lungs: str | Path | None = None,
    dataset: str | None = None,
    data: str | Path | None = None,
    name: str | None = None,
    label_map: Mapping[str, str] | None = None,
    faithful: int | None = None,
    sanity: int | None = None,
    count: int = 3,
) -> list[Path]:
    """Draw class activation maps of test images, sample predictions, and t-SNE of the features.

    Args:
        run: a trained run, or its folder.
        method: gradcam, gradcam++, layercam or scorecam, of a feature map; occlusion,
            integrated-gradients or smoothgrad, of the image itself.
        layer: the layer whose feature map is used; None is the last one.
        class_name: the class whose evidence is drawn; None is the predicted class of each image.
        masks: where the disease is, to measure how well the maps find it: a folder with masks named
            like the images, or a CSV of boxes (image, x_frac, y_frac, w_frac, h_frac). None is the
            phantom's own masks, on the phantom.
        lungs: folder with lung masks named like the images, one more map to compare with.
            None is the phantom's own, on the phantom.
        dataset, data, name, label_map: other images that the masks are of, as in `evaluate`; None
            is the run's test images. No figure is drawn of others.
        faithful: on how many of the images with a mask to measure the faithfulness of all maps, by
            removing and inserting pixels; 57 predictions for each image and map.
        sanity: on how many images to compare the maps with those after noise, and with those of
            random weights.
        count: images per class with a map.

    Returns:
        What was written. gradcam/maps.json, where there are masks: the scores of the maps beside
        those of maps that know nothing of the network; metrics.json says who wins. Figures:
        in the folder of the method, test.png and test_wrong.png (test images classified rightly
        and wrongly), and single/ with an overlay and the raw map of each image (methods of a
        feature map: of networks that have one of more than one pixel; without a map where no class
        reaches a probability of 0.5); figures/test_images.png and figures/tsne.png (of the images
        that the paper shows, else of train and test; where five or more have features that differ).
        figures/captions.md holds a caption of each.

    Raises:
        InputError: the run has not finished, an image or a mask cannot be read, no mask belongs to
            an image, an unknown method, layer or class, or contradicting arguments.

    Example:
        >>> import covid_keras
        >>> covid_keras.explain(run, count=1)[0].name
        'test.png'
    """
    map_method(method)  # an unknown one is refused before the network is loaded
    for what, given in {"count": count, "faithful": faithful, "sanity": sanity}.items():
        if given is not None and given < 1:
            raise InputError(f"{what}: expected 1 or more. Received: {given}")
    _check(masks, lungs, dataset, data, name, label_map, sanity)
    run = Run(Path(run))
    trained = load_trained(run.path)
    if class_name and class_name not in trained.classes:
        known = near_misses(class_name, trained.classes)
        raise InputError(f"class {class_name!r} is unknown; {known}")
    reason = why_no_map(trained.recipe.model.name, trained.network, method)
    explainer = None if reason else Explainer(trained.network, method, layer)
    options = {"lungs": Path(lungs) if lungs else None, "faithful": faithful or 0}
    with locked(run.path):
        if dataset:
            if not explainer:
                raise InputError(reason)
            name = name or default_name(dataset, data)
            records = external_records(run, trained, dataset, Path(data), label_map or {})
            given = records.assign(split=name), image_root(data), Path(masks)
            return [_measure(run, trained, explainer, name, *given, **options)]
        written = []
        if explainer:
            written += run_figures.map_figures(run, trained, explainer, class_name, count)
        else:
            say(reason)
        written += _other_figures(run, trained, explainer)
        masks = masks or _own(run, trained, MASKS)
        options["lungs"] = options["lungs"] or _own(run, trained, LUNGS)
        if masks and explainer:
            given = run.split("test", "val"), run.data_root(), Path(masks)
            written.append(_measure(run, trained, explainer, "test", *given, **options))
        if sanity and explainer:
            written.append(_check_sanity(run, trained, explainer, sanity))
    return list(dict.fromkeys(written))


def _other_figures(run: Run, trained: Trained, explainer: Explainer | None) -> list[Path]:
    """Draw the figures that are not maps, and write the captions of all; return their paths.

    `explainer`: of the maps that were drawn, if there are any.
    """
    pictures = [run_figures.examples_figure(run, trained)]
    if features := features_figure(run, trained):
        pictures.append(features)
    name = trained.recipe.model.name
    if why_not := why_no_map(name, trained.network, CASES):
        write_why_no_feature_map(run, why_not)
    if not (explainer and _title(explainer) == CASES):
        explainer = None if why_not else Explainer(trained.network)
    keep_cases(run, trained, explainer)
    network = f"{name}, trained on {trained.recipe.data.dataset},"
    captions = {path.stem: CAPTIONS[path.stem].format(network) for path in pictures}
    write_captions(run.figures, _map_captions(run, network) | captions)
    return pictures


def _map_captions(run: Run, network: str) -> dict[str, str]:
    """Return {figure: caption} of the maps by every method that the run has."""
    captions = {}
    for method, known in METHODS.items():
        named = {"method": f"{known.title} ({known.citation})", "network": network}
        for figure, how in ((run_figures.RIGHT, "rightly"), (run_figures.WRONG, "wrongly")):
            if (run.maps(method) / f"{figure}.png").exists():
                captions[f"{method}/{figure}"] = MAPS.format(**named, how=how)
    return captions


def _measure(
    run: Run,
    trained: Trained,
    explainer: Explainer,
    name: str,
    records: pd.DataFrame,
    root: Path,
    masks: Path,
    **options,
) -> Path:
    """Score the maps of a set's images, say and write the result; return the file.

    `options`: of `score_maps`.
    """
    makers = {_title(explainer): positive_maps(explainer)}
    result = score_maps(trained, records, root, masks, makers, **options)
    add_scores(run, name, result)
    say(f"maps on {name}, against the masks: {sizes(result)}; in percent", *map_table(result))
    if measured := result.get(FAITHFULNESS):
        say(f"faithfulness: {sizes(measured)}", *map_table(measured, faithfulness.FAITHFULNESS))
    say(*wrapped(verdicts(name, result).values()))
    return run.maps_file


def _title(explainer: Explainer) -> str:
    """Return the name of the maps in maps.json."""
    return f"{explainer.name} at {explainer.layer}" if explainer.layer else explainer.name


def _check_sanity(run: Run, trained: Trained, explainer: Explainer, images: int) -> Path:
    """Say and write the sanity of the maps of some test images; return the file."""
    records = run.split("test")
    records = records.iloc[evenly_spaced(len(records), images)]
    samples = trained.samples(records, run.data_root())
    result = sanity_of(trained, samples, explainer.name, explainer.layer)
    add_sanity(run, _title(explainer), result)
    say(*wrapped([sanity_line(_title(explainer), result)]))
    return run.maps_file


def _own(run: Run, trained: Trained, masks: str) -> Path | None:
    """Return the folder with the phantom's masks of this name; None of other images."""
    folder = run.data_root() / masks
    return folder if trained.recipe.data.dataset in MAKERS and folder.is_dir() else None


def _check(masks, lungs, dataset, data, name, label_map, sanity) -> None:
    """Raise InputError where the arguments contradict each other."""
    if (dataset is None) != (data is None):
        raise InputError("dataset and data: expected both or neither. Received: one of them")
    if (label_map or name) and not dataset:
        raise InputError("label_map, name: only for other images (dataset and data)")
    if name in SPLITS:
        raise InputError(f"name: expected one that is no split. Received: {name}")
    if sanity and dataset:
        raise InputError("sanity: only of the run's test images, without dataset and data")
    if (dataset or lungs) and not masks:
        raise InputError("dataset, lungs: expected masks of the disease (--masks). Received: none")
