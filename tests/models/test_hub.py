"""TensorFlow Hub modules as layers, and their variables in the native BiT."""

import hashlib
import http.server
import os
import shutil
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import hub_modules
import keras
import numpy as np
import pytest
import tensorflow as tf

from covid_keras.models import hub, hub_layer, registry
from covid_keras.models.bit import resnet_v2
from covid_keras.models.create import create_backbone, create_model
from covid_keras.models.weights.load import load_weights
from covid_keras.utils.errors import InputError

KERNEL = "features/resnet.root_block.standardized_conv2d.kernel"
TINY = [
    (KERNEL, True),
    ("features/resnet.group_norm.gamma", True),
    ("features/resnet.group_norm.beta", True),
    ("features/resnet.moving.mean", False),
    ("features/resnet.moving.mean_1", False),
]
IMAGES = np.random.default_rng(1).random((4, 12, 10, 3), dtype=np.float32)
LABELS = np.array([0, 1, 2, 0])


@pytest.fixture(scope="module")
def modules(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("hub")
    hub_modules.write_tiny(folder / "tiny")
    hub_modules.write_tiny(folder / "plain", training=False)
    hub_modules.write_tiny(folder / "fixed", side=16)
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def tiny(modules: Path, **keywords) -> keras.Model:
    """With a head that is not zero, so that a gradient comes through it, compiled."""
    model = create_model(f"hub:{modules / 'tiny'}", classes=3, **keywords)
    kernel = model.get_layer("head").kernel
    kernel.assign(np.random.default_rng(2).standard_normal(kernel.shape))
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(True))
    return model


def moved(model: keras.Model, **fit) -> set[str]:
    """The paths of the weights that change in a fit."""
    before = [weight.numpy() for weight in model.weights]
    model.fit(IMAGES, LABELS, epochs=2, batch_size=2, verbose=0, **fit)
    pairs = zip(model.weights, before, strict=True)
    return {weight.path for weight, old in pairs if np.any(weight.numpy() != old)}


def refused(handle: str | Path, *parts: str, **keywords) -> None:
    with pytest.raises(InputError) as caught:
        create_backbone(f"hub:{handle}", **keywords)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message, message


def python(program: str, *arguments: str | Path, **environment: str) -> str:
    """What a fresh process prints."""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("training", [False, True])
def test_forward_and_statistics_equal_the_module(modules, training):
    module = tf.saved_model.load(str(modules / "tiny"))
    model = create_backbone(f"hub:{modules / 'tiny'}")
    for _ in range(2):  # the second call sees the statistics that the first one moved
        expected = module(IMAGES, training=training)
        np.testing.assert_array_equal(model(IMAGES, training=training), expected)
    for ours, theirs in zip(model.weights, module.variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert model.output.shape == (None, 8)
    assert [(weight.path, weight.trainable) for weight in model.weights] == TINY


def test_a_module_without_the_training_argument_trains(modules):
    model = create_backbone(f"hub:{modules / 'plain'}")
    module = tf.saved_model.load(str(modules / "plain"))
    np.testing.assert_array_equal(model(IMAGES, training=True), module(IMAGES))
    assert len(model.trainable_weights) == 3


@pytest.mark.parametrize("eager", [False, True])
def test_every_variable_gets_a_gradient_and_moves(modules, eager):
    model = tiny(modules)
    assert model.jit_compile is False
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(model(IMAGES, training=True)))
    values = [weight.value for weight in model.trainable_weights]
    for weight, gradient in zip(model.trainable_weights, tape.gradient(loss, values), strict=True):
        assert gradient is not None and np.any(gradient.numpy()), weight.path
    model.run_eagerly = eager
    assert moved(model) == {weight.path for weight in model.weights}


def test_regularization_is_part_of_the_loss(modules):
    model = tiny(modules)
    kernel = model.get_layer("features").weights[0].numpy()
    model(IMAGES)
    (penalty,) = model.losses
    np.testing.assert_allclose(penalty, 0.005 * np.sum(kernel**2), rtol=1e-6)
    logits = model.predict(IMAGES, verbose=0)
    plain = keras.losses.SparseCategoricalCrossentropy(True)(LABELS, logits)
    total = model.evaluate(IMAGES, LABELS, verbose=0)
    np.testing.assert_allclose(total, float(plain) + float(penalty), rtol=1e-5)
    model.get_layer("features").trainable = False
    model(IMAGES)
    assert model.losses == []


def test_frozen_by_setting_and_by_hand(modules):
    by_setting, by_hand = tiny(modules, freeze="backbone"), tiny(modules)
    by_hand.get_layer("features").trainable = False
    by_hand.compile("sgd", "mse")
    module = tf.saved_model.load(str(modules / "tiny"))
    for model in (by_setting, by_hand):
        assert [w.path for w in model.trainable_weights] == ["head/kernel", "head/bias"]
        backbone = keras.Model(model.input, model.get_layer("features").output)
        expected = module(IMAGES, training=False)
        np.testing.assert_array_equal(backbone(IMAGES, training=True), expected)
    assert moved(by_setting) == {"head/kernel", "head/bias"}
    with pytest.raises(InputError, match="takes backbone"):
        tiny(modules, freeze="stage1")


@pytest.mark.slow
def test_save_and_reload_in_a_fresh_process(modules, tmp_path):
    model = tiny(modules)
    moved(model)
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "images.npy", IMAGES)
    program = (
        "import sys, keras, numpy as np\n"
        "import covid_keras.models.create, covid_keras.models.hub_layer\n"
        "model = keras.saving.load_model(sys.argv[1])\n"
        "np.save(sys.argv[3], model(np.load(sys.argv[2])))\n"
        "model.fit(np.load(sys.argv[2]), np.array([0, 1, 2, 0]), verbose=0)"
    )
    files = [tmp_path / name for name in ("model.keras", "images.npy", "logits.npy")]
    python(program, *files)
    np.testing.assert_allclose(np.load(files[2]), model(IMAGES), atol=1e-6)
    fresh = create_model(f"hub:{modules / 'tiny'}", classes=3)
    assert np.abs(np.load(files[2]) - fresh(IMAGES)).max() > 0.1


@pytest.mark.parametrize("name", ["model.keras", "model.weights.h5"])
def test_own_files_load_into_another_head(modules, tmp_path, name):
    trained = tiny(modules)
    moved(trained)
    (trained.save if name.endswith(".keras") else trained.save_weights)(tmp_path / name)
    handle = f"hub:{modules / 'tiny'}"
    fresh = create_model(handle, classes=2, weights=str(tmp_path / name))
    for ours, theirs in zip(fresh.weights[:-2], trained.weights[:-2], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_relative_folder_is_kept_absolute(modules, tmp_path, monkeypatch):
    monkeypatch.chdir(modules)
    model = create_backbone("hub:tiny")
    assert model.get_layer("features").get_config()["handle"] == str(modules / "tiny")


def test_a_moved_module_is_one_clear_error(modules, tmp_path):
    shutil.copytree(modules / "tiny", tmp_path / "here")
    create_backbone(f"hub:{tmp_path / 'here'}").save(tmp_path / "model.keras")
    (tmp_path / "here").rename(tmp_path / "there")
    with pytest.raises(InputError) as caught:
        keras.saving.load_model(tmp_path / "model.keras")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"hub:{tmp_path / 'here'}: the saved model needs this module")
    assert message.endswith(f"put the folder with its saved_model.pb back at {tmp_path / 'here'}")


@pytest.mark.slow
def test_exports_load_with_tensorflow_alone(modules, tmp_path):
    model = tiny(modules)
    moved(model)
    model.export(tmp_path / "model", verbose=False)
    archive = keras.export.ExportArchive()
    archive.track(model)
    spec = tf.TensorSpec((None, None, None, 3), tf.float32)
    archive.add_endpoint("serve", lambda x: tf.nn.softmax(model(x, training=False)), [spec])
    archive.write_out(str(tmp_path / "archive"), verbose=False)
    np.save(tmp_path / "images.npy", IMAGES)
    program = (
        "import sys\n"
        "sys.modules |= {'keras': None, 'covid_keras': None}  # no importing them\n"
        "import numpy as np, tensorflow as tf\n"
        "images = tf.constant(np.load(sys.argv[1]))\n"
        "for folder in sys.argv[2:]:\n"
        "    module = tf.saved_model.load(folder)\n"
        "    np.save(folder + '.npy', module.serve(images))"
    )
    python(program, *(tmp_path / name for name in ("images.npy", "model", "archive")))
    logits = model(IMAGES)
    np.testing.assert_allclose(np.load(tmp_path / "model.npy"), logits, atol=1e-6)
    expected = tf.nn.softmax(logits)
    np.testing.assert_allclose(np.load(tmp_path / "archive.npy"), expected, atol=1e-6)


def test_mixed_precision_keeps_the_module_in_float32(modules):
    expected = create_backbone(f"hub:{modules / 'tiny'}")(IMAGES)
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        model = tiny(modules)
        found = create_backbone(f"hub:{modules / 'tiny'}")(IMAGES)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert found.dtype == tf.float32 and KERNEL in moved(model)
    np.testing.assert_array_equal(found, expected)


FROZEN = {
    "call": "no trainable variables",
    "inference": "no training mode",
    "signature": "no __call__",
}


@pytest.mark.parametrize("kind", FROZEN)
def test_modules_that_cannot_be_trained_stay_frozen_and_say_so(tmp_path, capsys, kind):
    hub_modules.write_frozen(tmp_path / kind, kind)
    model = create_model(f"hub:{tmp_path / kind}", classes=3)
    assert f"stays frozen: the module has {FROZEN[kind]}" in capsys.readouterr().err
    backbone = keras.Model(model.input, model.get_layer("features").output)
    expected = np.repeat(1.5 * IMAGES.mean((1, 2, 3))[:, None], 5, axis=1)
    for training in (False, True):
        np.testing.assert_allclose(backbone(IMAGES, training=training), expected, rtol=1e-5)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(True))
    assert moved(model) == {"head/kernel", "head/bias"}
    assert [weight.path for weight in backbone.weights] == ["features/kernel"]
    model.save(tmp_path / "model.keras")
    twin = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(twin(IMAGES), model(IMAGES))
    model.export(tmp_path / "out", verbose=False)
    exported = tf.saved_model.load(str(tmp_path / "out"))
    np.testing.assert_allclose(exported.serve(IMAGES), model(IMAGES), atol=1e-6)


def test_images_of_another_size_than_the_module_takes(modules):
    refused(modules / "fixed", "takes float32 (None, 16, 16, 3)", "(None, None, None, 3)")
    refused(modules / "fixed", "Received: float32 (None, 8, 16, 3)", input_shape=(8, 16, 3))
    model = create_backbone(f"hub:{modules / 'fixed'}", input_shape=(16, 16, 3))
    assert model(np.zeros((2, 16, 16, 3), "float32")).shape == (2, 8)


def test_modules_of_other_kinds(tmp_path):
    hub_modules.write_frozen(tmp_path / "two", "two")
    refused(tmp_path / "two", "expected a module that gives one vector per image", "again, vector")
    hub_modules.write_tf1(tmp_path / "tf1")
    refused(tmp_path / "tf1", "expected a TF2 SavedModel. Received: one of TF1")
    root = tf.train.Checkpoint(value=tf.Variable(1.0))
    tf.saved_model.save(root, str(tmp_path / "nothing"))
    refused(tmp_path / "nothing", "neither __call__ nor serving_default")
    root.__call__ = tf.function(lambda x: x, input_signature=[tf.TensorSpec((None, 3), tf.int32)])
    tf.saved_model.save(root, str(tmp_path / "numbers"))
    refused(tmp_path / "numbers", "the module takes int32 (None, 3)")
    spec = tf.TensorSpec((None, None, None, 3), tf.float32)
    root.__call__ = tf.function(lambda x: x, input_signature=[spec])
    tf.saved_model.save(root, str(tmp_path / "map"))
    refused(tmp_path / "map", "one vector per image, (B, D). Received: (None, None, None, 3)")


def test_wrong_and_damaged_folders(modules, tmp_path):
    refused(tmp_path, f"{tmp_path}: expected a SavedModel, a folder with saved_model.pb")
    refused(tmp_path / "absent", "no such folder", "https://", "Kaggle")
    shutil.copytree(modules / "tiny", tmp_path / "half")
    graph = (tmp_path / "half" / "saved_model.pb").read_bytes()
    for size in (0, 100, len(graph) // 2):
        (tmp_path / "half" / "saved_model.pb").write_bytes(graph[:size])
        refused(tmp_path / "half", str(tmp_path / "half"))
    (tmp_path / "half" / "saved_model.pb").write_bytes(graph)
    data = tmp_path / "half" / "variables" / "variables.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:50])
    refused(tmp_path / "half", "damaged or half-written")
    shutil.rmtree(tmp_path / "half" / "variables")
    refused(tmp_path / "half", "damaged or half-written")


@pytest.mark.parametrize(
    "handle, address",
    [
        ("http://127.0.0.1:9/google/bit/1", "http://127.0.0.1:9/google/bit/1"),
        (
            "google/bit/tensorFlow2/m-r50x1/1",
            "https://www.kaggle.com/models/google/bit/tensorFlow2/m-r50x1/1",
        ),
    ],
)
def test_without_a_network(cache, handle, address, monkeypatch):
    import tensorflow_hub

    asked = []

    def resolve(address):
        asked.append(address)
        raise OSError("no route")

    monkeypatch.setattr(tensorflow_hub, "resolve", resolve)
    place = cache / hashlib.sha1(address.encode()).hexdigest()
    refused(handle, handle, f"cannot get {address} (no route)", "TFHUB_CACHE_DIR", f"at {place}")
    assert asked == [address]


def test_fetched_into_the_cache_and_found_there(modules, tmp_path, cache):
    """The address answers with an archive, as tfhub.dev and Kaggle do."""
    with tarfile.open(tmp_path / "tiny.tar.gz", "w:gz") as archive:
        archive.add(modules / "tiny", ".")
    content, asked = (tmp_path / "tiny.tar.gz").read_bytes(), []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        handle = f"http://127.0.0.1:{server.server_port}/google/tiny/1"
        model = create_backbone(f"hub:{handle}")
        server.shutdown()
    assert asked == ["/google/tiny/1?tf-hub-format=compressed"]
    assert (cache / hashlib.sha1(handle.encode()).hexdigest() / "saved_model.pb").exists()
    model.save(tmp_path / "model.keras")  # the server is gone now
    twin = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(twin(IMAGES), model(IMAGES))
    shutil.rmtree(cache)
    with pytest.raises(
        InputError, match="needs this module, which is not on this machine; unpack it at"
    ):
        keras.saving.load_model(tmp_path / "model.keras")


def test_another_backend_is_one_clear_error(modules):
    pytest.importorskip("jax", reason="Keras' NumPy backend takes its FFT from jax")
    program = (
        "import sys\n"
        "from covid_keras.utils.errors import InputError\n"
        "from covid_keras.models.create import create_backbone\n"
        "try:\n    create_backbone('hub:' + sys.argv[1])\n"
        "except InputError as error:\n    print(error)"
    )
    said = python(program, modules / "tiny", KERAS_BACKEND="numpy")
    assert "expected KERAS_BACKEND=tensorflow" in said and said.endswith("Received: numpy\n")


def test_the_row(modules):
    row = registry.get("hub:/anywhere")
    assert (row.graph.func, row.preprocessing.name, row.gradcam_layer) == (
        hub.hub_vector,
        "unit",
        "",
    )
    assert row.freezes == ("", "backbone")


def test_names_of_variables():
    names = ["a/b:0", "a/b:0", "a.b_1:0", "a b/c", "a/b"]
    assert hub_layer._variable_names(names) == ["a.b", "a.b_1", "a.b_1_1", "a_b.c", "a.b_2"]


# The same modules into the native graph: weights=FOLDER.


@pytest.fixture(scope="module")
def bit(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bit") / "m-r50x1"
    hub_modules.write_bit(folder)
    return folder


@pytest.fixture(scope="module")
def native() -> keras.Model:
    inputs = keras.Input((None, None, 3))
    return keras.Model(inputs, resnet_v2(inputs, hub_modules.UNITS, 1))


def deeper() -> keras.Model:
    inputs = keras.Input((None, None, 3))
    return keras.Model(inputs, resnet_v2(inputs, (2, 1, 1, 1), 1))


BIT = registry.get("bit_r50x1")


def test_native_bit_equals_the_module(bit, native):
    load_weights(native, bit, BIT)
    images = np.random.default_rng(3).random((2, 65, 96, 3), dtype=np.float32)
    expected = np.asarray(tf.saved_model.load(str(bit))(images))
    found = np.asarray(native(images * 2 - 1)).mean((1, 2))
    assert np.abs(found - expected).max() / np.abs(expected).max() < 1e-4


@pytest.mark.slow
def test_every_variable_of_a_bit_module_gets_a_gradient(bit):
    images = np.random.default_rng(4).random((2, 64, 64, 3), dtype=np.float32)
    layer = create_backbone(f"hub:{bit}")
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(images, training=True))
    weights = [weight for weight in layer.trainable_weights if ".head." not in weight.path]
    gradients = tape.gradient(total, [weight.value for weight in weights])
    for weight, gradient in zip(weights, gradients, strict=True):
        assert gradient is not None and np.any(gradient.numpy()), weight.path


def test_the_module_s_graph_is_not_needed(bit, native, tmp_path):
    shutil.copytree(bit, tmp_path / "graphless")
    (tmp_path / "graphless" / "saved_model.pb").write_bytes(b"")
    for weight in native.weights:
        weight.assign(keras.ops.zeros_like(weight))
    load_weights(native, tmp_path / "graphless" / "saved_model.pb", BIT)  # or the file in it
    with np.load(bit.with_suffix(".npz")) as tensors:
        for layer in native.layers:
            for weight in layer.weights:
                stored = tensors[f"resnet/{layer.name.replace('.', '/')}/{weight.name}"]
                np.testing.assert_array_equal(weight, stored)


def not_loaded(native: keras.Model, source: Path, *parts: str, row=BIT) -> None:
    before = native.get_weights()
    with pytest.raises(InputError) as caught:
        load_weights(native, source, row)
    for part in parts:
        assert part in str(caught.value), str(caught.value)
    assert "\n" not in str(caught.value)
    for old, new in zip(before, native.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_folders_that_do_not_fit(modules, bit, native, tmp_path):
    not_loaded(native, tmp_path, f"{tmp_path}: expected a weights file, or a folder with saved_m")
    not_loaded(native, modules / "tiny", "two variables are called resnet/moving/mean")
    hub_modules.write_frozen(tmp_path / "other", "call")
    not_loaded(native, tmp_path / "other", "not the weights of bit_r50x1", "found no such tensor")
    not_loaded(deeper(), bit, "9 missing, 0 unexpected", "block1/unit02")
    hub_modules.write_tf1(tmp_path / "tf1")
    not_loaded(native, tmp_path / "tf1", "resnet/root_block", "found no such tensor")
    not_loaded(native, bit, "resnet18 takes weights from", row=registry.get("resnet18"))


def test_damaged_folders(bit, native, tmp_path):
    shutil.copytree(bit, tmp_path / "module")
    data = tmp_path / "module" / "variables" / "variables.data-00000-of-00001"
    whole = data.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    for content in (whole[: len(whole) // 2], b"", bytes(flipped)):
        data.write_bytes(content)
        not_loaded(native, tmp_path / "module", "module/saved_model.pb: expected a complete")
    index = data.with_name("variables.index")
    index.write_bytes(index.read_bytes()[:40])
    not_loaded(native, tmp_path / "module", "module/saved_model.pb: expected a complete")
    shutil.rmtree(data.parent)
    not_loaded(native, tmp_path / "module", "module/saved_model.pb: expected a complete")
