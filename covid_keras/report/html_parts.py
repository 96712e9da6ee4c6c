"""The parts that every HTML page is put together from: no other file, no script, no network."""

import base64
from collections.abc import Iterable, Sequence
from html import escape

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #1a1a1a; background: #fff; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { margin-top: 2.2rem; font-size: 1.2rem;
  border-bottom: 1px solid #bbb; }
.stamps { border: 2px solid #d55e00; padding: .5rem 1rem; margin: 1rem 0; font-weight: 700;
  color: #a34700; text-transform: uppercase; list-style: none; }
table { border-collapse: collapse; margin: .8rem 0; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid #ddd; padding: .25rem .8rem .25rem 0; text-align: left;
  vertical-align: top; } th { border-bottom: 2px solid #888; }
td { overflow-wrap: anywhere; } .wide { font-size: 13px; }
figure { margin: 1.2rem 0; } img { max-width: 100%; height: auto; border: 1px solid #ddd; }
figcaption, .note { color: #444; font-size: 13px; }
code, pre { font-family: ui-monospace, monospace; font-size: 13px; }
pre { background: #f4f4f4; padding: .6rem 1rem; white-space: pre-wrap; }
@media print { body { margin: 0; max-width: none; font-size: 11px; }
  figure, tr { break-inside: avoid; } h2 { break-after: avoid; } }
"""


def page(title: str, parts: Iterable[str]) -> str:
    """A whole page; empty parts are left out."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(part for part in (f"<h1>{escape(title)}</h1>", *parts) if part)
        + "\n</body>\n</html>\n"
    )


def image(png: bytes, caption: str) -> str:
    """A figure with the picture inside the page."""
    data = base64.b64encode(png).decode("ascii")
    return (
        f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{data}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def section(title: str, *parts: str) -> str:
    return "\n".join([f"<h2>{escape(title)}</h2>", *(part for part in parts if part)])


def paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>" if text else ""


def bullets(items: Iterable[str], kind: str = "") -> str:
    entries = "".join(f"<li>{escape(item)}</li>" for item in items)
    return f'<ul class="{kind}">{entries}</ul>' if entries else ""


def table(header: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    head = "".join(f"<th>{escape(str(cell))}</th>" for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>\n"
        for row in rows
    )
    return f'<table class="{kind}"><thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>'
