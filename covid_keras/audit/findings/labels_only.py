"""A dataset whose images are not here."""

from collections.abc import Iterator

from covid_keras.audit.check import NOTE, AuditData, Check, Finding


class LabelsOnly(Check):
    """Label files without any of their images."""

    name = "labels only"
    kind = "file"
    severity = NOTE
    explanation = "Copies, file formats and thumbnails were not audited."

    def find(self, data: AuditData) -> Iterator[Finding]:
        """Yield a finding if no image exists."""
        if data.scan is None:
            yield self.finding(
                f"none of {len(data.records):,} images exists: only the labels were audited",
                {"images": len(data.records)},
            )
