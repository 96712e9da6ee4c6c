"""Reading and geometry of `covid_keras.images` in TensorFlow operations, bit for bit.

The SavedModel does in a graph what `read.read_image` and `geometry.prepare` do with OpenCV. Every
function here names its counterpart; the tests compare their pixels.
"""

import tensorflow as tf

from covid_keras.images.geometry import BODY_AREA, BODY_FOREGROUND, THUMBNAIL
from covid_keras.recipes.config import Input, height_width


def prepare(image_bytes: tf.Tensor, spec: Input) -> tf.Tensor:
    """Repeat `geometry.prepare` without a box: encoded PNG or JPEG to uint8 (h, w, 1)."""
    image = decode(image_bytes)
    if spec.box != "none":
        image = crop_body(image)
    fit = place_on_canvas if spec.fit == "canvas" else resize
    size = height_width(spec.crop)
    return tf.ensure_shape(fit(image, *size), size)[..., None]


def decode(image_bytes: tf.Tensor) -> tf.Tensor:
    """Repeat `read.read_image` for PNG and JPEG: a string scalar to uint8 (H, W)."""
    pixels = tf.cond(
        tf.image.is_jpeg(image_bytes),
        lambda: tf.io.decode_jpeg(image_bytes, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_png(image_bytes),
    )
    pixels.set_shape((None, None, None))
    return tf.cond(tf.shape(pixels)[2] >= 3, lambda: _grey(pixels), lambda: pixels[..., 0])


def _grey(pixels: tf.Tensor) -> tf.Tensor:
    """Repeat OpenCV's integer grey of RGB; alpha is ignored."""
    red, green, blue = tf.unstack(tf.cast(pixels[..., :3], tf.int32), num=3, axis=-1)
    return tf.cast((3735 * blue + 19235 * green + 9798 * red + 16384) // 32768, tf.uint8)


def resize(image: tf.Tensor, height: tf.Tensor | int, width: tf.Tensor | int) -> tf.Tensor:
    """Repeat `geometry.resize`: uint8 (H, W) to uint8 (height, width)."""
    size = tf.shape(image)
    image = shrink(image, tf.maximum(1, size[0] // height), tf.maximum(1, size[1] // width))
    return _bilinear(image, height, width)


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
    margins = [[top, height - rows - top], [left, width - columns - left]]
    return tf.pad(resize(image, rows, columns), margins)


def crop_body(image: tf.Tensor) -> tf.Tensor:
    """Repeat `geometry.crop` to `geometry.body_box`."""
    size = tf.shape(image)
    factor = tf.maximum(1, -(-tf.reduce_max(size) // THUMBNAIL))

    def cropped() -> tf.Tensor:
        y0, y1, x0, x1 = _body_box(image, factor)
        return image[y0:y1, x0:x1]

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
    here = tf.cast(mask, tf.int32)
    numbers = tf.reshape(tf.range(size[0] * size[1], 0, -1), size)

    def spread(labels: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        wider = labels
        for _ in range(8):
            wider = _highest_neighbour(wider) * here
        return wider, tf.reduce_any(wider != labels)

    start = numbers * here
    labels, _ = tf.while_loop(lambda _, changed: changed, spread, (start, tf.constant(True)))
    areas = tf.math.bincount(tf.boolean_mask(labels, mask))
    return tf.logical_and(mask, labels == tf.argmax(areas, output_type=tf.int32))


def _highest_neighbour(labels: tf.Tensor) -> tf.Tensor:
    """Return the maximum over 3 x 3 pixels of int32 (h, w) without negative numbers."""
    padded = tf.pad(labels, [[1, 1], [1, 1]])
    rows = tf.maximum(tf.maximum(padded[:-2], padded[1:-1]), padded[2:])
    return tf.maximum(tf.maximum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])


def _bilinear(image: tf.Tensor, height: tf.Tensor | int, width: tf.Tensor | int) -> tf.Tensor:
    """Repeat OpenCV's INTER_LINEAR_EXACT: weights of 8 bits, sums of 16, rounded half up."""
    pixels = tf.cast(image, tf.int32)
    left, right, weight = _neighbours(tf.shape(image)[1], width)
    pixels = tf.gather(pixels, left, axis=1) * (256 - weight) + (
        tf.gather(pixels, right, axis=1) * weight
    )
    upper, lower, weight = _neighbours(tf.shape(image)[0], height)
    weight = weight[:, None]
    pixels = tf.gather(pixels, upper) * (256 - weight) + tf.gather(pixels, lower) * weight
    return tf.cast((pixels + 32768) // 65536, tf.uint8)


def _neighbours(source: tf.Tensor, target: tf.Tensor | int) -> tuple[tf.Tensor, ...]:
    """Return, for each target pixel, its two source pixels and the second one's weight in 1/256."""
    scale = 1 / (tf.cast(target, tf.float64) / tf.cast(source, tf.float64))
    place = scale * (tf.cast(tf.range(target), tf.float64) + 0.5) - 0.5
    first = tf.cast(tf.floor(place), tf.int32)
    weight = tf.cast(tf.round((place - tf.floor(place)) * 256), tf.int32)
    outside = tf.logical_or(first < 0, first >= source - 1)
    first = tf.clip_by_value(first, 0, source - 1)
    return first, tf.minimum(first + 1, source - 1), tf.where(outside, 0, weight)


def _body_box(image: tf.Tensor, factor: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Return y0, y1, x0, x1 of `geometry.body_box`."""
    height, width = tf.unstack(tf.shape(image))
    thumbnail = shrink(image, factor, factor)
    cells = tf.shape(thumbnail)
    mask = tf.cast(thumbnail, tf.int32) > otsu_threshold(thumbnail)

    def found() -> tuple[tf.Tensor, ...]:
        region = largest_region(mask)
        top, bottom = _extent(tf.reduce_any(region, axis=1))
        left, right = _extent(tf.reduce_any(region, axis=0))
        inside = tf.math.count_nonzero(mask[top:bottom, left:right], dtype=tf.int32)
        area = tf.cast((bottom - top) * (right - left), tf.float64)
        plausible = tf.logical_and(
            area >= BODY_AREA * tf.cast(tf.size(mask), tf.float64),
            tf.cast(inside, tf.float64)
            >= BODY_FOREGROUND * tf.cast(tf.math.count_nonzero(mask), tf.float64),
        )
        box = (
            *_stored_pixels(top, bottom, cells[0], factor, height),
            *_stored_pixels(left, right, cells[1], factor, width),
        )
        return tf.cond(plausible, lambda: box, whole)

    def whole() -> tuple[tf.Tensor, ...]:
        return tf.constant(0), height, tf.constant(0), width

    return tf.cond(tf.reduce_any(mask), found, whole)


def _extent(line: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the first true element of a boolean vector and one past the last."""
    places = tf.cast(tf.where(line)[:, 0], tf.int32)
    return places[0], places[-1] + 1


def _stored_pixels(
    start: tf.Tensor, end: tf.Tensor, cells: tf.Tensor, factor: tf.Tensor, size: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Repeat `geometry._stored_pixels`."""
    offset = (size - cells * factor) // 2
    first = tf.where(start == 0, 0, offset + start * factor)
    last = tf.where(end == cells, size, offset + end * factor)
    return first, last
