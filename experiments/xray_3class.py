"""Protocol D, three classes of X-rays: InceptionV3, DenseNet, DenseNet with a convolution.

    python experiments/xray_3class.py
    python experiments/xray_3class.py --data DIR

A tenth of the images is val, which chooses the epoch; --as-published trains on these too, the
paper's 80 %, and tests the last epoch. Without --data, the networks train on the phantom's X-rays;
without a GPU these have 80 pixels a side, and training takes 14 epochs. --quick trains on smaller
images, for 4 epochs instead of 50, in batches of 8 instead of 32. In the folder of each network's
first run, figures/test_images.png shows 16 test images with their true and predicted class.

Cost at full size, in hours of a GPU that sustains 20 TFLOP/s (as --list counts it), on the 1,124
images of DarkCovidNet's copy: three networks 0.03.

The paper (Berrimi et al. 2021), accuracy on a fifth of its own 1,130 X-rays, another data set than
DarkCovidNet's: InceptionV3 92.35, DenseNet 63.56, with the convolution 85.
It does not name its DenseNet, filters, dropout and batch size: see docs/explanation/papers.md.
"""

import argparse
import sys

from covid_keras.cli import scripts
from covid_keras.studies import plans
from covid_keras.studies.study import Source, Study

PARSER = scripts.parser(__doc__, section="three networks")


def plan(options: argparse.Namespace, source: Source) -> Study:
    title = "Protocol D, three classes of X-rays"
    return plans.three_networks("xray-3class", title, source, options)


if __name__ == "__main__":
    sys.exit(scripts.main(PARSER, plan))
