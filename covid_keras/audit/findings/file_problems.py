"""Problems of kind "file": images that cannot be read, or do not exist."""

from covid_keras.audit.check import FAIL, NOTE, AuditData, Check, Findings


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


class Unreadable(Check):
    name = "unreadable images"
    kind = "file"
    severity = FAIL
    explanation = "Training would stop at these images. Restore them, or remove their labels."

    def find(self, data: AuditData) -> Findings:
        if data.scan is not None and (unreadable := data.scan.unreadable):
            yield self.finding(
                f"{len(unreadable):,} of {len(unreadable) + len(data.scan.table):,} images cannot"
                f" be read; the first: {unreadable[0]}",
                {"images": list(unreadable)},
            )
