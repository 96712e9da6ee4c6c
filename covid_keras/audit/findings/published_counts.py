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
            rows = data.records[data.records["split"] == split] if split else data.records
            if rows.empty:
                continue
            for label, published in data.card.counts(split).items():
                here = int((rows["label"] == label).sum())
                if here != published:
                    different[f"{split} {label}".strip()] = {"published": published, "here": here}
        if not different:
            return
        name, numbers = next(iter(different.items()))
        yield self.finding(
            f"{count(len(different), 'count')} of images not as published; the first is {name}:"
            f" {numbers['published']:,} published, {numbers['here']:,} here",
            {"counts": different},
        )
