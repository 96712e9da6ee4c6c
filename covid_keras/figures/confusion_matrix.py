"""The confusion matrix as a figure."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from covid_keras.figures.canvas import footnote, in_percent, new_figure
from covid_keras.metrics.sentences import sizes


def confusion_matrix_figure(
    result: dict, stamps: Sequence[str] = (), title: str = "test"
) -> Figure:
    """Draw counts and row percentages, with sensitivity and PPV beside the class names.

    `result` is what `score` returned; `stamps` are shown at the top; `title` is the set's name.
    """
    matrix, classes = np.array(result["confusion_matrix"]), result["classes"]
    figure, top = new_figure(6.6, stamps, f"Confusion matrix, {title}: {sizes(result)}")
    axes = figure.add_axes((0.26, 0.19, 0.6, top - 0.2))
    shown = draw_matrix(axes, matrix, "{:,}\n{:.1f} %", fontsize=13)
    entries = result["per_class"]
    sensitivity = [f"{c}\nsensitivity {in_percent(entries[c]['sensitivity'])}" for c in classes]
    ppv = [f"{c}\nPPV {in_percent(entries[c]['ppv'])}" for c in classes]
    axes.set_xticks(range(len(classes)), ppv, fontsize=9)
    axes.set_yticks(range(len(classes)), sensitivity, fontsize=9)
    axes.set(xlabel="predicted class", ylabel="true class")
    bar = figure.colorbar(shown, cax=figure.add_axes((0.88, 0.19, 0.02, top - 0.2)))
    bar.set_label("% of the true class's images")
    footnote(figure, result["intervals"])
    return figure


def draw_matrix(axes: Axes, matrix: np.ndarray, cell: str, fontsize: int) -> AxesImage:
    """Draw a confusion matrix, coloured by the percentage of each true class; return the image.

    Args:
        matrix: (classes, classes) counts; rows are the true classes.
        cell: format of a count and its percentage, such as "{:,}\\n{:.1f} %".
    """
    share = 100 * matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    for (row, column), count in np.ndenumerate(matrix):
        text = cell.format(count, share[row, column]) if matrix[row].any() else "0"
        shade = "white" if share[row, column] > 55 else "black"
        style = {"ha": "center", "va": "center", "fontsize": fontsize, "color": shade}
        axes.text(column, row, text, **style)
    return axes.imshow(share, cmap="Blues", vmin=0, vmax=100, aspect="auto")
