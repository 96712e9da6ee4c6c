"""Protocol A: BiT ResNet-50x1 on COVIDx CT-2A, and its studies.

    python experiments/ct_bit.py --data DIR
    python experiments/ct_bit.py --data DIR --study initialisation
    python experiments/ct_bit.py --data DIR --study resolution-schedule-mixup
    python experiments/ct_bit.py --data DIR --study few-images --seeds 0 1 2 3 4

DIR holds COVIDx CT-2A. Without --data, the networks train on the phantom. --quick shrinks every run
for a CPU: smaller crops, shorter schedules. Weights are downloaded once; --weights selects among
the paper's five. resolution-schedule-mixup is figure 6 of the paper: resolutions at the default
schedule, schedules at the default resolution, with mixup and without; 16 runs, two of the default
as there. --full runs all 32 combinations. Each study draws the accuracy on val every 100 steps, all
rows in one figure.

Cost at full size, in hours of a GPU that sustains 20 TFLOP/s (as --list counts it): main 7.1,
initialisation 12, resolution-schedule-mixup 26, few-images 31 per seed.

The paper (Zhao, Jiang, Qiu 2021), accuracy on test: Random 97.9, BiT-S 98.8, BiT-M 99.2.
Initialisations, val / test: Random 96.5/97.7, BiT-S 97.4/98.8, BiT-M 97.9/99.3, BiT-M-C 97.7/99.2,
BiT-M-S 97.6/98.9. BiT-M with 100 images per class 94.8, with 1,000 98.0.
"""

import argparse
import sys

from covid_keras.cli import scripts
from covid_keras.recipes import TABLES
from covid_keras.studies import plans
from covid_keras.studies.study import Column, Source, Study

PAPER = TABLES["ct-bit"]
CLASSES = {"Normal": "Normal", "Pneumonia": "CP", "COVID-19": "NCP"}
"""{our name of a class: the paper's}."""
METRICS = {"Sn": "sensitivity", "PPV": "ppv", "Sp": "specificity", "NPV": "npv"}
MAIN = (
    Column("accuracy", "accuracy"),
    *(
        Column(f"{title} {name}", metric, label)
        for title, metric in METRICS.items()
        for label, name in CLASSES.items()
    ),
)
ACCURACY = (Column("accuracy, val", "accuracy", split="val"), Column("accuracy, test", "accuracy"))
STUDIES = {
    "main": ("Random", "BiT-S", "BiT-M"),
    "initialisation": tuple(PAPER["initialisations"]),
    "resolution-schedule-mixup": ("BiT-M",),
    "few-images": ("Random", "BiT-S", "BiT-M"),
}
"""{study: its default initial weights}."""
PARSER = scripts.parser(__doc__, STUDIES, "bit studies")


def plan(options: argparse.Namespace, source: Source) -> Study:
    columns = MAIN if options.study == "main" else ACCURACY
    weights = STUDIES[options.study]
    return plans.bit_study("ct-bit", "Protocol A", weights, columns, options, source)


if __name__ == "__main__":
    sys.exit(scripts.main(PARSER, plan))
