"""Show the progress of a loop on stderr, by tqdm."""

import io
import sys
from collections.abc import Callable, Iterable

from tqdm import tqdm

LOG_SECONDS = 15.0
"""Seconds between two lines where stderr is a file or a pipe."""
_label = ""
"""Of a process beside others; its bars are lines."""


def show_as_lines(label: str) -> None:
    """Let all bars of this process be lines that begin with `label`; "" changes nothing."""
    global _label
    _label = label


def _in_place(file) -> bool:
    return file.isatty() and not _label


class _Bar(tqdm):
    """A bar that is redrawn in place on a terminal; elsewhere one line follows the other."""

    monitor_interval = 0  # no thread of tqdm's: processes are forked while a bar is open

    @staticmethod
    def status_printer(file) -> Callable[[str], None]:
        if _in_place(file):
            return tqdm.status_printer(file)
        return lambda text: print(text, file=file, flush=True)

    def close(self) -> None:
        if not self.disable and not _in_place(self.fp):
            self.refresh()
            self.sp, self.fp = (lambda text: None), io.StringIO()  # tqdm would add an empty line
        super().close()


def progress(
    label: str, items: Iterable | None = None, *, total: int | None = None, start: int = 0
) -> tqdm:
    """Return a bar such as "verify [====    ] 20/40 [0:10<0:10]": count, time spent and time left.

    Iterate over it, or enter it as a context and call `update(n)`. `set_postfix_str` adds a note.
    On a stream that is no terminal it is one line every `LOG_SECONDS`.

    Args:
        label: what is being done, in a word or two.
        items: what to iterate over; None to count with `update`.
        total: the count at the end; by default the length of `items`.
        start: the count at the beginning, for work that is resumed.
    """
    return _Bar(
        items,
        desc=f"{_label} {label}".strip(),
        total=total,
        initial=start,
        file=sys.stderr,
        mininterval=0.1 if _in_place(sys.stderr) else LOG_SECONDS,
        miniters=1,
        ascii=" =",
        bar_format="{desc} [{bar:24}] {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]",
    )
