"""Public functions keep their names, and import Keras only where they need it, quietly."""

import os
import subprocess
import sys

PROGRAM = """
import covid_keras
import covid_keras.audit.audit, covid_keras.export.export, covid_keras.report.run_pages
from covid_keras.export import FORMATS
for name in covid_keras.__all__:
    assert callable(getattr(covid_keras, name)), name
"""


LIGHT = """
import sys
import covid_keras
for name in set(covid_keras._MODULES) - set(covid_keras._KERAS):
    getattr(covid_keras, name)
    assert "keras" not in sys.modules, name
"""


def test_importing_a_room_does_not_hide_the_function():
    result = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_what_needs_no_keras_does_not_import_it():
    """Imported outside of `import_keras`, TensorFlow prints its start-up notices."""
    result = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_the_first_run_prints_no_notices_of_tensorflow(tmp_path):
    words = ["run", "ct-bit", "--export", "saved", "--data", "nowhere"]
    kept = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(
        [sys.executable, "-m", "covid_keras", *words],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=kept,
    )
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1 and "nowhere: expected the folder of data set" in line
