"""What the column `status` of an answer says."""

ANSWERED = "answered"
WARNING = " with warning: "
"""May follow; then what is strange about the image."""
NOT_ANSWERED = "not answered: "
LEFT_OUT = "left out: "
"""Begins the reason of an image that a rule leaves out."""
UNLIKE = "unlike the training images: "
"""Begins the reason of an image that the input check refuses; others could not be read."""


def is_answered(status: str) -> bool:
    """Return whether an image has an answer, with a warning or without."""
    return status.startswith(ANSWERED)


def is_left_out(status: str) -> bool:
    """Return whether a rule has left an image out, which could be read."""
    return status.startswith(NOT_ANSWERED + LEFT_OUT)
