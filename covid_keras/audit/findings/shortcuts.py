"""Problems of kind "shortcut": how a score is possible without a look at the lungs."""

from covid_keras.audit.check import NOTE, WARN, AuditData, Problem, Problems, check

STRONG = 0.8
"""Balanced accuracy from which on a baseline is reported."""


@check(
    "shortcut",
    WARN,
    "A network can score by recognising the source. Report scores within sources.",
)
def one_source(data: AuditData) -> Problems:
    known = data.records[data.records["source"] != ""]
    for (split, label), rows in known.groupby(["split", "label"]):
        others = known[(known["split"] == split) & (known["label"] != label)]
        source = rows["source"].iloc[0]
        shared = (others["source"] == source).mean()
        if rows["source"].nunique() > 1 or others.empty or shared == 1:
            continue
        others_too = f"as do {shared:.0%} of the images of other classes"
        yield Problem(
            f"{split}: all {len(rows):,} images of class {label} come from {source},"
            f" {others_too if shared else 'and no other image does'}",
            {"split": split, "class": label, "source": source, "others": float(shared)},
            severity=WARN if shared == 0 else NOTE,
        )
    labels = known.drop_duplicates(["source", "label"]).set_index("source")["label"]
    pure = labels[~labels.index.duplicated(keep=False)].sort_index()
    if len(pure) and (sources := labels.index.nunique()) > 1:
        named = ", ".join(f"{source} ({label})" for source, label in pure.items())
        yield Problem(
            f"{len(pure)} of {sources} sources have images of one class only: {named}",
            {"sources": pure.to_dict()},
            severity=NOTE,
        )


@check(
    "shortcut", WARN, "A network can score by the same shortcut. Report both, and the difference."
)
def strong_baselines(data: AuditData) -> Problems:
    for baseline in data.baselines:
        if not baseline.blind or baseline.balanced_accuracy < STRONG:
            continue
        correct, images = baseline.correct, baseline.images
        share = f"all {images:,}" if correct == images else f"{correct:,} of {images:,}"
        yield Problem(
            f"{baseline.reads} predicts {share} test images correctly"
            f" (balanced accuracy {100 * baseline.balanced_accuracy:.1f} %)",
            {"baseline": baseline.name, "correct": correct, "images": images},
        )
