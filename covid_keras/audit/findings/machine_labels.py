"""Slices selected by a network and unverified findings, from COVIDx CT's metadata."""

from covid_keras.audit.check import NOTE, AuditData, Check, Findings


class MachineLabels(Check):
    name = "machine labels"
    kind = "label"
    severity = NOTE
    explanation = "Scores partly measure agreement with a program. Report verified images too."

    def find(self, data: AuditData) -> Findings:
        patients = data.records["patient"]
        for column, value, meaning in (
            ("slice_selection", "Automatic", "have slices that a network selected"),
            ("verified_finding", "No", "have a finding that nobody verified"),
        ):
            if column not in data.attributes:
                continue
            chosen = patients[data.attributes[column].eq(value).to_numpy()]
            if by_split := chosen.groupby(data.records["split"]).nunique().to_dict():
                splits = ", ".join(f"{split} {count:,}" for split, count in by_split.items())
                yield self.finding(
                    f"{chosen.nunique():,} of {patients.nunique():,} patients {meaning} ({splits})",
                    {"patients": by_split},
                )
