"""Matplotlib figures, drawn from arrays. Functions return a Figure; `canvas.save` writes it."""
