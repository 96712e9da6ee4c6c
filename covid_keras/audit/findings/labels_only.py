"""Label files without any of their images."""

from covid_keras.audit.check import NOTE, AuditData, Check, Findings


class LabelsOnly(Check):
    name = "labels only"
    kind = "file"
    severity = NOTE
    explanation = "Copies, file formats and thumbnails were not audited."

    def find(self, data: AuditData) -> Findings:
        if data.scan is None:
            yield self.finding(
                f"none of {len(data.records):,} images exists: only the labels were audited",
                {"images": len(data.records)},
            )
