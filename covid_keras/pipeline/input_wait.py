"""Measure how long a training step waits for its batch."""

import time


class InputWait:
    """The time at which each numbered batch was ready, noted by the reading threads."""

    def __init__(self) -> None:
        self._ready: dict[int, float] = {}

    def note(self, number: int) -> None:
        """Note that batch `number` is ready now."""
        self._ready[number] = time.monotonic()

    def waited(self, number: int, since: float, until: float) -> float:
        """Return the seconds between two times in which batch `number` was not ready, once.

        0 for a batch that was never noted: the one after the last.

        Args:
            since, until: of `time.monotonic`.
        """
        ready = self._ready.pop(number, since)
        return min(max(ready, since), until) - since
