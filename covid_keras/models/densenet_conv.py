"""Paper D's variant: DenseNet121, and a convolution on its last feature map.

Berrimi et al. write: "We add at the top of the [DenseNet] model a convolutional layer that
performs feature extraction [...], and at the bottom a dense layer followed by [...] dropout [...]
and BatchNormalization". The dense layer is the head `dense`. The paper leaves the rest open; here:

- densenet121, the smallest, because the paper trains on some hundred images and on one K80;
- "at the top" is after the DenseNet, as in Keras' `include_top`: pretrained weights expect three
  channels in front, and a convolution that extracts features for the dense layer precedes it;
- 256 filters, a quarter of the DenseNet's 1024 channels and as many as the head's dense layer has
  units; more would make the new layer as large as the network (1024 filters: 9.4 M parameters);
- 3x3, "same" padding, bias, ReLU: Keras' usual convolution, which keeps the feature map's size.
"""

from dataclasses import replace

from covid_keras.models.densenet import DENSENET121
from covid_keras.models.keras_applications import application
from covid_keras.models.lazy import layers
from covid_keras.models.weights.layout import Layout, Slot
from covid_keras.utils.backend import Tensor

FILTERS = 256


def densenet_conv(x) -> Tensor:
    """Return the features of images `x` (B, H, W, 3): (B, h, w, `FILTERS`).

    The DenseNet's last activation is "relu"; the layers after it are "extra.conv" and "features".
    """
    x = application(x, DENSENET121.name, last="relu")
    x = layers.Conv2D(FILTERS, 3, padding="same", name="extra.conv")(x)
    return layers.ReLU(name="features")(x)


def _without_new_layer(layout: Layout) -> Layout:
    """Return the DenseNet's layout; "extra.conv" is in no published file and stays random."""

    def name(slot: Slot) -> str | None:
        return None if slot.layer.name == "extra.conv" else layout.name(slot)

    return replace(layout, name=name)


NETWORKS = (
    replace(
        DENSENET121,
        name="densenet_conv",
        graph=densenet_conv,
        input_size=(224, 224),
        parameters=9_313_665,
        features=FILTERS,
        stages=(*DENSENET121.stages[:-1], "relu", "features"),
        layouts={kind: _without_new_layer(layout) for kind, layout in DENSENET121.layouts.items()},
        note="densenet121, then a 3x3 convolution to 256 channels and ReLU (a quarter of the "
        "channels, as many as the head `dense` has units); paper D leaves all of it open",
    ),
)
