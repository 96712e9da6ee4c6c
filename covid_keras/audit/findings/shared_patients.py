"""Patients whose images are in more than one split."""

from covid_keras.audit.check import FAIL, AuditData, Check, Findings
from covid_keras.utils.text import count


class SharedPatients(Check):
    name = "shared patients"
    kind = "leak"
    severity = FAIL
    explanation = "A network recognises patients that it was trained on. Split by patient."

    def find(self, data: AuditData) -> Findings:
        shared = data.patients_with_several("split")
        if shared.empty:
            return
        images = int(data.records["patient"].isin(shared.index).sum())
        first = shared.index[0]
        yield self.finding(
            f"{count(len(shared), 'patient')} in several splits, with"
            f" {count(images, 'image')}; the first is {first} in {' and '.join(shared[first])}",
            {"patients": shared.to_dict()},
        )
