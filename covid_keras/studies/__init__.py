"""Studies: many runs of one recipe, and the paper's table beside ours."""

from covid_keras.studies.study import Column, Study, Trial

__all__ = ["Column", "Study", "Trial"]
