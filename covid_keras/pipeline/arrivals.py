"""When batches were ready, and so how long a training step had to wait for its own."""

import time


class Arrivals:
    """The time at which each numbered batch was ready; noted by the threads that read."""

    def __init__(self) -> None:
        self._times: dict[int, float] = {}

    def note(self, number: int) -> None:
        """Batch `number` is ready now."""
        self._times[number] = time.monotonic()

    def waited(self, number: int, since: float, until: float) -> float:
        """Seconds between two times of `time.monotonic` in which batch `number` was not ready.

        0 for a batch that nobody reads, as there is none after the last. Forgets the batch.
        """
        ready = self._times.pop(number, since)
        return min(max(ready, since), until) - since
