"""Protocol C: BiT ResNet-50x1 on COVIDx CXR-2 with rebalanced batches, and its studies.

    python experiments/cxr_bit.py --data DIR
    python experiments/cxr_bit.py --data DIR --study resolution-schedule-mixup
    python experiments/cxr_bit.py --data DIR --study few-images --seeds 0 1 2 3 4

DIR holds COVIDx CXR-2, the label files 8B. Without --data, the networks train on the phantom's
X-rays. resolution-schedule-mixup is figure 4 of the paper: resolutions at the default schedule,
schedules at the default resolution, with mixup and without, from BiT-S and BiT-M; --full runs all
combinations. --quick shrinks every run for a CPU: smaller crops, shorter schedules. Each study
draws the accuracy on val every 100 steps, all rows in one figure.

Cost at full size, in hours of a GPU that sustains 20 TFLOP/s (as --list counts it): main 3.3,
resolution-schedule-mixup 17, few-images 17 per seed.

In the test split every positive image comes from one source and every negative image from another:
the source label alone predicts all 400 test images correctly. A score on it says little about
COVID-19.

The paper (Zhao, Jiang, Qiu 2021), accuracy, sensitivity, PPV, specificity, NPV, AUC on test:
Random 92.8 85.5 100 100 87.3 99.5; BiT-S 94.8 89.5 100 100 90.5 99.5;
BiT-M 96.5 93.0 100 100 93.5 99.4.
"""

import argparse
import sys

from covid_keras.cli import scripts
from covid_keras.studies import plans
from covid_keras.studies.study import POSITIVE, Column, Source, Study

COLUMNS = (
    Column("accuracy", "accuracy"),
    Column("sensitivity", "sensitivity", POSITIVE),
    Column("PPV", "ppv", POSITIVE),
    Column("specificity", "specificity", POSITIVE),
    Column("NPV", "npv", POSITIVE),
    Column("AUC", "auc", POSITIVE),
)
STUDIES = {
    "main": ("Random", "BiT-S", "BiT-M"),
    "resolution-schedule-mixup": ("BiT-S", "BiT-M"),
    "few-images": ("Random", "BiT-S", "BiT-M"),
}
"""{study: its default initial weights}."""
PARSER = scripts.parser(__doc__, STUDIES, "bit studies")


def plan(options: argparse.Namespace, source: Source) -> Study:
    weights = STUDIES[options.study]
    return plans.bit_study("cxr-bit", "Protocol C", weights, COLUMNS, options, source)


if __name__ == "__main__":
    sys.exit(scripts.main(PARSER, plan))
