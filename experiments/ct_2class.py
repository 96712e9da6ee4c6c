"""Protocol D, two classes of CT slices: InceptionV3, DenseNet, DenseNet with a convolution.

    python experiments/ct_2class.py
    python experiments/ct_2class.py --data DIR

Without --data: the phantom's slices, 10 epochs. --quick trains for 4 epochs of 50, in batches of 8
and not 32, on smaller images. In the folder of every network's first run, figures/test_images.png
shows 16 test images with their true and predicted class.

Cost at full size by its operations alone, in hours of a GPU that sustains 20 TFLOP/s (--list counts
it): three networks 0.066.

The paper (Berrimi et al. 2021), accuracy on a fifth of the images: InceptionV3 84.51,
DenseNet 60, with the convolution 95.98.
It does not say which DenseNet, how many filters, which dropout or batch size: see
docs/explanation/papers.md.
"""

import sys
from functools import partial

from covid_keras.studies import berrimi, script

if __name__ == "__main__":
    plan = partial(berrimi.plan, "ct-2class", "Protocol D, two classes of CT slices")
    sys.exit(script.main(berrimi.options(__doc__), plan))
