"""What `predict` prints, and its exit status, for a table of answers."""

import pandas as pd
import pytest

import covid_keras
from covid_keras.cli.main import main

ROWS = {
    "answered": ("covid", 0.9),
    "answered with warning: looks blurred": ("normal", 0.2),
    "not answered: left out: secondary capture of CT": ("", float("nan")),
    "not answered: truncated": ("", float("nan")),
}


@pytest.fixture
def printed(tmp_path, monkeypatch, capsys):
    def run(*sources: str, status: tuple[str, ...]):
        table = pd.DataFrame(
            {"image": f"/scans/{place}.dcm", "source": source, "status": text}
            | dict(zip(("predicted", "covid"), ROWS[text], strict=True))
            for place, (source, text) in enumerate(zip(sources, status, strict=True))
        ).assign(normal=0.2)
        table.attrs["patients"] = [{"patient": "p12", "predicted": "covid", "covid": 0.75}]
        monkeypatch.setattr(covid_keras, "predict", lambda *_, **__: table, raising=False)
        code = main(["predict", str(tmp_path), "scan", "--out", str(tmp_path / "out.csv")])
        return code, capsys.readouterr()

    return run


def test_images_that_a_rule_leaves_out_are_counted_and_are_no_failure(printed):
    status = [*ROWS][:3]
    code, said = printed("a", "a", "a", status=status)
    assert code == 0 and said.err == ""
    assert "1 image not answered: left out: secondary capture of CT" in said.out
    assert "predicted covid: 1 image" in said.out and "p12" in said.out and "0.750" in said.out


def test_an_unreadable_image_and_an_input_without_an_answer_have_status_3(printed):
    code, said = printed("a", "a", status=("answered", "not answered: truncated"))
    assert code == 3 and "not answered: /scans/1.dcm: truncated" in said.err
    code, said = printed("a", "b", status=("answered", [*ROWS][2]))
    assert code == 3 and "no answer: nothing in b was answered" in said.err
