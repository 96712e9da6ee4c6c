"""Whether an axial CT slice shows lungs, by the air inside the body."""

import cv2
import numpy as np

from covid_keras.images.geometry import shrink
from covid_keras.images.presentation import apply_window

AIR = -320
"""Hounsfield units: lungs, even with ground glass, are below; fat and tissue above."""
LEAST_AIR = 0.05
"""Smallest share of the body that air fills in a slice through the lungs."""
_SIDE = 256
"""Slices are judged at about this size in pixels."""


def air_in_body(grey: np.ndarray, window: tuple[float, float]) -> float:
    """Return the share of the body's area that air fills, 0 to 1.

    Air is what `AIR` and less look like. Air that touches the image's edge is outside of the body;
    the body is the largest region of the rest. So the field of view must show the whole lungs.

    Args:
        grey: uint8 (H, W), a whole axial slice.
        window: that it is shown in, centre and width in Hounsfield units.
    """
    factor = max(1, max(grey.shape) // _SIDE)
    grey = shrink(grey, min(factor, grey.shape[0]), min(factor, grey.shape[1]))
    air = np.pad(grey <= apply_window(AIR, window), 1, constant_values=True).astype(np.uint8)
    parts = cv2.connectedComponents(air, connectivity=4)[1]
    inside = (parts != parts[0, 0]).astype(np.uint8)
    count, parts, regions, _ = cv2.connectedComponentsWithStats(inside, connectivity=4)
    if count < 2:
        return 0.0
    body = parts == 1 + np.argmax(regions[1:, cv2.CC_STAT_AREA])
    return float(air[body].mean())
