"""Images without a patient id."""

from covid_keras.audit.check import WARN, AuditData, Check, Findings


class UnknownPatients(Check):
    name = "unknown patients"
    kind = "leak"
    severity = WARN
    explanation = "A patient may be in train and test unnoticed. Report the split as image-level."

    def find(self, data: AuditData) -> Findings:
        unknown = int(data.records["patient"].eq("").sum())
        if unknown:
            yield self.finding(
                f"{unknown:,} of {len(data.records):,} images have no patient id",
                {"images": unknown},
            )
