"""Fetch a data set: single files with a hash, Kaggle sets, or an instruction for a person."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from covid_keras.datasets import catalogue
from covid_keras.utils.download import download
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import make_folder
from covid_keras.utils.optional import need


@dataclass(frozen=True)
class Fetched:
    """The files and folders in place, and what a person still has to do ("" for nothing)."""

    files: tuple[Path, ...]
    instruction: str


def fetch(name: str, out: str | Path, *, base_url: str | None = None) -> Fetched:
    """Fetch what can be fetched of a data set into the folder `out`.

    A file with the right hash is not fetched again, a download that breaks off leaves no file
    behind, and Kaggle downloads resume.

    Args:
        name: a name of `covid-keras data list`.
        out: the data set's folder; it is made.
        base_url: a mirror that holds the single files under their own names.

    Raises:
        InputError: a download failed (with the file, its address and where to put it), a file has
            another hash than expected, or kagglehub is needed and not installed.
    """
    card, out, files = catalogue.get(name), Path(out), []
    make_folder(out)
    for file in card.downloads:
        url = f"{base_url.rstrip('/')}/{file.path}" if base_url else file.url
        files.append(download(url, out / file.path, f"sha256:{file.sha256}"))
    if card.kaggle:
        files += _fetch_kaggle(card.kaggle, out)
    return Fetched(tuple(files), "" if card.kaggle else card.instruction)


def _fetch_kaggle(handle: str, out: Path) -> list[Path]:
    address = f"https://www.kaggle.com/datasets/{'/'.join(handle.split('/')[:2])}"
    by_hand = f"download it from {address} and unpack it into {out}"
    need("kagglehub", f"{out}: Kaggle data set {handle}", "fetch", by_hand)
    import kagglehub

    cache, before = out / ".kagglehub", os.environ.pop("KAGGLEHUB_CACHE", None)
    os.environ["KAGGLEHUB_CACHE"] = str(cache)
    try:
        source = Path(kagglehub.dataset_download(handle))
    except Exception as error:  # kagglehub's errors have no base class of their own
        raise InputError(
            f"{out}: cannot download Kaggle data set {handle}: {error}; or {by_hand}"
        ) from error
    finally:
        del os.environ["KAGGLEHUB_CACHE"]
        if before is not None:
            os.environ["KAGGLEHUB_CACHE"] = before
    placed = []
    for entry in sorted(source.iterdir()):
        target = out / entry.name
        if not target.exists():
            shutil.move(entry, target)
        placed.append(target)
    shutil.rmtree(cache)
    return placed
