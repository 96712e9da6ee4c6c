"""Patients whose images have different labels."""

from covid_keras.audit.check import WARN, AuditData, Check, Findings


class TwoLabels(Check):
    name = "two labels"
    kind = "label"
    severity = WARN
    explanation = "A label may be wrong. Patient-level scores need one label per patient."

    def find(self, data: AuditData) -> Findings:
        several = data.patients_with_several("label")
        if several.empty:
            return
        patients = data.records.loc[data.records["patient"] != "", "patient"].nunique()
        first = several.index[0]
        yield self.finding(
            f"{len(several):,} of {patients:,} patients have more than one label;"
            f" the first is {first}: {' and '.join(several[first])}",
            {"patients": several.to_dict()},
        )
