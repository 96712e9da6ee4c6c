"""Slices picked by a network and findings that nobody verified, from COVIDx CT's metadata."""

from collections.abc import Iterator

from covid_keras.audit.check import NOTE, AuditData, Check, Finding

COLUMNS = (
    ("slice_selection", "Automatic", "have slices that a network selected"),
    ("verified_finding", "No", "have a finding that nobody verified"),
)
"""Attribute, its value for such images, and what the value means."""


class MachineLabels(Check):
    """Labels that no radiologist made or verified."""

    name = "machine labels"
    kind = "label"
    severity = NOTE
    explanation = (
        "A score on these labels partly measures agreement with another program. Report it on"
        " the verified images as well."
    )

    def find(self, data: AuditData) -> Iterator[Finding]:
        """Yield a finding for each attribute that holds such a value."""
        patients = data.records["patient"]
        for column, value, meaning in COLUMNS:
            if column not in data.attributes:
                continue
            chosen = patients[(data.attributes[column] == value).to_numpy()]
            if chosen.empty:
                continue
            by_split = chosen.groupby(data.records["split"]).nunique().to_dict()
            splits = ", ".join(f"{split} {count:,}" for split, count in by_split.items())
            yield self.finding(
                f"{chosen.nunique():,} of {patients.nunique():,} patients {meaning} ({splits})",
                {"patients": by_split},
            )
