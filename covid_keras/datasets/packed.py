"""What a data set that was packed into one file says of itself."""

import json
from pathlib import Path

NOTE = "packed.json"


def stamp(root: Path) -> list[str]:
    """What runs on the data set in `root` must say, if it was packed."""
    if not (root / NOTE).exists():
        return []
    note = json.loads((root / NOTE).read_text(encoding="utf-8"))
    size = "in their size,"
    if note["fit"]:
        size = "made smaller to fit {} x {} pixels,".format(*note["fit"])
    encoding = "stored as PNG"
    if note["quality"]:
        encoding = f"JPEG {note['quality']}, {note['difference']} grey levels off in the mean"
    return [f"PACKED: images {size} {encoding}"]
