"""Synthetic chest CT and X-rays for trying out and testing; no patients."""

from covid_keras.phantom.build import phantom_folder
from covid_keras.phantom.ct import make_phantom
from covid_keras.phantom.xray import make_phantom_xray

MAKERS = {"phantom-ct": make_phantom, "phantom-xray": make_phantom_xray}
"""The function that makes each dataset, by the dataset's name."""

__all__ = ["MAKERS", "make_phantom", "make_phantom_xray", "phantom_folder"]
