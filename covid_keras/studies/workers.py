"""Call public functions in a process of their own."""

import gc
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import active_children, get_context
from pathlib import Path

import covid_keras
from covid_keras.utils.console import print_messages, say, say_text
from covid_keras.utils.errors import InputError, OutOfTime
from covid_keras.utils.progress import show_as_lines

Start = Callable[..., Future]
"""Starts a call of a public function, by name with keywords; see `reason_of`."""


@contextmanager
def worker(log: Path, label: str = "") -> Iterator[Start]:
    """Yield a function that calls public functions of `covid_keras` in one other process.

    `start("train", recipe="ct-bit", out="runs/mine")` returns the future of "" or of one line that
    says why it failed. Messages and tracebacks are appended to the file `log`; progress goes to
    stderr, as lines that begin with `label` where there is one. After a process was killed or
    crashed, the next call starts a new one. Ctrl-C stops all processes after their own clean-up.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    new = partial(ProcessPoolExecutor, 1, get_context("spawn"), _start, (log, label))
    pool = new()

    def start(verb: str, **arguments: object) -> Future:
        nonlocal pool
        try:
            return pool.submit(_call, verb, arguments)
        except BrokenProcessPool:
            pool.shutdown()
            pool = new()
            return pool.submit(_call, verb, arguments)

    try:
        yield start
    except KeyboardInterrupt:
        for process in active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def reason_of(call: Future) -> str:
    """Wait for a call; return "", or say and return why it failed.

    Raises:
        OutOfTime: as the call did.
    """
    try:
        reason = call.result()
    except BrokenProcessPool:
        reason = "the process was killed or crashed: out of memory?"
    if reason:
        say(f"  {reason}", file=sys.stderr)
    return reason


def _start(log: Path, label: str) -> None:
    """Send this process' messages to the log file; leave Ctrl-C to the study's process."""
    show_as_lines(label)
    sys.stdout = log.open("a", encoding="utf-8", buffering=1)
    print_messages()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends with a clean-up


def _call(verb: str, arguments: dict[str, object]) -> str:
    """Call the function in this process; return "" or the reason why it failed."""
    say(f"{verb} {' '.join(f'{key}={value}' for key, value in arguments.items())}")
    reason = ""
    try:
        result = getattr(covid_keras, verb)(**arguments)
        say_text("\n".join(map(str, result if isinstance(result, list) else [result])))
    except InputError as error:
        reason = " ".join(str(error).split())
    except OutOfTime:
        raise
    except Exception as error:  # a GPU out of memory, say: it must not stop the study
        traceback.print_exc(file=sys.stdout)
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    if "keras" in sys.modules:
        sys.modules["keras"].backend.clear_session()
    gc.collect()
    return reason
