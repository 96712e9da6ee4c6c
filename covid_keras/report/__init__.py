"""Figures, the HTML page and the model card of a run. Nothing here needs TensorFlow.

The modules that draw (`figures`, `panels`) need Matplotlib and are imported by those who draw.
"""

from covid_keras.report.card import write_card
from covid_keras.report.html import write_report

__all__ = ["write_card", "write_report"]
