"""Maps of any model; Grad-CAM against its definition."""

import numpy as np
import pytest
from small_network import network, noise

from covid_keras.explain.maps import gradcam
from covid_keras.utils.errors import InputError

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")


@pytest.fixture
def images() -> np.ndarray:
    return noise()


def by_definition(model, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """ReLU of the feature maps weighted by the mean gradient of the class's logit."""
    both = keras.Model(model.input, [model.get_layer("features").output, model.output])
    maps = []
    for image, k in zip(images, classes, strict=True):
        with tf.GradientTape() as tape:
            features, logits = both(image[None])
            score = logits[0, int(k)]
        weights = tf.reduce_mean(tape.gradient(score, features), axis=(1, 2))
        coarse = tf.nn.relu(tf.einsum("bhwc,bc->bhw", features, weights))
        fine = tf.image.resize(coarse[..., None], image.shape[:2], method="bilinear")[0, ..., 0]
        maps.append(fine / tf.reduce_max(fine) if tf.reduce_max(fine) > 0 else fine)
    return np.stack(maps)


@pytest.mark.parametrize("keepdims", [False, True])
def test_equal_to_the_definition_for_the_predicted_class(images, keepdims):
    model = network(keepdims=keepdims)
    predicted = np.argmax(model.predict(images, verbose=0), axis=1)
    ours = gradcam(model, images, batch_size=2)
    assert ours.shape == (5, 24, 20)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, by_definition(model, images, predicted), atol=1e-5)
    assert ours.max(axis=(1, 2)).tolist() == [1.0] * 5
    assert ours.min() >= 0


@pytest.mark.slow
def test_equal_to_the_definition_on_bit():
    from covid_keras.models.create import create_model

    keras.utils.set_random_seed(0)
    model = create_model("bit_r50x1", classes=3, input_shape=(96, 64, 3))
    head = model.layers[-1]
    random = np.random.default_rng(0)
    head.set_weights([random.normal(size=w.shape) for w in head.get_weights()])
    images = random.normal(size=(2, 96, 64, 3)).astype(np.float32)
    expected = by_definition(model, images, np.array([2, 0]))
    assert expected.max() == 1
    # Two orders of float32 sums through fifty layers, with oneDNN: 1.2e-5 apart.
    np.testing.assert_allclose(gradcam(model, images, [2, 0]), expected, atol=1e-4)


def test_a_class_for_all_and_a_class_for_each(images):
    model = network()
    each = np.array([0, 1, 2, 1, 0])
    np.testing.assert_allclose(
        gradcam(model, images, each, batch_size=2), by_definition(model, images, each), atol=1e-5
    )
    np.testing.assert_allclose(
        gradcam(model, images, 1), by_definition(model, images, np.full(5, 1)), atol=1e-5
    )


def test_a_softmax_at_the_end_is_taken_off_and_the_model_left_alone(images):
    logits, softmax = network(), network("softmax")
    before = softmax.predict(images, verbose=0)
    np.testing.assert_allclose(gradcam(softmax, images, 2), gradcam(logits, images, 2), atol=1e-5)
    np.testing.assert_array_equal(softmax.predict(images, verbose=0), before)


@pytest.mark.parametrize(
    "end",
    [
        lambda x: keras.layers.Softmax()(x),
        lambda x: keras.layers.Activation("softmax", dtype="float32")(x),
        lambda x: keras.layers.Activation("linear")(keras.layers.Softmax()(x)),
        lambda x: keras.ops.softmax(x),
        lambda x: keras.ops.sigmoid(x),
    ],
)
def test_probabilities_by_a_layer_or_an_operation_are_taken_off(images, end):
    model = network()
    model.get_layer("head").set_weights([1e3 * w for w in model.get_layer("head").get_weights()])
    ended = keras.Model(model.input, end(model.output))  # saturated: its gradient is zero
    maps = gradcam(model, images)
    assert maps.max() == 1
    np.testing.assert_allclose(gradcam(ended, images), maps, atol=1e-5)


@pytest.mark.parametrize("inner", ["functional", "sequential"])
@pytest.mark.parametrize("outer", ["functional", "sequential"])
@pytest.mark.parametrize("cut", ["features", "head"])
def test_models_inside_of_a_model_are_opened(images, inner, outer, cut):
    flat = network("softmax")
    names = [layer.name for layer in flat.layers[1:]]
    split = names.index(cut) + (cut == "features")
    layers = [flat.get_layer(name) for name in names]
    parts = layers[:split], layers[split:]
    body = keras.Sequential([keras.Input((24, 20, 3)), *parts[0]])
    if inner == "functional":
        body = keras.Model(flat.input, parts[0][-1].output)
    model = keras.Sequential([keras.Input((24, 20, 3)), body, *parts[1]])
    if outer == "functional":
        x = body(entry := keras.Input((24, 20, 3)), training=False)
        for layer in parts[1]:
            x = layer(x)
        model = keras.Model(entry, x)
    twice = keras.Sequential([keras.Input((24, 20, 3)), keras.layers.Rescaling(1.0), model])
    expected = gradcam(network("softmax"), images)
    np.testing.assert_allclose(gradcam(model, images), expected, atol=1e-5)
    np.testing.assert_allclose(gradcam(twice, images), expected, atol=1e-5)


def test_a_flat_sequential_model(images):
    layers = network("softmax").layers[1:]
    flat = keras.Sequential([keras.Input((24, 20, 3)), *layers])
    np.testing.assert_allclose(gradcam(flat, images), gradcam(network(), images), atol=1e-5)


def test_a_model_without_a_graph_is_refused_in_one_line(images):
    class Own(keras.Model):
        def call(self, x):
            return keras.ops.mean(x, axis=(1, 2))

    own = Own()
    own(images)
    inside = keras.Sequential([keras.Input((24, 20, 3)), own])
    for model in (own, keras.Sequential([keras.layers.Dense(2)]), inside):
        with pytest.raises(InputError, match="functional or sequential model") as error:
            gradcam(model, images)
        assert "\n" not in str(error.value)


def test_one_output_is_the_second_of_two_classes(images):
    two, one = network(), network(classes=1)
    kernel = one.get_layer("head").get_weights()[0]
    two_kernel = np.concatenate([-kernel, kernel, 0 * kernel], axis=1)
    two.set_weights([*one.get_weights()[:-2], two_kernel, np.zeros(3, "float32")])
    for label in (0, 1):
        found = gradcam(one, images, label)
        np.testing.assert_allclose(found, gradcam(two, images, label), atol=1e-5)
    with pytest.raises(InputError, match="from 0 to 1"):
        gradcam(one, images, 2)


def test_mixed_precision_gives_nearly_the_same_map(images):
    exact = network()
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        mixed = network()
    finally:
        keras.mixed_precision.set_global_policy("float32")
    mixed.set_weights(exact.get_weights())
    maps = gradcam(mixed, images, 1)
    assert maps.dtype == np.float32
    np.testing.assert_allclose(maps, gradcam(exact, images, 1), atol=0.05)


def test_no_positive_evidence_is_zeros_not_nan(images):
    model = network()
    kernel, bias = model.get_layer("head").get_weights()
    model.get_layer("head").set_weights([-np.abs(kernel), bias])
    maps = gradcam(model, images)
    assert maps.max() == 0
    assert np.isfinite(maps).all()


def test_evidence_lies_where_the_class_is(images):
    """One bright square, and a network whose class 1 is mean brightness."""
    inputs = keras.Input((32, 32, 1))
    features = keras.layers.MaxPooling2D(4, name="features")(inputs)
    outputs = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(features))
    model = keras.Model(inputs, outputs)
    model.layers[-1].set_weights([np.array([[-1.0, 1.0]]), np.zeros(2)])
    image = np.zeros((1, 32, 32, 1), np.float32)
    image[:, 20:28, 4:12] = 1
    heat = gradcam(model, image, class_index=1)[0]
    assert heat[22:26, 6:10].min() > 0.9
    assert heat[:16].max() == 0


def test_bad_input_is_one_line(images):
    model = network()
    with pytest.raises(InputError, match=r"\(B, H, W, C\). Received: \(24, 20, 3\)"):
        gradcam(model, images[0])
    with pytest.raises(InputError, match=r"from 0 to 2\. Received: 3"):
        gradcam(model, images, 3)
    with pytest.raises(InputError, match="one for each of 5 images"):
        gradcam(model, images, [0, 1])
    dense = keras.Sequential([keras.Input((8,)), keras.layers.Dense(2)], name="pooled")
    with pytest.raises(InputError, match="Received: pooled, without one"):
        gradcam(dense, images)
