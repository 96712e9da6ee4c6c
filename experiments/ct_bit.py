"""Protocol A: BiT ResNet-50x1 on COVIDx CT-2A, and its studies.

    python experiments/ct_bit.py --data DIR
    python experiments/ct_bit.py --data DIR --study initialisation
    python experiments/ct_bit.py --data DIR --study resolution-schedule-mixup
    python experiments/ct_bit.py --data DIR --study few-images --seeds 0 1 2 3 4

DIR holds COVIDx CT-2A. Without --data: the phantom. --quick scales every run to two cores: smaller
crops, shorter schedules. The weights are downloaded once; --weights takes fewer of the five.
Every study draws the accuracy on val every 100 steps of all its rows in one figure.

Cost at full size by its operations alone, in hours of a GPU that sustains 20 TFLOP/s (--list counts
it): main 7.1, initialisation 12, resolution-schedule-mixup 32, few-images, a seed, 28.

The paper (Zhao, Jiang, Qiu 2021), accuracy on test: Random 97.9, BiT-S 98.8, BiT-M 99.2.
Initialisations, val / test: Random 96.5/97.7, BiT-S 97.4/98.8, BiT-M 97.9/99.3, BiT-M-C 97.7/99.2,
BiT-M-S 97.6/98.9. BiT-M with 100 images a class 94.8, with 1000 98.0.
"""

import argparse
import sys

from covid_keras.recipes.ct_bit import (
    FEW_IMAGES,
    INITIALISATIONS,
    PAPER_CLASSES,
    PAPER_FEW_IMAGES,
    PAPER_INITIALISATION,
    PAPER_TEST,
    SCHEDULES,
)
from covid_keras.studies import bit, script
from covid_keras.studies.study import Column, Study

METRICS = {"Sn": "sensitivity", "PPV": "ppv", "Sp": "specificity", "NPV": "npv"}
CLASSES = ("Normal", "CP", "NCP")
ACCURACY = (Column("accuracy, val", "accuracy", split="val"), Column("accuracy, test", "accuracy"))
STUDIES = {
    "main": ("Random", "BiT-S", "BiT-M"),
    "initialisation": tuple(INITIALISATIONS),
    "resolution-schedule-mixup": ("BiT-M",),
    "few-images": ("Random", "BiT-S", "BiT-M"),
}
"""The studies and the first weights that each takes by itself."""


def plan(options: argparse.Namespace) -> Study:
    main = options.study == "main"
    return Study(
        name=f"ct-bit-{options.study}",
        title=f"Protocol A: {options.study}",
        recipe="ct-bit",
        trials=bit.trials(options, SCHEDULES, FEW_IMAGES),
        columns=(Column("accuracy", "accuracy"), *per_class()) if main else ACCURACY,
        spread="median [min, max]",
        paper=paper(options.study) if script.on_papers_data(options, "covidx-ct-2a") else {},
    )


def per_class() -> list[Column]:
    return [
        Column(f"{title} {name}", metric, label)
        for title, metric in METRICS.items()
        for label, name in enumerate(CLASSES)
    ]


def paper(study: str) -> dict[str, tuple[str, ...]]:
    if study == "main":
        return {
            row: (str(accuracy), *(str(cell) for cells in PAPER_CLASSES[row] for cell in cells))
            for row, accuracy in PAPER_TEST.items()
        }
    if study == "initialisation":
        return {row: tuple(map(str, cells)) for row, cells in PAPER_INITIALISATION.items()}
    if study == "few-images":
        return {
            bit.few_row(name, images): ("", str(accuracy))
            for (name, images), accuracy in PAPER_FEW_IMAGES.items()
        }
    return {}


if __name__ == "__main__":
    sys.exit(script.main(bit.options(__doc__, STUDIES), plan))
