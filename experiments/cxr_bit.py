"""Protocol C: BiT ResNet-50x1 on COVIDx CXR-2 with rebalanced batches, and its studies.

    python experiments/cxr_bit.py --data DIR
    python experiments/cxr_bit.py --data DIR --study resolution-schedule-mixup
    python experiments/cxr_bit.py --data DIR --study few-images --seeds 0 1 2 3 4

DIR holds COVIDx CXR-2, the label files 8B. Without --data: the phantom X-rays. --quick scales every
run to two cores: smaller crops, shorter schedules. Every study draws the accuracy on val every 100
steps of all its rows in one figure.

Cost at full size by its operations alone, in hours of a GPU that sustains 20 TFLOP/s (--list counts
it): main 3.3, resolution-schedule-mixup 13, few-images, a seed, 16.

Known before any training: in the test split every positive image comes from one source and every
negative from another, so that a rule which reads the source alone is right in 400 of 400. A score
on it says little about COVID-19.

The paper (Zhao, Jiang, Qiu 2021), accuracy, sensitivity, PPV, specificity, NPV, AUC on test:
Random 92.8 85.5 100 100 87.3 99.5; BiT-S 94.8 89.5 100 100 90.5 99.5;
BiT-M 96.5 93.0 100 100 93.5 99.4.
"""

import argparse
import sys

from covid_keras.recipes.cxr_bit import FEW_IMAGES, PAPER, SCHEDULES
from covid_keras.studies import bit, script
from covid_keras.studies.study import Column, Study

COLUMNS = (
    Column("accuracy", "accuracy"),
    Column("sensitivity", "sensitivity", -1),
    Column("PPV", "ppv", -1),
    Column("specificity", "specificity", -1),
    Column("NPV", "npv", -1),
    Column("AUC", "auc", -1),
)
STUDIES = {
    "main": ("Random", "BiT-S", "BiT-M"),
    "resolution-schedule-mixup": ("BiT-M",),
    "few-images": ("Random", "BiT-S", "BiT-M"),
}
"""The studies and the first weights that each takes by itself."""


def plan(options: argparse.Namespace) -> Study:
    main = options.study == "main"
    return Study(
        name=f"cxr-bit-{options.study}",
        title=f"Protocol C: {options.study}",
        recipe="cxr-bit",
        trials=bit.trials(options, SCHEDULES, FEW_IMAGES),
        columns=COLUMNS,
        spread="median [min, max]",
        paper=paper() if main and script.on_papers_data(options, "covidx-cxr-8b") else {},
    )


def paper() -> dict[str, tuple[str, ...]]:
    return {row: tuple(str(cell or "") for cell in cells) for row, cells in PAPER.items()}


if __name__ == "__main__":
    sys.exit(script.main(bit.options(__doc__, STUDIES), plan))
