"""Draw what a trained run looks at."""

import os
from pathlib import Path

from covid_keras.explain import pointing, run_figures
from covid_keras.explain.tsne import features_figure
from covid_keras.figures.captions import write_captions
from covid_keras.models import registry
from covid_keras.phantom import MAKERS, MASKS
from covid_keras.runs.inference import Trained, load_trained
from covid_keras.runs.run import Run
from covid_keras.utils.console import say
from covid_keras.utils.errors import InputError
from covid_keras.utils.locks import locked

CAPTIONS = {
    "test": (
        "Grad-CAM (Selvaraju et al. 2017) of test images that {} classifies rightly, a row for each"
        " class: the image as the network sees it, and the evidence for its predicted class,"
        " scaled to its maximum in the image. A map does not prove a reason."
    ),
    "test_wrong": "The same of test images that {} classifies wrongly.",
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
    masks: str | Path | None = None,
    count: int = 3,
) -> list[Path]:
    """Draw class activation maps of test images, sample predictions, and t-SNE of the features.

    Args:
        run: a trained run, or its folder.
        method: "gradcam".
        masks: folder with masks of the disease, named like the images: also play the pointing game
            (is the maximum of a map on the disease?), and write gradcam/pointing.json. None is the
            phantom's own masks, on the phantom.
        count: images per class with a map.

    Returns:
        gradcam/test.png and gradcam/test_wrong.png (test images classified rightly and wrongly; of
        networks with a feature map of more than one pixel), figures/test_images.png and
        figures/tsne.png (of the images that the paper shows, else of train and test; where five or
        more have features that differ). figures/captions.md holds a caption of each.

    Raises:
        InputError: the run has not finished, an image or a mask cannot be read, no mask belongs to
            a test image, or an unknown method.

    Example:
        >>> import covid_keras
        >>> covid_keras.explain(run, count=1)[0].name
        'test.png'
    """
    if method != "gradcam":
        raise InputError(f"method: expected gradcam. Received: {method!r}")
    if count < 1:
        raise InputError(f"count: expected 1 or more. Received: {count}")
    run = Run(Path(run))
    trained = load_trained(run.path)
    pictures: list[Path] = []
    with locked(run.path):
        if reason := registry.why_no_feature_map(trained.recipe.model.name, trained.network):
            say(reason)
        else:
            pictures += run_figures.gradcam_figures(run, trained, count)
            if masks := masks or _own_masks(run, trained):
                say(pointing.sentence(pointing.pointing_game(run, trained, Path(masks))))
        pictures.append(run_figures.examples_figure(run, trained))
        if features := features_figure(run, trained):
            pictures.append(features)
        network = f"{trained.recipe.model.name}, trained on {trained.recipe.data.dataset},"
        captions = {path.stem: CAPTIONS[path.stem].format(network) for path in pictures}
        write_captions(run.figures, captions)
    return pictures


def _own_masks(run: Run, trained: Trained) -> Path | None:
    """Return the folder with the phantom's masks; None of other images."""
    folder = run.data_root() / MASKS
    return folder if trained.recipe.data.dataset in MAKERS and folder.is_dir() else None
