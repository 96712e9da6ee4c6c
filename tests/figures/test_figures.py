"""Figures: what they say and show, not only that a file appears."""

import numpy as np
import pytest
from made_predictions import make
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from covid_keras.figures import curves, panels
from covid_keras.figures import run as run_figures
from covid_keras.metrics import operating_point
from covid_keras.metrics.scores import score
from covid_keras.metrics.uncertainty import selective
from covid_keras.utils.errors import InputError

STAMPS = ("Phantom: synthetic slices, not patients", "not a medical device")
LOG = "step,learning_rate,loss,accuracy,val_loss,val_accuracy,images_per_second,seconds\n"
ROWS = "1,0.001,1.1,0.3,,,5,1\n2,0.002,1.0,0.5,,,5,2\n2,,,,1.05,0.4,,3\n3,0.002,0.7,0.6,,,5,4\n"


@pytest.fixture
def drawn(monkeypatch) -> list[Figure]:
    """The figures that were saved, in order."""
    saved = []
    original = Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda self, *a, **k: (saved.append(self), original(self, *a, **k))
    )
    return saved


@pytest.fixture
def predictions():
    random = np.random.default_rng(0)
    labels = random.integers(3, size=90)
    scores = random.dirichlet([1, 1, 1], size=90) + np.eye(3)[labels] * 0.5
    return make(labels, np.round(scores / 1.5, 2), np.arange(90) // 3)


def words(figure: Figure) -> str:
    """All text of a figure in one line."""
    texts = [t.get_text() for t in figure.findobj(lambda a: hasattr(a, "get_text"))]
    return " ".join(" ".join(texts).split())


def size(path) -> tuple[int, int]:
    """Width and height from a PNG's header."""
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(head[16:20]), int.from_bytes(head[20:24])


def test_reliability_shows_both_calibrations_and_every_image(tmp_path, drawn, predictions):
    point = operating_point.fit(predictions)
    result = score(predictions, resamples=50) | operating_point.apply(point, predictions)
    curves.reliability_figure(tmp_path / "r.png", predictions, result, STAMPS, "val")
    assert size(tmp_path / "r.png")[0] == 900
    text = words(drawn[0])
    assert "PHANTOM: SYNTHETIC SLICES, NOT PATIENTS" in text
    assert "Reliability, val: 90 images, 30 patients" in text
    assert f"temperature {point.temperature:.2f} ECE" in text and "as the network says ECE" in text
    for sizes in drawn[0].axes[2:]:
        assert sum(bar.get_height() for bar in sizes.patches) == 90


def test_confusion_matrix_shows_counts_intervals_and_stamps(tmp_path, drawn, predictions):
    result = score(predictions, resamples=50)
    run_figures.confusion_matrix_figure(tmp_path / "c.png", result, STAMPS, "val")
    assert size(tmp_path / "c.png")[0] == 900
    text = words(drawn[0])
    assert "PHANTOM: SYNTHETIC SLICES, NOT PATIENTS" in text
    assert "Confusion matrix, val: 90 images, 30 patients" in text
    assert "patient bootstrap, 50 resamples, 30 patients" in text
    assert "predicted class" in text
    shown = [t.get_text() for t in drawn[0].axes[0].texts]
    assert [int(t.split()[0]) for t in shown] == np.ravel(result["confusion_matrix"]).tolist()


def test_roc_curve_is_scikit_learns_with_auc_in_the_legend(tmp_path, drawn, predictions):
    result = score(predictions, resamples=50)
    curves.roc_figure(tmp_path / "r.png", predictions, result, STAMPS)
    lines = drawn[0].axes[0].get_lines()[1:]
    for k, line in enumerate(lines):
        false, true, _ = roc_curve(
            predictions.labels == k, predictions.probabilities[:, k], drop_intermediate=False
        )
        np.testing.assert_allclose(line.get_xdata(), 100 * false, atol=1e-9)
        np.testing.assert_allclose(line.get_ydata(), 100 * true, atol=1e-9)
    area = 100 * result["per_class"]["NCP"]["auc"]["value"]
    assert f"NCP, AUC {area:.1f} [" in words(drawn[0])


def test_risk_falls_with_the_images_that_are_kept(tmp_path, drawn, predictions):
    result = score(predictions, resamples=50) | {"uncertainty": selective(predictions, 50)}
    curves.risk_coverage_figure(tmp_path / "r.png", predictions, result, STAMPS, "val")
    line, whole, *bounds = drawn[0].axes[0].get_lines()
    wrong = 100 * (predictions.predicted != predictions.labels).mean()
    assert line.get_xdata()[-1] == 100
    assert line.get_ydata()[-1] == whole.get_ydata()[0] == pytest.approx(wrong)
    for bound, share in zip(bounds, (50, 80, 90), strict=True):
        at = np.interp(share, line.get_xdata(), line.get_ydata())
        low, high = bound.get_ydata()
        assert bound.get_xdata()[0] == share and low - 2 < at < high + 2
    text = words(drawn[0])
    assert "Risk and coverage, val: 90 images, 30 patients" in text
    area = 100 * result["uncertainty"]["aurc"]["value"]
    assert f"area {area:.1f} [" in text and "PHANTOM" in text


def test_learning_curves_skip_empty_cells_and_mark_the_knees(tmp_path, drawn):
    (tmp_path / "log.csv").write_text(LOG + ROWS)
    run_figures.learning_curves(tmp_path / "l.png", tmp_path / "log.csv", STAMPS, knees=(1, 4))
    loss, accuracy, rate = drawn[0].axes
    train, val, *knees = loss.get_lines()
    assert train.get_xdata().tolist() == [1, 2, 3]
    assert val.get_xdata().tolist() == [2]
    assert accuracy.get_lines()[0].get_ydata() == pytest.approx([30, 50, 60])
    assert [line.get_xdata()[0] for line in knees] == [1, 4]
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
        run_figures.learning_curves(tmp_path / "l.png", tmp_path / "log.csv")
    assert not (tmp_path / "l.png").exists()


def test_tsne_draws_every_point_by_class_and_split(tmp_path, drawn):
    points = np.random.default_rng(0).normal(size=(12, 2))
    labels, splits = ["A", "B", "B"] * 4, ["train"] * 6 + ["test"] * 6
    run_figures.tsne_figure(tmp_path / "t.png", points, labels, splits, ("A", "B"), STAMPS)
    axes = drawn[0].axes[0]
    assert sum(len(group.get_offsets()) for group in axes.collections) == 12
    assert len(axes.collections) == 4
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == [
        "A, train (n = 2)",
        "A, test (n = 2)",
        "B, train (n = 4)",
        "B, test (n = 4)",
    ]


def test_gradcam_rows_say_what_is_predicted_and_mark_the_wrong_ones(tmp_path, drawn):
    image, heat = np.full((16, 16), 90, np.uint8), np.eye(16, dtype=np.float32)
    right = panels.GradcamPanel(image, heat, "a/long/path/1.png", "CP", "CP", 0.987)
    wrong = panels.GradcamPanel(image, heat, "2.png", "NCP", "CP", 0.5)
    panels.gradcam_rows(tmp_path / "g.png", {"CP": [right, right], "NCP": [wrong]}, STAMPS)
    assert size(tmp_path / "g.png")[0] == 900
    text = words(drawn[0])
    assert "predicted CP 98.7 %" in text
    assert "2.png predicted CP 50.0 %, wrong" in text
    assert "true: NCP" in text
    assert "NOT A MEDICAL DEVICE" in text.replace("\u00a0", " ")
    assert len(drawn[0].axes) == 7


def test_the_grid_of_test_images_counts_and_marks_the_wrong_ones(tmp_path, drawn):
    image = np.full((16, 24), 90, np.uint8)
    right = panels.Answer(image, "CP", "CP", 0.9)
    wrong = panels.Answer(image, "NCP", "CP", 0.6)
    panels.image_grid(tmp_path / "i.png", [right] * 14 + [wrong] * 2, STAMPS)
    assert size(tmp_path / "i.png")[0] == 900
    assert "2 of 16 wrong" in words(drawn[0])
    titles = [axes.get_title() for axes in drawn[0].axes]
    assert titles[0] == "true: CP\npredicted: CP 90 %"
    assert titles[-1] == "true: NCP\npredicted: CP 60 %"
    assert len(titles) == 16


def test_gradcam_rows_without_images(tmp_path):
    with pytest.raises(InputError, match="at least one image"):
        panels.gradcam_rows(tmp_path / "g.png", {"CP": []})


def test_long_stamps_stay_on_the_page(tmp_path, drawn):
    (tmp_path / "log.csv").write_text(LOG + ROWS)
    stamp = "scaled, not the paper's settings: " + ", ".join(
        f"training.steps {i}" for i in range(12)
    )
    run_figures.learning_curves(tmp_path / "l.png", tmp_path / "log.csv", [*STAMPS, stamp])
    renderer = drawn[0].canvas.get_renderer()
    boxes = [text.get_window_extent(renderer) for text in drawn[0].texts]
    assert max(box.x1 for box in boxes) <= 900
    assert boxes[0].y0 > boxes[1].y1
