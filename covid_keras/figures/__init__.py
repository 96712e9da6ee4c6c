"""Matplotlib figures, drawn from arrays."""
