"""The figures of a study."""

import numpy as np
from made_studies import FakeWorker, run_fake, small_study

from covid_keras.runs.run import Run
from covid_keras.studies.study_figures import curves_figure, write_figures
from covid_keras.utils.files import write_json, write_text


def test_figures_of_the_finished_runs(tmp_path):
    assert write_figures(small_study(), tmp_path) == []
    run_fake(FakeWorker(tmp_path, small_study()), small_study())
    written = write_figures(small_study(), tmp_path)
    assert [path.name for path in written] == ["curves.png", "confusion_matrices.png"]
    for path in written:
        assert path.read_bytes().startswith(b"\x89PNG")


def test_without_val_there_are_no_curves(tmp_path):
    run_fake(FakeWorker(tmp_path, small_study()), small_study())
    for trial in small_study().trials:
        write_json(Run(tmp_path / trial.folder).fingerprint_file, {"images": {"test": {}}})
    written = write_figures(small_study(), tmp_path)
    assert [path.name for path in written] == ["confusion_matrices.png"]


def test_curves_of_folds_of_unlike_length_are_one_line(tmp_path):
    for name, steps in (("a", (10, 20)), ("b", (9, 18))):
        rows = "".join(f"{step},0.{step}\n" for step in steps)
        write_text(tmp_path / name, f"step,val_accuracy\n1,\n{rows}")
    figure = curves_figure({"Row": [tmp_path / "a", tmp_path / "b"]}, [])
    [line] = figure.axes[0].lines
    np.testing.assert_allclose(line.get_xydata(), [[9.5, 50], [19, 19]])
