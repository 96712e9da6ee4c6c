"""Baselines that cannot see the centre of the image and yet score high."""

from covid_keras.audit.check import WARN, AuditData, Check, Findings

STRONG = 0.8
"""Balanced accuracy from which on a baseline is reported."""


class StrongBaselines(Check):
    name = "strong baselines"
    kind = "shortcut"
    severity = WARN
    explanation = "A network can score by the same shortcut. Report both, and the difference."

    def find(self, data: AuditData) -> Findings:
        for baseline in data.baselines:
            if not baseline.blind or baseline.balanced_accuracy < STRONG:
                continue
            correct, images = baseline.correct, baseline.images
            share = f"all {images:,}" if correct == images else f"{correct:,} of {images:,}"
            yield self.finding(
                f"{baseline.reads} predicts {share} test images correctly"
                f" (balanced accuracy {100 * baseline.balanced_accuracy:.1f} %)",
                {"baseline": baseline.name, "correct": correct, "images": images},
            )
