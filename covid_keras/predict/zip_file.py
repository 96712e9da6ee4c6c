"""Images inside ZIP files, which are read from memory: nothing is unpacked to disk.

A member's name is only ever shown. Sizes are bounded before a member is read and while it is.
"""

import stat
import zipfile
from contextlib import suppress
from pathlib import Path, PurePosixPath

from covid_keras.images.find import is_hidden
from covid_keras.images.formats import HEAD, IMAGE_SUFFIXES, MAX_PIXELS, explained, is_dicom
from covid_keras.utils.errors import InputError

MOST_MEMBERS = 100_000
MOST_BYTES = 64 * 2**30
"""Of all members together, unpacked."""
MOST_MEMBER_BYTES = 2 * MAX_PIXELS + 1_000_000
"""Of one member, unpacked: the largest image of 16 bits, and a long header."""
MOST_RATIO = 200
"""Of unpacked to packed bytes, for members of `LARGE` bytes or more. CT packs to about a half."""
LARGE = 10_000_000


def is_zip(path: Path) -> bool:
    """Return whether a file is a ZIP archive, by its first bytes."""
    with path.open("rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


class ZipImages:
    """The images in an archive, in the order of their names.

    Args:
        path: of the archive.

    Raises:
        InputError: it is damaged, or is larger than `MOST_MEMBERS` or `MOST_BYTES`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with explained(path, "damaged ZIP file"):
            self._zip = zipfile.ZipFile(path)
        infos = [info for info in self._zip.infolist() if not info.is_dir()]
        for what, found, most in (
            ("files", len(infos), MOST_MEMBERS),
            ("bytes unpacked", sum(info.file_size for info in infos), MOST_BYTES),
        ):
            if found > most:
                raise InputError(f"{path}: expected at most {most:,} {what}. Received: {found:,}")
        infos = [each for each in infos if _leads_out(each) or not is_hidden(each.filename)]
        self.images = sorted(filter(self._is_image, infos), key=lambda info: info.filename)
        self.others = len(infos) - len(self.images)

    def read(self, info: zipfile.ZipInfo, limit: int = -1) -> bytes:
        """Return a member's first `limit` bytes, or all.

        Raises:
            InputError: it is encrypted, packed in an unusual way, too large, or damaged.
        """
        where = f"{self.path}/{info.filename}"
        if reason := _why_not_read(info):
            raise InputError(f"{where}: {reason}")
        with explained(where, "damaged in its ZIP file"), self._zip.open(info) as member:
            return member.read(limit)

    def _is_image(self, info: zipfile.ZipInfo) -> bool:
        """Return whether a member is taken, by the rule of files in folders (`is_image`)."""
        suffix = PurePosixPath(info.filename).suffix.lower()
        if suffix in IMAGE_SUFFIXES:
            return True
        if not (suffix == "" or suffix[1:].isdigit()):
            return False
        with suppress(InputError):
            return is_dicom(self.read(info, HEAD))
        return False


def _leads_out(info: zipfile.ZipInfo) -> bool:
    return info.filename.startswith("/") or ".." in PurePosixPath(info.filename).parts


def _why_not_read(info: zipfile.ZipInfo) -> str:
    """Return why a member is not read; "" if it is."""
    if _leads_out(info):
        return "its name leads out of the ZIP file"
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        return "expected a file. Received: a link or device"
    if info.flag_bits & 1:
        return "encrypted: unpack the ZIP file first"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"packed by method {info.compress_type}: unpack the ZIP file first"
    if info.file_size > MOST_MEMBER_BYTES:
        expected = f"at most {MOST_MEMBER_BYTES:,} bytes unpacked"
        return f"expected {expected}. Received: {info.file_size:,}"
    if info.file_size >= LARGE and info.file_size > MOST_RATIO * info.compress_size:
        expected = f"at most {MOST_RATIO} bytes from each packed one"
        return f"expected {expected}. Received: {info.file_size:,} from {info.compress_size:,}"
    return ""
