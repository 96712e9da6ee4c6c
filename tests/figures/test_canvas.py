"""Saving: PNG and SVG with the same bytes each time, and stamps that stay on the page."""

import pytest
from figure_text import STAMPS
from made_predictions import noisy

from covid_keras.figures.canvas import new_figure, save
from covid_keras.figures.set_figures import confusion_matrix_figure
from covid_keras.metrics.scores import score
from covid_keras.utils.errors import InputError


@pytest.fixture(scope="module")
def result() -> dict:
    return score(noisy(), resamples=20)


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
