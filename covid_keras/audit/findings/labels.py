"""Problems of kind "label": doubtful labels, and other counts of images than published."""

from covid_keras.audit.check import NOTE, WARN, AuditData, Problem, Problems, check
from covid_keras.utils.text import count

MADE_BY_MACHINES = (
    ("slice_selection", "Automatic", "have slices that a network selected"),
    ("verified_finding", "No", "have an unverified finding"),
)
"""(attribute, value, what the patients with this value have)."""


@check(
    "label",
    NOTE,
    "Scores partly measure agreement with a program. Report verified images too.",
)
def machine_labels(data: AuditData) -> Problems:
    patients = data.records["patient"]
    for column, value, meaning in MADE_BY_MACHINES:
        if column not in data.attributes:
            continue
        chosen = patients[data.attributes[column].eq(value).to_numpy()]
        if by_split := chosen.groupby(data.records["split"]).nunique().to_dict():
            splits = ", ".join(f"{split} {n:,}" for split, n in by_split.items())
            yield Problem(
                f"{chosen.nunique():,} of {patients.nunique():,} patients {meaning} ({splits})",
                {"patients": by_split},
            )


@check("label", WARN, "This is another version of the dataset: published scores do not compare.")
def published_counts(data: AuditData) -> Problems:
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
        yield Problem(
            f"{count(len(different), 'count')} of images not as published; the first is {name}:"
            f" {counts['published']:,} published, {counts['here']:,} here",
            {"counts": different},
        )


@check("label", WARN, "A label may be wrong. Patient-level scores need one label per patient.")
def two_labels(data: AuditData) -> Problems:
    if (several := data.patients_with_several("label")).empty:
        return
    patients = data.records.loc[data.records["patient"] != "", "patient"].nunique()
    first = several.index[0]
    yield Problem(
        f"{len(several):,} of {patients:,} patients have more than one label;"
        f" the first is {first}: {' and '.join(several[first])}",
        {"patients": several.to_dict()},
    )
