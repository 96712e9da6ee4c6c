"""Which files a search takes."""

from covid_keras.images.formats import is_image


def test_is_image(tmp_path):
    (tmp_path / "1.2.840.113619").write_bytes(b"\0" * 128 + b"DICM")
    (tmp_path / "IM0001").write_bytes(b"\0" * 128 + b"DICM")
    (tmp_path / "README").write_text("text")
    names = ["a.PNG", "b.jpeg", "c.dcm", "CT.1.2.IMA", "1.2.840.113619", "IM0001"]
    assert all(is_image(tmp_path / name) for name in names)
    names = ["README", "labels.csv", ".hidden.png", "a.nii.gz", "a.gif"]
    assert not any(is_image(tmp_path / name) for name in names)
