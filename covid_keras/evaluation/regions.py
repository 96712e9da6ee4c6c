"""Parts of an image by their distance from its edge: without its centre, its border, its centre."""

import numpy as np

CENTRE = 0.6
"""Length of the centre's sides as a share of the image's."""
BORDER = 0.1
"""Width of the border as a share of each side."""


def regions(height: int, width: int) -> dict[str, np.ndarray]:
    """Return {name: bool (height, width)}, True where the image stays visible."""
    centres = ((np.arange(side) + 0.5) / side for side in (height, width))
    edge = np.minimum.outer(*(np.minimum(place, 1 - place) for place in centres))
    return {
        "centre blacked out": edge < (1 - CENTRE) / 2,
        "border only": edge < BORDER,
        "centre only": edge >= (1 - CENTRE) / 2,
    }
