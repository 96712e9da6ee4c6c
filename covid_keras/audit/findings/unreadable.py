"""Images that are missing or damaged, where others can be read."""

from covid_keras.audit.check import FAIL, AuditData, Check, Findings


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
