"""Predict class probabilities of new images."""
