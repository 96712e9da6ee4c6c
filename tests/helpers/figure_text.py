"""What a figure says."""

from matplotlib.figure import Figure

STAMPS = ("Phantom: synthetic slices, not patients", "not a medical device")


def words(figure: Figure) -> str:
    """Return all text of a figure in one line."""
    texts = [t.get_text() for t in figure.findobj(lambda a: hasattr(a, "get_text"))]
    return " ".join(" ".join(texts).split())
