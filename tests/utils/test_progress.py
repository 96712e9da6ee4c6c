"""The progress bar on a stream that is no terminal."""

import sys

from covid_keras.utils import progress as progress_module
from covid_keras.utils.progress import progress, show_as_lines


def test_a_loop_shows_its_begin_and_end_as_lines(capsys):
    assert list(progress("verify", range(1200))) == list(range(1200))
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith("verify [    ") and "0/1200" in first
    assert last.startswith("verify [====") and "1200/1200 [00:00<" in last


def test_resumed_work_begins_where_it_stopped_and_shows_its_note(capsys):
    with progress("train", total=20, start=5) as bar:
        bar.set_postfix_str("loss 0.310 accuracy 0.900", refresh=False)
        bar.update(15)
    first, last = capsys.readouterr().err.splitlines()
    assert "5/20" in first and last.endswith(", loss 0.310 accuracy 0.900]")
    assert "20/20" in last


def test_an_unknown_length_still_counts(capsys):
    with progress("download") as bar:
        bar.update(7)
    assert "7/?" in capsys.readouterr().err


def test_beside_other_processes_the_lines_are_labelled(capsys, monkeypatch):
    monkeypatch.setattr(progress_module, "_label", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    show_as_lines("bit-m/seed_0")
    list(progress("train", range(3)))
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith("bit-m/seed_0 train [") and "3/3" in last
