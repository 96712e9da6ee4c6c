"""The progress bar on a stream that is no terminal."""

from covid_keras.utils.progress import progress


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
