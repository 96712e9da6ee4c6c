"""Protocol D, three classes of X-rays: InceptionV3, DenseNet, DenseNet with a convolution.

    python experiments/xray_3class.py
    python experiments/xray_3class.py --data DIR

Without --data: the phantom's X-rays, 20 epochs. --quick trains for 4 epochs of 50, in batches of 8
and not 32, on smaller images. In the folder of every network's first run, figures/test_images.png
shows 16 test images with their true and predicted class.

Cost at full size by its operations alone, in hours of a GPU that sustains 20 TFLOP/s (--list counts
it), on the 1,124 images of DarkCovidNet's copy: three networks 0.03.

The paper (Berrimi et al. 2021), accuracy on a fifth of the images: InceptionV3 92.35,
DenseNet 63.56, with the convolution 85.
It does not say which DenseNet, how many filters, which dropout or batch size: see
docs/explanation/papers.md.
"""

import sys
from functools import partial

from covid_keras.studies import berrimi, script

if __name__ == "__main__":
    plan = partial(berrimi.plan, "xray-3class", "Protocol D, three classes of X-rays")
    sys.exit(script.main(berrimi.options(__doc__), plan))
