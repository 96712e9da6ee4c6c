"""One line of progress with an estimate, on stderr."""

import shlex
import sys
import time
from collections.abc import Callable


class Progress:
    """Counts up to `total` and draws a bar; on a stream that is no terminal, a line now and then.

    Args:
        label: what is going on, in a word or two.
        total: the count at the end.
        start: the count at the beginning, for work that was resumed.
    """

    def __init__(self, label: str, total: int, start: int = 0) -> None:
        self.label = label
        self.total = total
        self.start = start
        self.begun = time.monotonic()
        self.drawn = 0.0
        self.terminal = sys.stderr.isatty()

    def __call__(self, done: int, note: str = "") -> None:
        """Show that `done` of the total are done; `note` follows the estimate."""
        now = time.monotonic()
        pause = 0.1 if self.terminal else 10.0
        if done < self.total and now - self.drawn < pause:
            return
        self.drawn = now
        line = f"{self.label} {self._bar(done)} {done:,}/{self.total:,} {self._times(done, now)}"
        line = f"{line}  {note}".rstrip()
        if self.terminal:
            end = "\n" if done >= self.total else ""
            print(f"\r\033[K{line}", end=end, file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)

    def _bar(self, done: int, width: int = 24) -> str:
        full = width * done // max(self.total, 1)
        return "[" + "=" * full + " " * (width - full) + "]"

    def _times(self, done: int, now: float) -> str:
        spent = now - self.begun
        if done >= self.total:
            return f"in {clock(spent)}"
        if done <= self.start:
            return "estimating"
        left = spent / (done - self.start) * (self.total - done)
        return f"{clock(left)} left"


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss or m:ss, with days where there are any."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days} d {hour} h"
    return f"{hour}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def on_progress(label: str) -> Callable[[int, int], None]:
    """A callback (done, total) that draws a bar."""
    bars: dict[str, Progress] = {}

    def show(done: int, total: int) -> None:
        bars.setdefault("bar", Progress(label, total))(done)

    return show


def say_next(*words: object) -> None:
    """Say on the screen which command comes next, as it can be pasted into a shell."""
    print("next: covid-keras", shlex.join(map(str, words)))
