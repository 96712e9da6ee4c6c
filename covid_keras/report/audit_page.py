"""audit.html: the audit as one page that needs no other file."""

from pathlib import Path

import cv2
import numpy as np

from covid_keras.audit import text
from covid_keras.audit.audit import Audit
from covid_keras.audit.findings import Finding
from covid_keras.audit.inventory import SHOWN
from covid_keras.datasets.records import image_root
from covid_keras.images.read import read_image
from covid_keras.report import html_parts as html
from covid_keras.utils.errors import InputError

PAIRS = 20
"""At most so many pairs of a finding are shown; all are in audit.json."""
SIDE = 240


def page(audit: Audit) -> str:
    """The page as text; reads the images of the pairs it shows."""
    header, *counts = text.count_rows(audit)
    return html.page(
        f"Audit of {audit.name}",
        [
            html.paragraph(f"{audit.root}: {text.what_was_read(audit)}."),
            html.bullets(("not a medical device",), "stamps"),
            html.section(
                "What a score on this data set can and cannot show",
                html.bullets(text.words(audit)),
            ),
            html.section("Findings", _findings(audit)),
            html.section(
                text.BLIND.capitalize(),
                html.table(
                    ["a rule that reads only", "right", "of", "accuracy [95 %]", "balanced", "AUC"],
                    [_cells(rule) for rule in audit.baselines],
                ),
                html.paragraph(
                    "Fitted on train, scored on test: gradient-boosted trees on columns, logistic"
                    " regression on thumbnails of 32x32 pixels. Percent; Wilson's interval, which"
                    " counts images as independent."
                ),
            ),
            html.section("Images", html.table(header, counts)),
            html.section("Inventory", *(_inventory(item) for item in audit.inventory)),
            *(_pairs(audit, finding) for finding in audit.findings if finding.pairs),
        ],
    )


def _findings(audit: Audit) -> str:
    rows = [[f.weight.upper(), f.kind, f.text] for f in audit.findings]
    return html.table(["weight", "kind", "what"], rows) if rows else html.paragraph("None.")


def _cells(rule) -> list[str]:
    accuracy = f"{100 * rule.accuracy:.1f} [{100 * rule.low:.1f}, {100 * rule.high:.1f}]"
    numbers = [f"{100 * value:.1f}" for value in (rule.balanced, rule.auc)]
    return [rule.name, f"{rule.right:,}", f"{rule.images:,}", accuracy, *numbers]


def _inventory(item) -> str:
    counts = item.counts.loc[item.counts.sum(axis=1).sort_values(ascending=False).index]
    rows = [[str(value), *(f"{n:,}" for n in row)] for value, row in counts[:SHOWN].iterrows()]
    if len(counts) > SHOWN:
        rest = counts[SHOWN:].sum()
        rows.append([f"{len(counts) - SHOWN:,} other values", *(f"{n:,}" for n in rest)])
    return html.paragraph(f"{item.column}: Cramer's V {item.cramers_v:.2f}") + html.table(
        [item.column, *item.counts.columns], rows
    )


def _pairs(audit: Audit, finding: Finding) -> str:
    shown = finding.pairs[:PAIRS]
    more = len(finding.pairs) - len(shown)
    said = f"{more:,} more are in audit.json." if more else ""
    pictures = [_side_by_side(image_root(audit.root), *pair) for pair in shown]
    return html.section(finding.text, *pictures, html.paragraph(said))


def _side_by_side(root: Path, first: str, second: str) -> str:
    try:
        both = np.hstack([_small(read_image(root / name)) for name in (first, second)])
    except InputError as error:
        return html.paragraph(f"{first} and {second}: {error}")
    return html.image(cv2.imencode(".png", both)[1].tobytes(), f"{first} and {second}")


def _small(image: np.ndarray) -> np.ndarray:
    """uint8 (SIDE, SIDE), the aspect ratio kept, black around it."""
    scale = SIDE / max(image.shape)
    height, width = (max(1, round(scale * side)) for side in image.shape)
    tile = np.zeros((SIDE, SIDE), np.uint8)
    tile[:height, :width] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return tile
