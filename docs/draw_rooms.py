"""Draw which rooms of the package import which, into docs/images/rooms.svg.

    python docs/draw_rooms.py

Rows and columns are the rooms in the order of the layers in .importlinter. A dot means that the
room of the row imports the room of the column. All dots lie above the diagonal: imports only point
down.
"""

from configparser import ConfigParser
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "images" / "rooms.svg"
CELL, LABELS = 24, 92
"""Pixels: the side of a cell, and the width of the rooms' names."""


def rooms() -> list[str]:
    """Return the rooms from the top layer to the bottom one, as .importlinter lists them."""
    config = ConfigParser()
    config.read(ROOT / ".importlinter", encoding="utf-8")
    layers = config["importlinter:contract:layers"]["layers"]
    return [room for room in layers.split() if room not in ("|", ":")]


def imports() -> set[tuple[str, str]]:
    """Return (importing room, imported room) for all imports between different rooms."""
    graph = grimp.build_graph("covid_keras", cache_dir=None)
    pairs = set()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            names = [name.split(".")[1:2] for name in (module, imported)]
            if all(names) and names[0] != names[1]:
                pairs.add((names[0][0], names[1][0]))
    return pairs


def svg() -> str:
    """Return the picture."""
    order = rooms()
    side = LABELS + CELL * len(order)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side + 8} {side + 8}" '
        f'width="{side + 8}" font-family="sans-serif" font-size="13">',
        "<title>Which room of covid_keras imports which</title>",
        f'<rect width="{side + 8}" height="{side + 8}" fill="white"/>',
    ]
    for place, room in enumerate(order):
        start, middle = LABELS + CELL * place, LABELS + CELL * place + CELL / 2
        parts += [
            f'<rect x="{start}" y="{start}" width="{CELL}" height="{CELL}" fill="#d9d9d9"/>',
            f'<path d="M{LABELS} {start}H{side}M{start} {LABELS}V{side}" stroke="#e8e8e8"/>',
            f'<text x="{LABELS - 6}" y="{middle + 5}" text-anchor="end">{room}</text>',
            f'<text transform="translate({middle + 5} {LABELS - 6}) rotate(-90)">{room}</text>',
        ]
    for importing, imported in sorted(imports()):
        if importing in order and imported in order:
            x, y = (LABELS + CELL * (order.index(name) + 0.5) for name in (imported, importing))
            parts.append(f'<circle cx="{x}" cy="{y}" r="5" fill="#1f4e79"/>')
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    PICTURE.write_text(svg(), encoding="utf-8")
    print(f"wrote {PICTURE.relative_to(ROOT)}")
