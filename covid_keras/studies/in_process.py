"""Commands of a study in its own process: on a GPU, starting Keras for each costs more than it."""

import gc
import sys
import time
import traceback
from contextlib import redirect_stdout
from pathlib import Path

from covid_keras.cli import main
from covid_keras.studies.execute import Call
from covid_keras.utils.errors import InputError, OutOfTime


def in_process(log: Path, batched: bool, deadline: float) -> Call:
    """Calls of `covid-keras`; their messages go to the file `log`, progress to stderr.

    Args:
        log: the file.
        batched: see `covid-keras train --batched`.
        deadline: of `time.monotonic`; no command is begun after it, and training ends at it.

    A call raises OutOfTime at the deadline.
    """

    def call(arguments: list[str]) -> str:
        import keras

        left = deadline - time.monotonic()
        if left <= 0:
            raise OutOfTime
        if arguments[0] == "train":
            arguments = [*arguments, *(["--batched"] if batched else [])]
            if left < float("inf"):
                arguments += ["--minutes", f"{left / 60:.6g}"]
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file, redirect_stdout(file):
            print(f"$ covid-keras {' '.join(arguments)}", flush=True)
            reason = _run(arguments)
            if reason:
                print(reason)
                print(f"  {reason}", file=sys.stderr)
        keras.backend.clear_session()
        gc.collect()
        return reason

    return call


def _run(arguments: list[str]) -> str:
    """One command; returns "" or why it failed. The study goes on after any failure, and a
    traceback goes where the command's messages go."""
    try:
        options = main.parser().parse_args(arguments)
        code = options.run(options)
    except InputError as error:
        return " ".join(str(error).split())
    except OutOfTime:
        raise
    except (Exception, SystemExit) as error:  # a GPU out of memory, say; a process would end alone
        traceback.print_exc(file=sys.stdout)
        return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return f"ended with code {code}" if code else ""
