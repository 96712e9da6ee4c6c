"""Crop, body crop, canvas and resize, and their twins in the exported graph, pixel by pixel."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from covid_keras.export import graph
from covid_keras.images import geometry
from covid_keras.images.read import read_image
from covid_keras.recipes.config import Input, height_width
from covid_keras.utils.errors import InputError

REAL = ("covid19_ct", "sars_cov2_ct", "darkcovid_xray", "covid_ct_lesions", "ct_volume_example")


def prepared(image: np.ndarray, box, spec: Input, size) -> np.ndarray:
    return geometry.prepare(image, box, crop_to=spec.box, fit=spec.fit, size=height_width(size))


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)


def body_on_air(height: int, width: int, box: tuple[int, int, int, int]) -> np.ndarray:
    """A bright ellipse that touches the four sides of `box`, on dark noise."""
    x0, y0, x1, y1 = box
    image = noise(height, width) // 10
    centre, axes = ((x0 + x1 - 1) // 2, (y0 + y1 - 1) // 2), ((x1 - x0) // 2, (y1 - y0) // 2)
    return cv2.ellipse(image, centre, axes, 0, 0, 360, 200, -1)


def test_crop_is_half_open_and_refuses_a_box_outside():
    image = noise(10, 12)
    np.testing.assert_array_equal(geometry.crop(image, (2, 3, 12, 10)), image[3:10, 2:12])
    for box in ((-1, 0, 5, 5), (0, 0, 13, 5), (0, 0, 5, 11), (5, 0, 5, 5), (6, 0, 5, 5)):
        with pytest.raises(InputError, match=r"box outside the image: expected 0 <= x0 < x1 <= 12"):
            geometry.crop(image, box)


def test_resize_is_bilinear_without_aliasing():
    """A fine checkerboard must become grey, not stripes, at every reduction."""
    board = (np.indices((256, 256)).sum(axis=0) % 2 * 255).astype(np.uint8)
    for size in (128, 100, 64, 50, 31):
        small = geometry.resize(board, size, size)
        assert small.shape == (size, size)
        assert np.abs(small.astype(int) - 128).max() <= 15
    ramp = np.tile(np.arange(0, 250, 2, dtype=np.uint8), (125, 1))
    up = geometry.resize(ramp, 250, 250)
    assert (np.diff(up.astype(int), axis=1) >= 0).all()
    assert up.mean() == pytest.approx(ramp.mean(), abs=0.5)


def test_canvas_keeps_the_aspect_ratio_and_shows_everything():
    image = np.full((100, 300), 200, np.uint8)
    canvas = geometry.place_on_canvas(image, 96, 96)
    rows, columns = np.flatnonzero(canvas.any(axis=1)), np.flatnonzero(canvas.any(axis=0))
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (32, 63, 0, 95)
    assert (canvas[rows] == 200).all()
    assert geometry.place_on_canvas(noise(1, 500), 32, 32).any(axis=1).sum() == 1


@pytest.mark.parametrize(
    "shape, box", [((512, 512), (40, 80, 480, 430)), ((64, 96), (8, 6, 90, 60))]
)
def test_body_box_finds_the_body(shape, box):
    found = geometry.body_box(body_on_air(*shape, box))
    factor = -(-max(shape) // geometry.THUMBNAIL)
    assert np.abs(np.subtract(found, box)).max() <= 2 * factor


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((50, 60), np.uint8),
        np.full((50, 60), 255, np.uint8),
        noise(300, 200),
        noise(1, 1),
        noise(2, 900),
        cv2.circle(np.zeros((200, 200), np.uint8), (100, 100), 20, 255, -1),
        np.kron(np.eye(2, dtype=np.uint8) * 255, np.ones((50, 50), np.uint8)).astype(np.uint8)[
            :, ::-1
        ],
    ],
    ids=["black", "white", "noise", "one pixel", "line", "small spot", "two halves"],
)
def test_body_box_keeps_the_whole_image_where_a_crop_would_be_a_guess(image):
    x0, y0, x1, y1 = geometry.body_box(image)
    height, width = image.shape
    assert 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height
    foreground = image > geometry.otsu_threshold(image)
    kept = foreground[y0:y1, x0:x1].sum()
    assert (x0, y0, x1, y1) == (0, 0, width, height) or kept >= 0.9 * foreground.sum()


def test_otsu_equals_opencv():
    for seed in range(20):
        image = cv2.GaussianBlur(body_on_air(90, 110, (10, 20, 80, 70)), (7, 7), seed + 1)
        image = cv2.add(image, noise(90, 110, seed) // 8)
        expected, _ = cv2.threshold(image, 0, 255, cv2.THRESH_OTSU)
        assert geometry.otsu_threshold(image) == expected


def test_body_box_on_the_phantom_is_never_worse_than_the_whole_image(tmp_path):
    from covid_keras.datasets.records import load_records
    from covid_keras.phantom import make_phantom

    root = make_phantom(tmp_path / "phantom", patients=15, slices=1)
    records = load_records("phantom-ct", root)
    gains = []
    for record in records.itertuples():
        image = read_image(root / record.image)
        true = (record.x0, record.y0, record.x1, record.y1)
        height, width = image.shape
        found = geometry.body_box(image)
        gains.append(overlap(found, true) - overlap((0, 0, width, height), true))
    assert min(gains) >= 0
    assert np.mean(gains) > 0.1


def overlap(one, other) -> float:
    """Intersection over union of two boxes."""
    width = max(0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (one, other)]
    return width * height / (sum(areas) - width * height)


@pytest.mark.parametrize("box", ["annotated", "body", "none"])
def test_prepare_uses_the_box_that_the_recipe_names(box):
    image = body_on_air(200, 240, (30, 20, 200, 180))
    annotated = (50, 50, 150, 150)
    spec = Input(resize=64, crop=48, box=box)
    region = {"annotated": annotated, "body": geometry.body_box(image), "none": (0, 0, 240, 200)}
    expected = geometry.resize(geometry.crop(image, region[box]), 64, 64)
    np.testing.assert_array_equal(prepared(image, annotated, spec, 64), expected)
    if box == "annotated":
        without = prepared(image, None, spec, 64)
        np.testing.assert_array_equal(without, prepared(image, None, Input(64, 48, "body"), 64))


def test_graph_resizes_as_opencv_does():
    rng = np.random.default_rng(0)
    twin = tf.function(
        graph.resize,
        input_signature=[tf.TensorSpec([None, None], tf.uint8)] + [tf.TensorSpec([], tf.int32)] * 2,
    )
    for seed in range(150):
        height, width, rows, columns = rng.integers(1, 260, 4).tolist()
        image = noise(height, width, seed)
        expected = geometry.resize(image, rows, columns)
        np.testing.assert_array_equal(twin(image, rows, columns), expected)


def test_graph_finds_the_same_regions_as_opencv():
    rng = np.random.default_rng(0)
    for _ in range(30):
        field = rng.normal(size=tuple(rng.integers(5, 90, 2).tolist())).astype(np.float32)
        mask = cv2.GaussianBlur(field, (9, 9), 2) > 0
        if not mask.any():
            continue
        _, labels, stats, _ = cv2.connectedComponentsWithStats(
            mask.astype(np.uint8), connectivity=8
        )
        largest = 1 + np.argmax(stats[1:, cv2.CC_STAT_AREA])
        np.testing.assert_array_equal(graph.largest_region(mask), labels == largest)


@pytest.mark.parametrize("shape", [(40, 60), (300, 200), (2, 900)])
@pytest.mark.parametrize("spot", [False, True])
def test_graph_keeps_an_image_without_a_body(shape, spot):
    image = np.full(shape, 90, np.uint8)
    image[: shape[0] // 9, : shape[1] // 9] += 100 * spot
    assert geometry.body_box(image) == (0, 0, *shape[::-1])
    np.testing.assert_array_equal(graph.crop_body(tf.constant(image)), image)


SPECS = [
    Input(resize=112, crop=96, box="body"),
    Input(resize=(280, 380), crop=(253, 349), box="none", fit="canvas"),
    Input(resize=512, crop=480, box="annotated"),
]


@pytest.mark.slow
@pytest.mark.parametrize("spec", SPECS, ids=["body", "canvas", "large"])
def test_graph_prepares_real_images_bit_for_bit(shared_data, spec):
    compare(real_images(shared_data)[::60], spec)


@pytest.mark.slow
@pytest.mark.parametrize("spec", SPECS[:2], ids=["body", "canvas"])
def test_graph_prepares_every_real_image_bit_for_bit(shared_data, spec):
    compare(real_images(shared_data), spec)


def real_images(shared_data) -> list:
    files = [file for name in REAL for file in sorted((shared_data / name).rglob("*"))]
    return [file for file in files if file.suffix.lower() in (".png", ".jpg", ".jpeg")]


def compare(files: list, spec: Input) -> None:
    assert files
    twin = tf.function(
        lambda image: graph.prepare(image, spec), input_signature=[tf.TensorSpec([], tf.string)]
    )
    for file in files:
        expected = prepared(read_image(file), None, spec, spec.crop)
        found = twin(file.read_bytes()).numpy()[..., 0]
        np.testing.assert_array_equal(found, expected, err_msg=str(file))


@pytest.mark.parametrize("fit", ["stretch", "canvas"])
@pytest.mark.parametrize("size", [(64, 64), (50, 80), (300, 280)])
@pytest.mark.parametrize("box", [None, (31, 20, 181, 203)])
@pytest.mark.parametrize("shape", [(211, 307), (256, 256), (999, 400)])
def test_a_dot_comes_back_to_where_it_was(shape, box, size, fit):
    """To within a third of a sample's pixel, at the middle and near the edges of what is seen."""
    x0, y0, x1, y1 = box or (0, 0, shape[1], shape[0])
    for across, down in ((0.5, 0.5), (0.06, 0.1), (0.93, 0.95), (0.2, 0.9)):
        x, y = int(x0 + across * (x1 - x0)), int(y0 + down * (y1 - y0))
        image = np.zeros(shape, np.uint8)
        image[max(0, y - 4) : y + 5, max(0, x - 4) : x + 5] = 255
        sample = geometry.fit_to(image, box, fit, size)
        found = geometry.undo_fit(sample.astype(np.float32), box, fit, shape)
        assert found.shape == shape and found.dtype == np.float32
        inside = np.zeros(shape, bool)
        inside[y0:y1, x0:x1] = True
        assert (found[~inside] == 0).all()
        rows, columns = np.indices(shape)
        centre = [(found * each).sum() / found.sum() for each in (rows, columns)]
        steps = (y1 - y0) / size[0], (x1 - x0) / size[1]
        step = max(1, *steps)
        assert np.abs(np.subtract(centre, (y, x))).max() <= 0.3 * step
        assert found[y, x] > 0.5 * found.max()


def test_values_come_back_to_the_pixel_where_nothing_is_resized():
    values = np.random.default_rng(0).random((40, 30), np.float32)
    np.testing.assert_array_equal(geometry.undo_fit(values, None, "stretch", (40, 30)), values)
    placed = geometry.undo_fit(values, (5, 7, 35, 47), "stretch", (50, 60))
    np.testing.assert_array_equal(placed[7:47, 5:35], values)
    assert placed.sum() == pytest.approx(values.sum())
