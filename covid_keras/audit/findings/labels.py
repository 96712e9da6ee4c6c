"""Problems of kind "label": doubtful labels, and other counts of images than published."""

from covid_keras.audit.check import NOTE, WARN, AuditData, Check, Findings
from covid_keras.utils.text import count


class MachineLabels(Check):
    name = "machine labels"
    kind = "label"
    severity = NOTE
    explanation = "Scores partly measure agreement with a program. Report verified images too."

    def find(self, data: AuditData) -> Findings:
        patients = data.records["patient"]
        for column, value, meaning in (
            ("slice_selection", "Automatic", "have slices that a network selected"),
            ("verified_finding", "No", "have an unverified finding"),
        ):
            if column not in data.attributes:
                continue
            chosen = patients[data.attributes[column].eq(value).to_numpy()]
            if by_split := chosen.groupby(data.records["split"]).nunique().to_dict():
                splits = ", ".join(f"{split} {n:,}" for split, n in by_split.items())
                yield self.finding(
                    f"{chosen.nunique():,} of {patients.nunique():,} patients {meaning} ({splits})",
                    {"patients": by_split},
                )


class PublishedCounts(Check):
    name = "published counts"
    kind = "label"
    severity = WARN
    explanation = "This is another version of the dataset: published scores do not compare."

    def find(self, data: AuditData) -> Findings:
        different = {}
        for split in data.card.images:
            labels = data.records["label"][(split == "") | data.records["split"].eq(split)]
            here = labels.value_counts()
            for label, published in data.card.counts(split).items():
                counts = {"published": published, "here": int(here.get(label, 0))}
                if len(labels) and counts["here"] != published:
                    different[f"{split} {label}".strip()] = counts
        if different:
            name, counts = next(iter(different.items()))
            yield self.finding(
                f"{count(len(different), 'count')} of images not as published; the first is {name}:"
                f" {counts['published']:,} published, {counts['here']:,} here",
                {"counts": different},
            )


class TwoLabels(Check):
    name = "two labels"
    kind = "label"
    severity = WARN
    explanation = "A label may be wrong. Patient-level scores need one label per patient."

    def find(self, data: AuditData) -> Findings:
        if (several := data.patients_with_several("label")).empty:
            return
        patients = data.records.loc[data.records["patient"] != "", "patient"].nunique()
        first = several.index[0]
        yield self.finding(
            f"{len(several):,} of {patients:,} patients have more than one label;"
            f" the first is {first}: {' and '.join(several[first])}",
            {"patients": several.to_dict()},
        )
