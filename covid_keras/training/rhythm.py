"""Learning rate and evaluations by optimiser step, as pure functions.

`warmup_step_decay` follows `get_lr` of google-research/big_transfer, bit_hyperrule.py: linear
warm-up from 0 at step 0, then decays by ten, of which one at step s holds from step s + 1 on.
"""


def warmup_step_decay(step: int, base: float, schedule: tuple[int, ...]) -> float:
    """The learning rate at `step`, counted from 0.

    Args:
        step: optimiser step, 0 to schedule[-1] - 1.
        base: the rate after warm-up.
        schedule: (end of warm-up, decay, ..., decay, end of training), ascending.
    """
    warmup, *decays, _ = schedule
    if step < warmup:
        return base * step / warmup
    return base / 10 ** sum(decay < step for decay in decays)


def stepwise(step: int, knees: tuple[int, ...], rates: tuple[float, ...]) -> float:
    """The learning rate at `step`, counted from 0: rates[i] from knees[i] on.

    Args:
        step: optimiser step, 0 to knees[-1] - 1.
        knees: (0, change, ..., change, end of training), ascending; one more than `rates`.
    """
    return rates[sum(knee <= step for knee in knees[1:-1])]


def stretches(steps: int, every: int, start: int) -> list[tuple[int, int, int]]:
    """How `steps` fall into evaluations: (first step, end, steps between evaluations).

    First the whole stretches of `every` steps from `start` on, then what is left over.
    """
    whole = steps - steps % every
    parts = [(start, whole, every), (max(start, whole), steps, steps - whole)]
    return [(first, end, length) for first, end, length in parts if first < end]
