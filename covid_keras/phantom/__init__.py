"""Synthetic chest CT and X-rays for trying out and testing; no patients."""

from covid_keras.phantom.build import LUNGS, MASKS, make_phantom, make_phantom_xray, phantom_folder

MAKERS = {"phantom-ct": make_phantom, "phantom-xray": make_phantom_xray}
"""The function that makes each dataset, by the dataset's name."""

__all__ = ["LUNGS", "MAKERS", "MASKS", "make_phantom", "make_phantom_xray", "phantom_folder"]
