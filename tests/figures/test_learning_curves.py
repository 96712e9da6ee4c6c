"""Learning curves from a log, and logs that cannot be drawn."""

import pytest
from figure_text import STAMPS

from covid_keras.figures.learning_curves import learning_curves_figure
from covid_keras.utils.errors import InputError

LOG = "step,learning_rate,loss,accuracy,val_loss,val_accuracy,images_per_second,seconds\n"
ROWS = "1,0.001,1.1,0.3,,,5,1\n2,0.002,1.0,0.5,,,5,2\n2,,,,1.05,0.4,,3\n3,0.002,0.7,0.6,,,5,4\n"


def test_learning_curves_skip_empty_cells_and_mark_the_schedule(tmp_path):
    (tmp_path / "log.csv").write_text(LOG + ROWS)
    figure = learning_curves_figure(tmp_path / "log.csv", STAMPS, boundaries=(1, 4))
    loss, accuracy, rate = figure.axes
    train, val, *steps = loss.get_lines()
    assert train.get_xdata().tolist() == [1, 2, 3]
    assert val.get_xdata().tolist() == [2]
    assert accuracy.get_lines()[0].get_ydata() == pytest.approx([30, 50, 60])
    assert [line.get_xdata()[0] for line in steps] == [1, 4]
    assert rate.get_xlim() == (0, 4)
    assert "optimiser step" in rate.get_xlabel()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "expected a training log"),
        (LOG, "expected rows with step"),
        ("step,loss\n1,2\n", r"Missing: \['learning_rate'"),
        (LOG + "1,x,1,1,,,5,1\n", "expected numbers or empty cells"),
    ],
)
def test_a_bad_log_is_one_line(tmp_path, content, said):
    (tmp_path / "log.csv").write_text(content)
    with pytest.raises(InputError, match=said):
        learning_curves_figure(tmp_path / "log.csv")
