"""Reporting checklists (CLAIM, TRIPOD+AI), filled from a run folder where it knows the answer.

`item` says what a list is; `claim` and `tripod` are the lists as data; the other modules hold the
answers, each a function from a RunSummary to text, "" where it is not known.
"""

from covid_keras.report.checklists.claim import CLAIM
from covid_keras.report.checklists.item import Checklist, Item
from covid_keras.report.checklists.tripod import TRIPOD

LISTS = (CLAIM, TRIPOD)

__all__ = ["CLAIM", "LISTS", "TRIPOD", "Checklist", "Item"]
