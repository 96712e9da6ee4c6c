"""SavedModels as TensorFlow Hub has them, written for the tests (the real ones need a network).

The layout is the Reusable SavedModel API: `__call__(images, training)` with images in [0, 1],
`variables`, `trainable_variables` and `regularization_losses` on the root. Variables are called as
in BiT's .npz files.
"""

from pathlib import Path

import bit_weights
import numpy as np
import tensorflow as tf

UNITS = (1, 1, 1, 1)


def write_tiny(folder: Path, *, training: bool = True, side: int | None = None) -> None:
    """A module of (B, H, W, 3) to (B, 8) in which the two modes differ and statistics move.

    Args:
        training: whether `__call__` takes it.
        side: of the images, where the module takes no other.
    """
    generator = np.random.default_rng(7)

    def variable(name: str, value, **keywords) -> tf.Variable:
        return tf.Variable(np.float32(value), name=name, **keywords)

    noise = generator.standard_normal((3, 3, 3, 8)) * 0.3
    kernel = variable("resnet/root_block/standardized_conv2d/kernel", noise)
    gamma = variable("resnet/group_norm/gamma", np.linspace(0.5, 1.5, 8))
    beta = variable("resnet/group_norm/beta", np.linspace(0.1, 0.5, 8))
    moving = variable("resnet/moving/mean", np.zeros(8), trainable=False)
    calls = tf.Variable(0, name="resnet/moving/mean", trainable=False, dtype=tf.int64)  # same name

    def features(images, training):
        x = tf.nn.conv2d(images * 2 - 1, kernel, 1, "SAME")
        if training:
            mean = tf.reduce_mean(x, (0, 1, 2))
            moving.assign(0.5 * moving + 0.5 * mean)
            calls.assign_add(1)
        else:
            mean = tf.identity(moving)
        return tf.reduce_mean(tf.nn.relu((x - mean) * gamma + beta), (1, 2))

    root = tf.train.Checkpoint()
    root.variables = [kernel, gamma, beta, moving, calls]
    root.trainable_variables = [kernel, gamma, beta]
    no_arguments = tf.function(lambda: 0.01 * tf.nn.l2_loss(kernel), input_signature=[])
    root.regularization_losses = [no_arguments]
    spec = tf.TensorSpec((None, side, side, 3), tf.float32)
    if training:
        root.__call__ = tf.function(features)
        for mode in (False, True):
            root.__call__.get_concrete_function(spec, training=mode)
    else:
        root.__call__ = tf.function(lambda images: features(images, False), input_signature=[spec])
    tf.saved_model.save(root, str(folder))


def write_frozen(folder: Path, kind: str) -> None:
    """Of `kind` "call" (no trainable variables), "inference" (trainable ones, but no training
    mode), "signature" (serving_default alone) or "two" (a signature with two outputs)."""
    kernel = tf.Variable(tf.fill((3, 5), 0.5), name="kernel", trainable=kind != "call")
    root = tf.train.Checkpoint(kernel=kernel)
    spec = tf.TensorSpec((None, None, None, 3), tf.float32, name="images")

    def features(images):
        return tf.reduce_mean(images, (1, 2)) @ kernel

    if kind == "call":
        root.__call__ = tf.function(features, input_signature=[spec])
        signatures = None
    elif kind == "inference":
        root.trainable_variables = [kernel]
        root.__call__ = tf.function(lambda images, training=False: features(images))
        root.__call__.get_concrete_function(spec, training=False)
        signatures = None
    else:
        names = ("vector", "again") if kind == "two" else ("vector",)
        serve = tf.function(
            lambda images: {name: features(images) for name in names}, input_signature=[spec]
        )
        signatures = {"serving_default": serve}
    tf.saved_model.save(root, str(folder), signatures=signatures)


def write_tf1(folder: Path) -> None:
    """A module in the TF1 Hub format: a graph without objects."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        images = v1.placeholder(tf.float32, (None, None, None, 3))
        kernel = v1.get_variable("resnet/group_norm/gamma", (3,), use_resource=True)
        session.run(v1.global_variables_initializer())
        outputs = {"default": tf.reduce_mean(images, (1, 2)) * kernel}
        v1.saved_model.simple_save(session, str(folder), {"images": images}, outputs)


def write_bit(folder: Path) -> None:
    """BiT of `UNITS` and width 1 with `bit_weights`' numbers, in TensorFlow's own operations.

    It gives the pooled features, and holds the variables of a classifier beside.
    """
    npz = folder.with_suffix(".npz")
    bit_weights.write(npz, UNITS)
    with np.load(npz) as file:
        tensors = {name: tf.Variable(value, name=name) for name, value in file.items()}

    def conv(x, place, stride=1):
        kernel = tensors[f"{place}/standardized_conv2d/kernel"]
        mean, variance = tf.nn.moments(kernel, (0, 1, 2), keepdims=True)
        pad = (kernel.shape[0] - 1) // 2
        x = tf.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
        return tf.nn.conv2d(x, (kernel - mean) / tf.sqrt(variance + 1e-10), stride, "VALID")

    def norm_relu(x, place):
        shape = tf.shape(x)
        groups = tf.reshape(x, (shape[0], shape[1], shape[2], 32, x.shape[-1] // 32))
        mean, variance = tf.nn.moments(groups, (1, 2, 4), keepdims=True)
        x = tf.reshape((groups - mean) / tf.sqrt(variance + 1e-5), shape)
        gamma, beta = (tensors[f"{place}/group_norm/{part}"] for part in ("gamma", "beta"))
        return tf.nn.relu(x * gamma + beta)

    def unit(x, place, stride):
        y = norm_relu(x, f"{place}/a")
        projected = f"{place}/a/proj/standardized_conv2d/kernel" in tensors
        shortcut = conv(y, f"{place}/a/proj", stride) if projected else x
        y = conv(y, f"{place}/a")
        y = conv(norm_relu(y, f"{place}/b"), f"{place}/b", stride)
        return shortcut + conv(norm_relu(y, f"{place}/c"), f"{place}/c")

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.float32)])
    def call(images):
        x = conv(images * 2 - 1, "resnet/root_block", 2)
        x = tf.nn.max_pool2d(tf.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))), 3, 2, "VALID")
        for block, count in enumerate(UNITS, start=1):
            for number in range(1, count + 1):
                stride = 2 if block > 1 and number == 1 else 1
                x = unit(x, f"resnet/block{block}/unit{number:02d}", stride)
        return tf.reduce_mean(norm_relu(x, "resnet"), (1, 2))

    root = tf.train.Checkpoint()
    root.variables = root.trainable_variables = list(tensors.values())
    root.__call__ = call
    tf.saved_model.save(root, str(folder))
