"""Problems of kind "shortcut": how a score is possible without a look at the lungs."""

from covid_keras.audit.check import NOTE, WARN, AuditData, Problem, Problems, check
from covid_keras.utils.text import percent

STRONG = 0.6
"""Share of the way from chance to 1 from which on a baseline is reported: in balanced accuracy
(80 % in two classes, 73 % in three) or in AUC (80 %)."""


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
    chance = 1 / len(data.classes)
    for baseline in data.baselines:
        above = (baseline.balanced_accuracy - chance) / (1 - chance), 2 * baseline.auc - 1
        if not baseline.blind or max(above) < STRONG:
            continue
        correct, images = baseline.correct, baseline.images
        share = f"all {images:,}" if correct == images else f"{correct:,} of {images:,}"
        yield Problem(
            f"{baseline.reads} predicts {share} test images correctly"
            f" (balanced accuracy {percent(baseline.balanced_accuracy)} %, chance"
            f" {percent(chance)} %; AUC {percent(baseline.auc)} %)",
            {"baseline": baseline.name, "correct": correct, "images": images},
        )
