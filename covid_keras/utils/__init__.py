"""Errors, files, progress, the Keras backend: what every room uses."""
