"""Divide a run's steps into stretches between evaluations."""


def stretches(steps: int, every: int, start: int) -> list[tuple[int, int, int]]:
    """Return the ranges of steps with equal evaluations: (first step, end, steps per evaluation).

    First the whole multiples of `every` from step `start` on, then the remainder.
    """
    whole = steps - steps % every
    parts = [(start, whole, every), (max(start, whole), steps, steps - whole)]
    return [(first, end, length) for first, end, length in parts if first < end]
