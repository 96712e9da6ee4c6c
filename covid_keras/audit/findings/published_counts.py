"""Classes with more or fewer images than published."""

from covid_keras.audit.check import WARN, AuditData, Check, Findings
from covid_keras.utils.text import count


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
