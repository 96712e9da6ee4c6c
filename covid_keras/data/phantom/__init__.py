"""A synthetic chest CT for trying out and testing: drawn anatomy, drawn disease, no patients."""

from covid_keras.data.phantom.build import make_phantom, phantom_folder

__all__ = ["make_phantom", "phantom_folder"]
