"""A process that builds steps and times them on request: what both sides of gpu.py have in common.

Imports nothing but the standard library: the two sides run under different Pythons. A request is
one JSON line on the standard input, {"request": method, ...arguments}, and is answered by one on
the standard output; {"error": ...} where the method raised.
"""

import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

WARM = 2
"""Steps before every timed block: the other side ran meanwhile."""
LONGEST_ERROR = 300

Run = Callable[[int], None]
"""Runs so many steps and returns when the last one's result is there."""


class WorkerError(Exception):
    """A request failed; the message is one line."""


class Worker:
    """The parent's end: `script` under `python` in a process of its own.

    Args:
        script: a file beside this one that ends in `serve(...)`.
        environment: variables beside those of this process.
    """

    def __init__(self, script: str, python: str, environment: dict[str, str]) -> None:
        self.script = script
        self.process = subprocess.Popen(
            [python, str(Path(__file__).with_name(script))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )

    def ask(self, request: str, **arguments) -> dict:
        """The answer. Raises WorkerError where the method raised or the process ended."""
        try:
            print(
                json.dumps({"request": request, **arguments}), file=self.process.stdin, flush=True
            )
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise WorkerError(f"{self.script} ended with code {self.process.wait()} at {request!r}")
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    def close(self) -> None:
        """Ends the process, which frees its memory on the GPU."""
        try:
            self.process.stdin.close()
            self.process.wait(timeout=30)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Side:
    """The child's end; a subclass fills `runs`, and its other methods are requests too."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        """What can be timed, by name."""

    def time(self, task: str, steps: int) -> dict:
        """Seconds of one step, out of so many in a row after `WARM` that do not count."""
        run = self.runs[task]
        run(WARM)
        start = time.perf_counter()
        run(steps)
        return {"seconds": (time.perf_counter() - start) / steps}


def serve(side: Side) -> None:
    """Answer until the standard input ends. What libraries print goes to the error stream."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(side, request.pop("request"))(**request)
        except Exception as error:  # out of memory, no kernel, ...: the other measurements go on
            traceback.print_exc()
            answer = {"error": one_line(error)}
        print(json.dumps(answer), file=answers, flush=True)


def one_line(error: Exception) -> str:
    """The error's type and the beginning of its message."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:LONGEST_ERROR]
