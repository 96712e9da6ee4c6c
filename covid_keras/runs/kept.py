"""Which step's weights a run keeps, and why."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kept:
    """The weights in model.keras; `str()` says which step they are of, and why."""

    step: int
    steps: int
    """Of the whole training."""
    criterion: str
    """What was best on val; "" where the last step's weights are kept."""
    value: float | None
    """Of the criterion, on val."""

    def __str__(self) -> str:
        if not self.criterion:
            return f"weights of the last step, {self.step:,} (training.keep=last)"
        name = {"auc": "AUC"}.get(self.criterion, self.criterion.replace("_", " "))
        most = "lowest" if self.criterion == "loss" else "highest"
        of = f"step {self.step:,} of {self.steps:,}"
        return f"weights of {of}, with the {most} {name} on val, {self.value:.3f}"
