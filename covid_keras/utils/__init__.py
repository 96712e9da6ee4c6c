"""Errors, files, downloads, progress, text and the Keras backend."""
