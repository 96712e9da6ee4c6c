"""The console: one place that prints, under any encoding, without what moves the cursor."""

import ast
import io
import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import covid_keras
from covid_keras.utils.console import print_messages, say, say_text

HOSTILE = "a\x1b[2J\rb\nc\u202e.png"
SHOWN = r"a\x1b[2J\rb\nc\u202e.png"


def test_a_line_stays_a_line(capsys):
    say(f"wrote {HOSTILE}", "next")
    say_text("two\nlines \x07")
    assert capsys.readouterr().out == f"wrote {SHOWN}\nnext\ntwo\nlines \\x07\n"


def test_warnings_of_pydicom_name_no_file_and_are_left_out(recwarn):
    print_messages()
    warnings.warn_explicit("a value", UserWarning, "misc.py", 1, module="pydicom.misc")
    assert not recwarn.list


def test_messages_and_warnings_are_escaped(capsys):
    print_messages()
    logging.getLogger("covid_keras.test").info("read %s", HOSTILE)
    logging.getLogger("covid_keras.test").warning("lost %s", HOSTILE)
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == (f"read {SHOWN}\n", f"lost {SHOWN}\n")


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_names_print_under_any_encoding(encoding, tmp_path):
    folder = tmp_path / "肺 \udcff"
    code = "import sys; from covid_keras.cli.main import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "data", "verify", "folder", "--data", folder],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": encoding},
    )
    assert done.returncode == 1
    assert rb"\u80ba \udcff: expected the folder of your images" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_stream_that_is_no_file_is_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    print_messages()


def test_a_console_of_another_package_does_not_repeat_a_line(capsys):
    other = logging.StreamHandler(sys.stderr)
    logging.getLogger().addHandler(other)  # as absl does while TensorFlow exports
    try:
        print_messages()
        logging.getLogger("covid_keras.export").info("checked")
    finally:
        logging.getLogger().removeHandler(other)
    assert capsys.readouterr() == ("checked\n", "")


def prints(code):
    """Return whether code calls print with a text; what stands in a string is no call."""
    return any(
        isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print" and node.args
        for node in ast.walk(ast.parse(code))
    )


def test_nothing_else_prints():
    """What is printed elsewhere is not escaped."""
    root = Path(covid_keras.__file__).parent
    own = {"utils/console.py", "utils/progress.py"}
    files = {str(path.relative_to(root)): path.read_text() for path in root.rglob("*.py")}
    assert {name for name, text in files.items() if prints(text)} <= own
