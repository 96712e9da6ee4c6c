"""A public function keeps its name where a room has the same one."""

import subprocess
import sys

PROGRAM = """
import covid_keras
import covid_keras.audit.audit, covid_keras.export.export, covid_keras.report.run_pages
from covid_keras.export import FORMATS
for name in covid_keras.__all__:
    assert callable(getattr(covid_keras, name)), name
"""


def test_importing_a_room_does_not_hide_the_function():
    result = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
