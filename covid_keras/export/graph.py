"""Reading and geometry of `covid_keras.images` in TensorFlow operations, bit for bit.

Every function here names its counterpart; the tests compare their pixels.
"""

import tensorflow as tf

from covid_keras.images.geometry import BODY_AREA, BODY_FOREGROUND, THUMBNAIL
from covid_keras.images.read import ALL_LEVELS, grey_table
from covid_keras.recipes.config import Input, height_width


def prepare(image_bytes: tf.Tensor, spec: Input) -> tf.Tensor:
    """Repeat `geometry.prepare` without a box: encoded PNG or JPEG to uint8 (h, w, 1)."""
    image = decode(image_bytes, spec.levels)
    if spec.box != "none":
        image = crop_body(image)
    fit = place_on_canvas if spec.fit == "canvas" else resize
    size = height_width(spec.crop)
    return tf.ensure_shape(fit(image, *size), size)[..., None]


def decode(image_bytes: tf.Tensor, levels: tuple[int, int] = ALL_LEVELS) -> tf.Tensor:
    """Repeat `read.read_image` for PNG and JPEG: a string scalar to uint8 (H, W)."""

    def deep() -> tf.Tensor:
        values = tf.io.decode_png(image_bytes, dtype=tf.uint16)
        return tf.gather(grey_table(levels), tf.cast(values, tf.int32))

    bits = tf.strings.substr(image_bytes, 24, 1)  # of a PNG
    pixels = tf.cond(
        tf.image.is_jpeg(image_bytes),
        lambda: tf.io.decode_jpeg(image_bytes, dct_method="INTEGER_ACCURATE"),
        lambda: tf.cond(bits == b"\x10", deep, lambda: tf.io.decode_png(image_bytes)),
    )
    pixels.set_shape((None, None, None))

    def grey() -> tf.Tensor:  # OpenCV's integer grey of RGB; alpha is ignored
        weighted = tf.cast(pixels[..., :3], tf.int32) * (9798, 19235, 3735)
        return tf.cast((tf.reduce_sum(weighted, -1) + 16384) // 32768, tf.uint8)

    return tf.cond(tf.shape(pixels)[2] >= 3, grey, lambda: pixels[..., 0])


def resize(image: tf.Tensor, height: tf.Tensor | int, width: tf.Tensor | int) -> tf.Tensor:
    """Repeat `geometry.resize`: uint8 (H, W) to uint8 (height, width)."""
    size = tf.shape(image)
    image = shrink(image, tf.maximum(1, size[0] // height), tf.maximum(1, size[1] // width))
    pixels = tf.cast(image, tf.int32)
    # OpenCV's INTER_LINEAR_EXACT: weights of 8 bits, sums of 16, rounded half up.
    for axis, target, shape in ((1, width, [-1]), (0, height, [-1, 1])):
        source = tf.shape(image)[axis]
        scale = 1 / (tf.cast(target, tf.float64) / tf.cast(source, tf.float64))
        place = scale * (tf.cast(tf.range(target), tf.float64) + 0.5) - 0.5
        first = tf.cast(tf.floor(place), tf.int32)
        weight = tf.cast(tf.round((place - tf.floor(place)) * 256), tf.int32)
        weight = tf.where((first < 0) | (first >= source - 1), 0, weight)
        weight, first = tf.reshape(weight, shape), tf.clip_by_value(first, 0, source - 1)
        second = tf.gather(pixels, tf.minimum(first + 1, source - 1), axis=axis)
        pixels = tf.gather(pixels, first, axis=axis) * (256 - weight) + second * weight
    return tf.cast((pixels + 32768) // 65536, tf.uint8)


def shrink(image: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """Repeat `geometry.shrink`: OpenCV's INTER_AREA by whole factors, with its two roundings."""
    size = tf.shape(image)
    height, width = size[0] // rows, size[1] // columns
    top, left = (size[0] - height * rows) // 2, (size[1] - width * columns) // 2
    image = image[top : top + height * rows, left : left + width * columns]
    boxes = tf.reshape(tf.cast(image, tf.int32), [height, rows, width, columns])
    sums = tf.reduce_sum(boxes, axis=[1, 3])
    share = tf.cast(1 / tf.cast(rows * columns, tf.float64), tf.float32)
    means = tf.cast(tf.round(tf.cast(sums, tf.float32) * share), tf.int32)
    halves_up = tf.logical_and(rows == 2, columns == 2)
    return tf.cast(tf.where(halves_up, (sums + 2) // 4, means), tf.uint8)


def place_on_canvas(image: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Repeat `geometry.place_on_canvas`: uint8 (H, W) to uint8 (height, width)."""
    size = tf.cast(tf.shape(image), tf.float64)
    scale = tf.minimum(height / size[0], width / size[1])
    rows = tf.clip_by_value(tf.cast(size[0] * scale + 0.5, tf.int32), 1, height)
    columns = tf.clip_by_value(tf.cast(size[1] * scale + 0.5, tf.int32), 1, width)
    top, left = (height - rows) // 2, (width - columns) // 2
    placed = resize(image, rows, columns)[..., None]
    return tf.image.pad_to_bounding_box(placed, top, left, height, width)[..., 0]


def crop_body(image: tf.Tensor) -> tf.Tensor:
    """Repeat `geometry.crop` to `geometry.body_box`."""
    size = tf.shape(image)
    factor = tf.maximum(1, -(-tf.reduce_max(size) // THUMBNAIL))

    def cropped() -> tf.Tensor:
        thumbnail = shrink(image, factor, factor)
        mask = tf.cast(thumbnail, tf.int32) > otsu_threshold(thumbnail)
        region = largest_region(mask) | ~tf.reduce_any(mask)  # everything if nothing is bright
        places, cells = tf.cast(tf.where(region), tf.int32), tf.shape(mask)
        start, end = tf.reduce_min(places, 0), tf.reduce_max(places, 0) + 1
        inside = mask[start[0] : end[0], start[1] : end[1]]
        bright, all_bright = (tf.math.count_nonzero(m, dtype=tf.float64) for m in (inside, mask))
        area, all_area = (tf.cast(tf.size(m), tf.float64) for m in (inside, mask))
        plausible = (area >= BODY_AREA * all_area) & (bright >= BODY_FOREGROUND * all_bright)
        margin = (size - cells * factor) // 2
        y0, x0 = tf.unstack(tf.where(start == 0, 0, margin + start * factor))
        y1, x1 = tf.unstack(tf.where(end == cells, size, margin + end * factor))
        return tf.cond(plausible, lambda: image[y0:y1, x0:x1], lambda: image)

    return tf.cond(factor > tf.reduce_min(size), lambda: image, cropped)


def otsu_threshold(image: tf.Tensor) -> tf.Tensor:
    """Repeat `geometry.otsu_threshold`: uint8 pixels to an int32 scalar."""
    pixels = tf.cast(tf.reshape(image, [-1]), tf.int32)
    counts = tf.cast(tf.math.bincount(pixels, minlength=256, maxlength=256), tf.float64)
    below = tf.cumsum(counts)
    moment = tf.cumsum(counts * tf.range(256, dtype=tf.float64))
    above = below[-1] - below
    spread = (moment * below[-1] - moment[-1] * below) ** 2
    return tf.argmax(spread / tf.maximum(below * above, 1), output_type=tf.int32)


def largest_region(mask: tf.Tensor) -> tf.Tensor:
    """Return the largest 8-connected region of a boolean mask (h, w), as a mask.

    Every pixel takes the highest number among its neighbours until nothing changes; then all
    pixels of a region carry the same number.
    """
    size = tf.shape(mask)
    here = tf.cast(mask, tf.float32)[None, ..., None]
    numbers = tf.range(size[0] * size[1], 0, -1)

    def spread(labels: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        wider = labels
        for _ in range(8):
            wider = tf.nn.max_pool2d(wider, 3, 1, "SAME") * here
        return wider, tf.reduce_any(wider != labels)

    start = tf.cast(tf.reshape(numbers, tf.shape(here)), tf.float32) * here
    labels, _ = tf.while_loop(lambda _, changed: changed, spread, (start, tf.constant(True)))
    labels = tf.cast(labels[0, ..., 0], tf.int32)
    areas = tf.math.bincount(tf.boolean_mask(labels, mask), minlength=1)
    return mask & (labels == tf.argmax(areas, output_type=tf.int32))
