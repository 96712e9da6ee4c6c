"""Find the images below a folder: what a search takes, leaves out, and says about it."""

import logging
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePath

from covid_keras.images.formats import IMAGE_SUFFIXES, is_image, is_volume

SYSTEM_FOLDERS = frozenset(
    {"__macosx", "__pycache__", "@eadir", "$recycle.bin", "lost+found", "system volume information"}
)
"""Folders of file managers and network drives, in lower case; none holds images of a user."""
MASK_WORDS = frozenset({"mask", "masks", "segmentation", "segmentations"})
"""Last words, in lower case, of folders of masks and of masks beside their image (a_mask.png)."""

_log = logging.getLogger(__name__)


def is_hidden(path: PurePath | str) -> bool:
    """Return whether a part of the relative path begins with a dot or is a system folder."""
    parts = PurePath(path).parts
    return any(part.startswith(".") or part.lower() in SYSTEM_FOLDERS for part in parts)


def images_below(folder: Path, volumes: bool = False) -> list[Path]:
    """Return the images in `folder` and its subfolders, sorted; warn of what is left out.

    With `volumes`, NIfTI and MetaImage files are images as well.

    Left out without a word: hidden files and system folders. Left out with a warning: masks beside
    images, and files that are no images. Pipes, sockets and devices are never opened.
    """
    files = list(_files(folder))
    images = [path for path in files if is_image(path) or (volumes and is_volume(path))]
    stems = {path.with_suffix("") for path in images}
    masks = {path: name for path in images if (name := _mask_name(path, folder, stems))}
    masks = {} if len(masks) == len(images) else masks
    others = Counter(path.suffix or path.name for path in set(files) - set(images))
    left_out = {
        f"masks ({', '.join(sorted(set(masks.values())))})": masks,
        f"not {' '.join(IMAGE_SUFFIXES)} ({', '.join(sorted(others))})": range(others.total()),
    }
    for what, found in left_out.items():
        if found and images:
            _log.warning("%s: left out %d files: %s", folder, len(found), what)
    return sorted(set(images) - masks.keys())


def _files(folder: Path) -> Iterator[Path]:
    """Yield the regular files below `folder` that are not hidden; links to folders end there."""
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_hidden(name)]
        for path in (Path(parent) / name for name in names if not is_hidden(name)):
            if path.exists() and stat.S_ISREG(path.stat().st_mode):
                yield path


def _mask_name(path: Path, folder: Path, stems: set[Path]) -> str:
    """Return what tells that an image is a mask, a folder or its own name's end; "" if it is none.

    Its name tells only if the image without this end is in `stems`.
    """
    parts = path.relative_to(folder).parts[:-1]
    if found := [part for part in parts if _last_word(part)[1] in MASK_WORDS]:
        return found[0]
    stem, word = _last_word(path.stem)
    is_mask = word in MASK_WORDS and path.parent / stem in stems
    return f"*{path.stem.removeprefix(stem)}" if is_mask else ""


def _last_word(name: str) -> tuple[str, str]:
    """Return what is before the last word of a name, and the word in lower case."""
    before, _, word = re.fullmatch(r"(.*?)([ _-]?)([^ _-]*)", name).groups()
    return before, word.lower()
