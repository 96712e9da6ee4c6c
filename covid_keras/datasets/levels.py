"""PNG images of 16 bits whose values fill a small part of the range that becomes black to white."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from covid_keras.images.read import ALL_LEVELS, grey_table, value_range
from covid_keras.utils.errors import InputError

SAMPLE = 64
"""Images whose range of values is looked at, evenly spaced."""
FEWEST_LEVELS = 32
"""Grey levels of 256 below which a PNG of 16 bits has lost its contrast."""

_log = logging.getLogger(__name__)


def warn_of_levels(images: Sequence[str], root: Path, levels: tuple[int, int] = ALL_LEVELS) -> None:
    """Warn if a tenth of the PNG images of 16 bits or more lose their contrast with `levels`.

    Of many images a sample is read; those that cannot be read are left to others.
    """
    ranges, table = {}, grey_table(levels)
    for image in images[:: -(-len(images) // SAMPLE) or 1]:
        with suppress(InputError):
            if found := value_range(root / image):
                ranges[image] = found
    grey = {image: table[list(found)].astype(int) for image, found in ranges.items()}
    flat = [i for i, (a, b, c) in grey.items() if c - a < FEWEST_LEVELS or b == 255]
    if flat and 10 * len(flat) >= len(ranges):
        low, high = min(ranges[i][0] for i in flat), max(ranges[i][2] for i in flat)
        _log.warning(
            "%s: %d of %d PNG images of 16 bits lose their contrast, first %s: most values are %d"
            " to %d, and input.levels is %d to %d (black to white); training takes another range:"
            " --set input.levels=LOW,HIGH",
            *(root, len(flat), len(ranges), flat[0], low, high, *levels),
        )
