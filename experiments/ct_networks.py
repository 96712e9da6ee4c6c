"""Protocol B: twelve CNNs on two sets of CT slices, LAMB, five folds.

    python experiments/ct_networks.py --dataset covid19-ct --data DIR
    python experiments/ct_networks.py --dataset sars-cov-2-ct --data DIR
    python experiments/ct_networks.py --dataset covid19-ct --data DIR --split image patient

The second command uses the paper's other data set; the third adds patient-level folds to the
paper's image-level folds. Without --data, the networks train on the phantom. --networks selects
some of the twelve. --weights replaces the published ImageNet weights. --outside draws Grad-CAM maps
of images that are not in the data set. A tenth of the four folds is val, which chooses the epoch;
--as-published trains on all of the four folds and tests the last epoch. --quick halves the sides of
the images and trains for 10 epochs instead of 100.

Cost at full size, in hours of a GPU that sustains 20 TFLOP/s (as --list counts it), twelve
networks: covid19-ct 2.2, sars-cov-2-ct 7.3.

The paper (Alshazly et al. 2021), accuracy, mean (std) over folds:
SARS-CoV-2 CT from 95.1 (1.3) with SqueezeNet to 99.4 (0.4) with ResNet101; COVID19-CT from
87.3 (3.2) with SqueezeNet to 92.9 (2.2) with DenseNet201.
"""

import argparse
import dataclasses
import sys

from covid_keras import recipes
from covid_keras.cli import scripts
from covid_keras.recipes.published import Published, published
from covid_keras.studies import plans
from covid_keras.studies.study import POSITIVE, Column, Source, Study, Trial, named_weights

VARIANTS = recipes.get("ct-networks").variants
NETWORKS = {settings["model.name"]: name for name, settings in VARIANTS.items()}
"""{our name of a network: the paper's}."""
FOLDS = 5
COLUMNS = (
    Column("accuracy", "accuracy"),
    Column("precision", "ppv", POSITIVE),
    Column("recall", "sensitivity", POSITIVE),
    Column("specificity", "specificity", POSITIVE),
    Column("F1", "f1", POSITIVE),
    Column("AUC", "auc", POSITIVE),
)
AT_VALS_THRESHOLD = Column("accuracy, val's threshold", "accuracy", at="at_threshold")

PARSER = scripts.parser(__doc__, section="as published")
add = PARSER.add_argument
text = f"default: all of {', '.join(NETWORKS)}"
add("--networks", nargs="+", default=list(NETWORKS), choices=NETWORKS, metavar="NAME", help=text)
text = "initial weights: imagenet, random or NAME=FILE; default: imagenet"
add("--weights", nargs="+", default=["imagenet"], metavar="W", help=text)
text = "draw folds of images, of patients, or both; default: image"
add("--split", nargs="+", default=["image"], choices=("image", "patient"), help=text)


def plan(options: argparse.Namespace, source: Source) -> Study:
    weights = named_weights(options.weights)
    dataset = options.dataset or "covid19-ct"
    kept, name = plans.as_published("ct-networks", options)
    return Study(
        name=name,
        title=f"Protocol B: {dataset if source.data else 'the phantom'}, five folds",
        recipe="ct-networks",
        trials=tuple(
            Trial(
                row=title(network, start, split),
                settings={"model.name": network, "data.group": split} | kept,
                weights=first,
                seed=seed,
                fold=fold,
                several_seeds=len(options.seeds) > 1,
            )
            for split in options.split
            for network in options.networks
            for start, first in weights.items()
            for seed in options.seeds
            for fold in range(FOLDS)
        ),
        columns=COLUMNS if kept else (*COLUMNS, AT_VALS_THRESHOLD),
        spread="mean (std)",
        published=table(options.networks, list(weights), dataset),
    )


def title(network: str, weights: str, split: str) -> str:
    return f"{NETWORKS[network]}, {weights}, {split} folds"


def table(networks: list[str], weights: list[str], dataset: str) -> Published:
    """Return the paper's table; its networks had ImageNet weights and folds of images."""
    imagenet = next((name for name in weights if name.lower() == "imagenet"), "ImageNet")
    found = published("ct-networks", dataset) or published("ct-networks", "covid19-ct")
    names = {name: title(network, imagenet, "image") for network, name in NETWORKS.items()}
    left_out = {name for network, name in NETWORKS.items() if network not in networks}
    rows = {row: cells for row, cells in found.rows.items() if row not in left_out}
    return dataclasses.replace(found, rows=rows).renamed(names)


if __name__ == "__main__":
    sys.exit(scripts.main(PARSER, plan))
