"""The input pipeline: which image when, the pixels of each, the cache, broken files and memory."""

import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from made_images import write_labelled

from covid_keras.images.geometry import prepare
from covid_keras.images.read import read_image
from covid_keras.pipeline import batches as numbered
from covid_keras.pipeline import samples as samples_module
from covid_keras.pipeline import tf_data, threads
from covid_keras.pipeline.batches import Batches, evaluation_batches, training_batches
from covid_keras.pipeline.loader import InputWait
from covid_keras.pipeline.samples import Samples
from covid_keras.recipes.config import Input
from covid_keras.utils.errors import InputError

CLASSES = ("a", "b")
SPEC = Input(resize=24, crop=20)
MEMORY = 200
"""MB that 200,000 records may cost."""


def write_records(folder: Path, count: int = 11) -> pd.DataFrame:
    """Noise images of different sizes; every second one has a box; the first pixel tells which."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(count):
        height, width = 30 + number, 44 - number
        image = rng.integers(0, 256, (height, width), np.uint8)
        box = (1, 2, width - 3, height - 4) if number % 2 else (pd.NA,) * 4
        row = {"image": f"{number}.png", "pixels": image, "label": CLASSES[number % 2]}
        rows.append(row | dict(zip(("x0", "y0", "x1", "y1"), box, strict=True)))
    return write_labelled(folder, rows)


@pytest.fixture
def records(tmp_path) -> pd.DataFrame:
    return write_records(tmp_path)


@pytest.fixture
def samples(tmp_path, records) -> Samples:
    return Samples(records, tmp_path, CLASSES, **SPEC.geometry(SPEC.resize))


@pytest.fixture
def decoded(monkeypatch) -> list[str]:
    """Names of the files that are decoded, as they are."""
    names = []

    def read(path, **settings):
        names.append(path.name)
        return read_image(path, **settings)

    monkeypatch.setattr(samples_module, "read_image", read)
    return names


def indices_of(samples: Samples, images: np.ndarray) -> list[int]:
    """Which slice each image of a batch is, found by its pixels."""
    known = {samples.read(index).tobytes(): index for index in range(len(samples))}
    assert len(known) == len(samples)
    return [known[image.tobytes()] for image in images]


@pytest.fixture(params=[tf_data, threads], ids=["tf.data", "threads"])
def loader(request):
    """Each of the two loaders, with three threads."""
    return request.param.Loader(3)


def collect(batches: Batches, loader=None) -> tuple[np.ndarray, np.ndarray]:
    """All images and labels, read by one of the two loaders."""
    read = list(each((loader or tf_data.Loader(3)).stream(batches)))
    return tuple(np.concatenate([batch[key] for batch in read]) for key in ("image", "label"))


def each(batches):
    if hasattr(batches, "as_numpy_iterator"):
        return batches.as_numpy_iterator()
    return (batch for (batch,) in batches)


@pytest.mark.parametrize(("images", "batch"), [(11, 4), (12, 4), (5, 5), (7, 1)])
def test_every_epoch_is_a_permutation_and_batches_cross_its_border(images, batch):
    steps = 3 * images
    batches = [numbered.training_indices(images, batch, 3, step) for step in range(steps)]
    assert {len(indices) for indices in batches} == {batch}
    epochs = np.concatenate(batches).reshape(-1, images)
    assert len(epochs) == 3 * batch
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), np.arange(images))
    assert images == 1 or (epochs[0] != epochs[1]).any()


def test_batches_from_any_step_are_the_tail_of_the_whole(samples, loader):
    whole, _ = collect(training_batches(samples, batch=4, steps=30, seed=3), loader)
    for start in (1, 2, 3, 11, 29):
        tail, _ = collect(training_batches(samples, batch=4, steps=30, seed=3, start=start), loader)
        np.testing.assert_array_equal(tail, whole[4 * start :])


def test_a_batch_is_the_same_whatever_was_asked_for_before():
    backwards = [numbered.training_indices(11, 4, 3, step) for step in range(29, -1, -1)]
    numbered.epoch_order.cache_clear()
    forwards = [numbered.training_indices(11, 4, 3, step) for step in range(30)]
    np.testing.assert_array_equal(forwards, backwards[::-1])


def test_the_seed_decides_the_order():
    one, same, other = (
        np.concatenate([numbered.training_indices(50, 10, seed, step) for step in range(5)])
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_balanced_batches_have_as_many_of_each_class():
    labels = np.repeat([0, 1, 2], (40, 7, 90))
    batches = [numbered.balanced_indices(labels, 12, 3, step) for step in range(70)]
    for batch in batches:
        assert np.bincount(labels[batch]).tolist() == [4, 4, 4]
    seen = np.bincount(np.concatenate(batches), minlength=len(labels))
    for label in range(3):
        assert np.ptp(seen[labels == label]) <= 1, "all images of a class are seen equally often"
    places = [tuple(labels[batch]) for batch in batches]
    assert len(set(places)) > 50, "the classes lie mixed in the batch, as mixup needs"
    again = [numbered.balanced_indices(labels, 12, 3, step) for step in reversed(range(70))]
    np.testing.assert_array_equal(batches, again[::-1])
    assert (numbered.balanced_indices(labels, 12, 4, 0) != batches[0]).any()


def test_balanced_dataset_and_a_batch_that_cannot_be(samples):
    classes = len(np.unique(samples.labels))
    batches = training_batches(samples, batch=2 * classes, steps=3, seed=0, balance=True)
    for number in batches.numbers:
        assert np.bincount(batches.read(number)["label"]).tolist() == [2] * classes
    with pytest.raises(InputError, match=r"multiple of .* classes"):
        training_batches(samples, batch=2 * classes + 1, steps=3, seed=0, balance=True)


def test_training_yields_the_order_with_the_labels(samples, loader):
    images, labels = collect(training_batches(samples, batch=4, steps=9, seed=5, start=2), loader)
    expected = np.concatenate([numbered.training_indices(11, 4, 5, step) for step in range(2, 9)])
    assert images.shape == (28, 24, 24, 1) and images.dtype == np.uint8
    assert labels.dtype == np.int32
    assert indices_of(samples, images) == expected.tolist()
    np.testing.assert_array_equal(labels, expected % 2)


@pytest.mark.parametrize("batch", [1, 4, 11, 16])
def test_evaluation_yields_each_image_once_in_order(samples, batch, loader):
    batches = evaluation_batches(samples, batch)
    assert tf_data.Loader(3).dataset(batches).cardinality() == len(
        threads.Loader(3).dataset(batches)
    )
    assert len(batches.numbers) == -(-11 // batch)
    images, labels = collect(batches, loader)
    assert indices_of(samples, images) == list(range(11))
    np.testing.assert_array_equal(labels, np.arange(11) % 2)


def test_the_last_batch_can_be_filled_up(samples, loader):
    images, labels = collect(evaluation_batches(samples, 4, fill=True), loader)
    assert indices_of(samples, images) == [*range(11), 10]
    assert len(labels) == 12


@pytest.mark.parametrize("batch", [1, 4, 11])
def test_both_loaders_give_the_same_again_and_again(samples, batch):
    batches = evaluation_batches(samples, batch)
    passes = tf_data.Loader(3).dataset(batches), threads.Loader(3).dataset(batches)
    for _ in range(2):
        ours = [passes[1][index] for index in range(len(passes[1]))]
        for theirs, batch_ in zip(passes[0].as_numpy_iterator(), ours, strict=True):
            for key in ("image", "label"):
                np.testing.assert_array_equal(theirs[key], batch_[key])
                assert theirs[key].dtype == batch_[key].dtype
    image = next(tf_data.Loader(3).images(batches).as_numpy_iterator())
    np.testing.assert_array_equal(image, threads.Loader(3).images(batches)[0][0])


def test_the_end_of_a_pass_waits_for_no_tuning_thread(samples):
    """tf.data's own tuner sleeps ever longer, and an iterator's end waits until it wakes."""
    dataset = tf_data.Loader(3).dataset(evaluation_batches(samples, 4))
    assert dataset.options().autotune.enabled is False


def test_a_stream_that_is_left_reads_no_further(samples, decoded):
    stream = threads.Loader(1).stream(training_batches(samples, batch=1, steps=500, seed=0))
    next(stream)
    stream.close()
    time.sleep(0.2)
    assert len(decoded) <= 3 + threads.PREFETCH


def test_waiting_is_the_time_without_the_batch(monkeypatch):
    waits, clock = InputWait(), iter([13.0, 11.0, 30.0, 9.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    for number in range(4):
        waits.note(number)
    seconds = [waits.waited(number, since=10.0, until=20.0) for number in range(5)]
    assert seconds == [3.0, 1.0, 10.0, 0.0, 0.0]
    assert waits.waited(0, since=10.0, until=20.0) == 0.0, "a batch is waited for once"


def test_an_unknown_label_is_minus_one(tmp_path, records):
    records.loc[3, "label"] = ""
    samples = Samples(records, tmp_path, CLASSES, **SPEC.geometry(SPEC.crop))
    assert samples.labels.tolist() == [0, 1, 0, -1, 0, 1, 0, 1, 0, 1, 0]


@pytest.mark.parametrize("size", [SPEC.resize, SPEC.crop])
@pytest.mark.parametrize("box", ["annotated", "body", "none"])
def test_pixels_are_those_of_the_reader_and_the_geometry(tmp_path, records, box, size):
    spec = Input(resize=24, crop=20, box=box)
    images, _ = collect(
        evaluation_batches(Samples(records, tmp_path, CLASSES, **spec.geometry(size)), 4)
    )
    for image, row in zip(images, records.itertuples(), strict=True):
        corners = None if row.x0 is pd.NA else (row.x0, row.y0, row.x1, row.y1)
        expected = prepare(
            read_image(tmp_path / row.image), corners, crop_to=box, fit=spec.fit, size=(size, size)
        )
        np.testing.assert_array_equal(image[..., 0], expected)


def test_cache_gives_equal_pixels_and_decodes_each_image_once(tmp_path, records, decoded):
    plain, _ = collect(
        evaluation_batches(Samples(records, tmp_path, CLASSES, **SPEC.geometry(24)), 4)
    )
    decoded.clear()
    cache = str(tmp_path / "cache")
    for _ in range(3):
        samples = Samples(records, tmp_path, CLASSES, **SPEC.geometry(24), cache=cache)
        images, _ = collect(evaluation_batches(samples, 4))
        np.testing.assert_array_equal(images, plain)
    assert sorted(decoded) == sorted(records["image"])


def test_samples_that_are_read_many_times_are_decoded_once_while_they_fit(
    tmp_path, records, decoded, monkeypatch
):
    given = (records, tmp_path, CLASSES), SPEC.geometry(24) | {"repeated": True}
    plain, _ = collect(evaluation_batches(Samples(*given[0], **SPEC.geometry(24)), 4))
    decoded.clear()
    samples = Samples(*given[0], **given[1])
    for _ in range(3):
        images, _ = collect(evaluation_batches(samples, 4))
        np.testing.assert_array_equal(images, plain)
    assert sorted(decoded) == sorted(records["image"])
    monkeypatch.setattr("covid_keras.pipeline.samples.IN_MEMORY", 24 * 24)
    samples = Samples(*given[0], **given[1])
    decoded.clear()
    for _ in range(2):
        collect(evaluation_batches(samples, 4))
    assert len(decoded) == 2 * len(records)


def test_cache_of_other_images_or_geometry_is_not_used(tmp_path, records, decoded):
    cache = str(tmp_path / "cache")
    moved = records.copy()
    moved.loc[1, "x0"] += 1
    sources = [
        Samples(records, tmp_path, CLASSES, **SPEC.geometry(24), cache=cache),
        Samples(records, tmp_path, CLASSES, **SPEC.geometry(20), cache=cache),
        Samples(
            records,
            tmp_path,
            CLASSES,
            **Input(resize=24, crop=20, box="none").geometry(24),
            cache=cache,
        ),
        Samples(moved, tmp_path, CLASSES, **SPEC.geometry(24), cache=cache),
        Samples(records.iloc[::-1], tmp_path, CLASSES, **SPEC.geometry(24), cache=cache),
    ]
    for number, source in enumerate(sources, 1):
        collect(evaluation_batches(source, 4))
        assert len(decoded) == 11 * number


def test_cache_of_an_image_that_was_replaced_is_not_used(tmp_path, records, decoded):
    cache = str(tmp_path / "cache")
    before = Samples(records, tmp_path, CLASSES, **SPEC.geometry(24), cache=cache).read(0)
    path = tmp_path / records["image"].iloc[0]
    image = read_image(path)
    path.write_bytes(cv2.imencode(".png", 255 - image)[1].tobytes())
    after = Samples(records, tmp_path, CLASSES, **SPEC.geometry(24), cache=cache).read(0)
    assert (before != after).any()


def test_cache_on_a_full_disk_names_its_folder(tmp_path, records, monkeypatch):
    cache = str(tmp_path / "cache")
    samples = Samples(records, tmp_path, CLASSES, **SPEC.geometry(24), cache=cache)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.pwrite", full)
    with pytest.raises(InputError, match=rf"{cache}.*No space left on device"):
        samples.read(0)


def test_a_batch_of_the_whole_data_set(samples):
    images, _ = collect(training_batches(samples, batch=11, steps=1, seed=0))
    assert sorted(indices_of(samples, images)) == list(range(11))


@pytest.mark.parametrize("kind", ["training", "evaluation"])
def test_a_broken_image_is_named(tmp_path, samples, kind, loader):
    broken = tmp_path / "7.png"
    broken.write_bytes(broken.read_bytes()[:-30])
    batches = {
        "training": lambda: training_batches(samples, batch=4, steps=9, seed=0),
        "evaluation": lambda: evaluation_batches(samples, 4),
    }[kind]()
    with pytest.raises(InputError, match=rf"^{broken}: truncated"), loader:
        collect(batches, loader)


def test_other_errors_stay_what_they_are(samples, loader):
    samples.read = lambda index: 1 / 0
    with pytest.raises(Exception, match=r"(?i)zero") as caught, loader:
        collect(evaluation_batches(samples, 4), loader)
    assert not isinstance(caught.value, InputError)


PEAK = r"""
import re, sys
from pathlib import Path
import pandas as pd
from covid_keras.pipeline import tf_data, threads
from covid_keras.pipeline.batches import training_batches
from covid_keras.pipeline.samples import Samples
from covid_keras.recipes.config import Input

loader = {"tf_data": tf_data, "threads": threads}[sys.argv[3]].Loader(2)
count, folder = int(sys.argv[1]), Path(sys.argv[2])
records = pd.read_pickle(folder / "records.pkl")
records = records.iloc[[n % len(records) for n in range(count)]]
samples = Samples(records, folder, ("a", "b"), **Input().geometry(256))
for _ in loader.stream(training_batches(samples, batch=64, steps=30, seed=0)):
    pass
print(int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's VmHWM")
def test_memory_does_not_grow_with_the_number_of_images(tmp_path, records, loader):
    records.to_pickle(tmp_path / "records.pkl")
    name = type(loader).__module__.rsplit(".", 1)[-1]
    small, large = (
        float(subprocess.check_output([sys.executable, "-c", PEAK, str(count), tmp_path, name]))
        for count in (2_000, 200_000)
    )
    assert small > 100
    assert large - small < MEMORY


def test_levels_of_the_recipe_reach_the_pixels_and_the_cache(tmp_path):
    ramp = np.linspace(0, 4095, 30 * 30).astype(np.uint16).reshape(30, 30)
    records = write_labelled(tmp_path, [{"image": "a.png", "pixels": ramp, "label": "a"}])
    cache, brightest = str(tmp_path / "cache"), []
    for levels in ((0, 65535), (0, 4095)):
        spec = Input(resize=24, crop=20, box="none", levels=levels)
        samples = Samples(records, tmp_path, CLASSES, **spec.geometry(24), cache=cache)
        brightest.append(int(samples.read(0).max()))
    assert brightest[0] == 15 and brightest[1] > 250
