"""Find the images below a folder: what a search takes, leaves out, and says about it."""

import logging
import os
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePath

from covid_keras.images.formats import IMAGE_SUFFIXES, is_image

SYSTEM_FOLDERS = frozenset(
    {"__macosx", "__pycache__", "@eadir", "$recycle.bin", "lost+found", "system volume information"}
)
"""Folders of file managers and network drives, in lower case; none holds images of a user."""
MASK_FOLDERS = frozenset({"mask", "masks", "segmentation", "segmentations"})
"""Folders, in lower case, whose images are masks if there are other images beside them."""

_log = logging.getLogger(__name__)


def is_hidden(path: PurePath | str) -> bool:
    """Return whether a part of the relative path begins with a dot or is a system folder."""
    parts = PurePath(path).parts
    return any(part.startswith(".") or part.lower() in SYSTEM_FOLDERS for part in parts)


def images_below(folder: Path) -> list[Path]:
    """Return the images in `folder` and its subfolders, sorted; warn of what is left out.

    Left out without a word: hidden files and system folders. Left out with a warning: masks beside
    images, and files that are no images. Pipes, sockets and devices are never opened.
    """
    files = list(_files(folder))
    images = [path for path in files if is_image(path)]
    masks = {path: name for path in images if (name := _mask_folder(path.relative_to(folder)))}
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


def _mask_folder(path: PurePath) -> str:
    """Return the part of the path that is a folder of masks, "" if none is."""
    return next((part for part in path.parts[:-1] if part.lower() in MASK_FOLDERS), "")
