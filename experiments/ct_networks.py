"""Protocol B: CNNs on two sets of CT slices, LAMB, canvases of their own, five folds.

    python experiments/ct_networks.py --dataset covid19-ct --data DIR
    python experiments/ct_networks.py --dataset sars-cov-2-ct --data DIR
    python experiments/ct_networks.py --dataset covid19-ct --data DIR --split image patient

The second line is the paper's other data set; the third adds folds in which no patient is in two,
beside the paper's folds of images. Without --data: the phantom. --networks takes fewer of the
twelve, --weights others than the published ImageNet weights: random, or NAME=FILE. --outside draws
Grad-CAM on images from outside of the data set. --quick halves the canvases and trains for 10
epochs of 100.

Cost at full size by its operations alone, in hours of a GPU that sustains 20 TFLOP/s (--list counts
it), twelve networks: covid19-ct 2.2, sars-cov-2-ct 7.3.

The paper (Alshazly et al. 2021), accuracy, mean (std) over folds:
SARS-CoV-2 CT from 95.1 (1.3) with SqueezeNet to 99.4 (0.4) with ResNet101; COVID19-CT from
87.3 (3.2) with SqueezeNet to 92.9 (2.2) with DenseNet201.
"""

import argparse
import sys

from covid_keras.recipes.ct_networks import NETWORKS, PAPER
from covid_keras.studies import script
from covid_keras.studies.study import Column, Study, Trial

FOLDS = 5
NOTES = (
    "Ours: one in ten of the images that are not in the test fold are held out, and the weights of"
    " the epoch with the best accuracy on them are tested; the paper does not say which it tests.",
)
COLUMNS = (
    Column("accuracy", "accuracy"),
    Column("precision", "ppv", -1),
    Column("recall", "sensitivity", -1),
    Column("specificity", "specificity", -1),
    Column("F1", "f1", -1),
    Column("AUC", "auc", -1),
    Column("accuracy, val's threshold", "accuracy", at="at_threshold"),
)


def plan(options: argparse.Namespace) -> Study:
    weights = script.named_weights(options.weights)
    dataset = options.dataset or "covid19-ct"
    return Study(
        name="ct-networks",
        title=f"Protocol B: {dataset if options.data else 'the phantom'}, five folds",
        recipe="ct-networks",
        trials=tuple(
            trial
            for split in options.split
            for network in options.networks
            for name, source in weights.items()
            for trial in runs(title(network, name, split), network, source, split, options.seeds)
        ),
        columns=COLUMNS,
        spread="mean (std)",
        paper=paper(options.networks, list(weights), dataset) if options.data else {},
        notes=NOTES,
    )


def title(network: str, weights: str, split: str) -> str:
    return f"{NETWORKS[network]}, {weights}, {split} folds"


def runs(row: str, network: str, weights: str, group: str, seeds: list[int]) -> list[Trial]:
    return [
        Trial(
            row=row,
            settings={"model.name": network, "data.group": group},
            weights=weights,
            seed=seed,
            fold=fold,
            several_seeds=len(seeds) > 1,
        )
        for seed in seeds
        for fold in range(FOLDS)
    ]


def paper(networks: list[str], weights: list[str], dataset: str) -> dict[str, tuple[str, ...]]:
    """The paper's five cells, from ImageNet in folds of images; it gives no more."""
    imagenet = next((name for name in weights if name.lower() == "imagenet"), "ImageNet")
    return {
        title(network, imagenet, "image"): (
            *(cell.replace("(", " (") for cell in PAPER[dataset][NETWORKS[network]].split()),
            "",
            "",
        )
        for network in networks
        if dataset in PAPER
    }


def options() -> argparse.Namespace:
    parser = script.parser(__doc__)
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=NETWORKS)
    parser.add_argument(
        "--weights",
        nargs="+",
        default=["imagenet"],
        metavar="W",
        help="imagenet, random, NAME=FILE",
    )
    parser.add_argument("--split", nargs="+", default=["image"], choices=("image", "patient"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(script.main(options(), plan))
