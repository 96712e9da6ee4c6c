"""Captions of the figures in a folder, as text that can stand in a paper."""

from collections.abc import Mapping
from pathlib import Path

from covid_keras.utils.files import write_text


def write_captions(folder: Path, captions: Mapping[str, str]) -> Path:
    """Write captions.md, a paragraph for each figure; return its path.

    `captions` is {file name without its ending: caption}.
    """
    path = folder / "captions.md"
    write_text(path, "\n\n".join(f"**{name}.** {text}" for name, text in captions.items()) + "\n")
    return path
