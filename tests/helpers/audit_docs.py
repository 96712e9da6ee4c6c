"""Numbers that docs/how-to/audit.md states."""

import re
from pathlib import Path


def right_in_docs(name: str) -> tuple[int, int]:
    """The "412 of 496 test images" of this data set's row in docs/how-to/audit.md."""
    docs = Path(__file__).parents[2] / "docs" / "how-to" / "audit.md"
    row = next(line for line in docs.read_text().splitlines() if line.startswith(f"| {name}"))
    return tuple(map(int, re.search(r"(\d+) of (\d+) test images", row).groups()))
