"""What a figure says."""

from matplotlib.figure import Figure

STAMPS = ("PHANTOM: synthetic slices, not patients", "NOT A MEDICAL DEVICE")


def words(figure: Figure) -> str:
    """Return all text of a figure in one line."""
    texts = [t.get_text() for t in figure.findobj(lambda a: hasattr(a, "get_text"))]
    return " ".join(" ".join(texts).split())
