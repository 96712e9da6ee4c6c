"""Paper D's variant: DenseNet, and a convolution on top of its features.

Berrimi et al. write: "We add at the top of the [DenseNet] model a convolutional layer that
performs feature extraction [...], and at the bottom a dense layer followed by [...] dropout [...]
and BatchNormalization". The dense layer is the head `dense`; the convolution is here.

The paper leaves open which DenseNet it is, and the convolution's width, size and activation.
What is fixed here, and why:

- densenet121, the smallest, since the paper trains on some hundred images and on one K80;
- after the DenseNet, on its last feature map. "At the top" might also be read as before the
  network, at the top of a drawing, with the dense layer "at the bottom". But published weights
  expect three channels, and a convolution that "performs feature extraction" for the dense layer
  is one between the features and the head: Keras' `include_top` calls that end the top, too;
- 256 filters, a quarter of the DenseNet's 1024 channels and as many as the head's dense layer has
  units; more would make the new layer as large as the network (1024 filters: 9.4 M parameters);
- 3x3, "same" padding, bias, ReLU: Keras' usual convolution, and the feature map keeps its size.
"""

import dataclasses

import keras
from keras import layers

from covid_keras.models import applications
from covid_keras.models.weights.layout import Layout, Slot

DENSENET = "densenet121"
FILTERS = 256
KERNEL_SIZE = 3


def backbone(name: str, input_shape: tuple[int | None, int | None, int]) -> keras.Model:
    """The DenseNet up to its last activation "relu", then "extra.conv" and ReLU, "features".

    Input: (B, H, W, 3), normalised as for the DenseNet. Output: (B, h, w, `FILTERS`).

    Raises:
        InputError: an image smaller than the DenseNet takes.
    """
    densenet = applications.flat(DENSENET, input_shape, last="relu")
    x = layers.Conv2D(FILTERS, KERNEL_SIZE, padding="same", name="extra.conv")(densenet.output)
    return keras.Model(densenet.input, layers.ReLU(name="features")(x), name=name)


def _without_the_new_layer(layout: Layout) -> Layout:
    """The DenseNet's layout; "extra.conv" is in no published file and stays random."""

    def name(slot: Slot) -> str | None:
        return None if slot.layer.name == "extra.conv" else layout.name(slot)

    return dataclasses.replace(layout, name=name)


LAYOUTS = {key: _without_the_new_layer(value) for key, value in applications.LAYOUTS.items()}
