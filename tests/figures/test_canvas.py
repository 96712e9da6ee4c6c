"""Saving: PNG and SVG with the same bytes each time, and stamps that stay on the page."""

import re
from xml.etree import ElementTree

import pytest
from figure_text import STAMPS
from made_predictions import noisy

from covid_keras.figures.canvas import new_figure, save
from covid_keras.figures.learning_curves import COLUMNS, learning_curves_figure
from covid_keras.figures.set_figures import confusion_matrix_figure
from covid_keras.metrics.scores import score
from covid_keras.utils.errors import InputError


@pytest.fixture(scope="module")
def result() -> dict:
    return score(noisy())


def png_size(path) -> tuple[int, int]:
    """Return width and height from a PNG's header."""
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(head[16:20]), int.from_bytes(head[20:24])


def test_a_figure_is_a_png_of_900_pixels_and_an_svg_with_text(tmp_path, result):
    save(confusion_matrix_figure(result, STAMPS), tmp_path / "figures" / "c.png")
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == ["c.png", "c.svg"]
    assert png_size(tmp_path / "figures" / "c.png") == (900, 660)
    svg = (tmp_path / "figures" / "c.svg").read_text()
    assert ">predicted class</text>" in svg and "<dc:date>" not in svg


def test_the_bytes_are_the_same_each_time(tmp_path, result):
    for name in "ab":
        save(confusion_matrix_figure(result, STAMPS), tmp_path / f"{name}.png", ("svg", "pdf"))
    for suffix in (".svg", ".pdf"):
        first, second = ((tmp_path / name).with_suffix(suffix).read_bytes() for name in "ab")
        assert first == second
    assert not (tmp_path / "a.png").exists()


def test_a_folder_that_cannot_be_written_to_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write"):
        save(new_figure(3, STAMPS, "title")[0], tmp_path / "file" / "c.png")


def test_long_stamps_stay_on_the_page():
    stamp = "scaled, not the paper's settings: " + ", ".join(
        f"training.steps {i}" for i in range(12)
    )
    figure, _ = new_figure(7.6, [*STAMPS, stamp], "Learning curves")
    renderer = figure.canvas.get_renderer()
    boxes = [text.get_window_extent(renderer) for text in figure.texts]
    assert max(box.x1 for box in boxes) <= 900
    assert boxes[0].y0 > boxes[1].y1


def test_a_name_is_no_formula_and_no_control_character(tmp_path):
    figure, _ = new_figure(3, ("cost $1 and $2^{",), "a $\\frac$ b\x1b[2J")
    axes = figure.add_axes((0.2, 0.2, 0.6, 0.6))
    axes.set_xticks([0, 1], ["$x^2$", "$ {"])
    save(figure, tmp_path / "c.png")
    svg = ElementTree.parse(tmp_path / "c.svg")
    texts = {"".join(element.itertext()) for element in svg.iter() if element.tag.endswith("text")}
    texts = {text.replace("\u00a0", " ") for text in texts}
    assert {"cost $1 and $2^{", "a $\\frac$ b\\x1b[2J", "$x^2$", "$ {"} <= texts


def test_the_learning_rate_has_plain_numbers(tmp_path):
    rows = [f"{step},{10.0**-step:g},1,0.5,1,0.5" for step in range(1, 5)]
    (tmp_path / "log.csv").write_text("\n".join([",".join(COLUMNS), *rows]))
    save(learning_curves_figure(tmp_path / "log.csv"), tmp_path / "c.png", ("svg",))
    svg = (tmp_path / "c.svg").read_text()
    assert "mathdefault" not in svg and len(re.findall(r">1e\W0[1-4]<", svg)) == 4
