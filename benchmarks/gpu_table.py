"""What gpu.py's results say: ratios, shares of the peaks, what bounds each step; as Markdown.

Times are seconds a step, one number a round; rates are FLOP/s and bytes/s.
"""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from covid_keras.utils.errors import InputError

REHEARSAL = "REHEARSAL on a CPU: no figure here is a measurement"
RATIO_GOAL = 1.0
"""Training BiT R50x1: our images/s over those under torch.compile."""
SHARE_GOAL = 0.4
"""Forward pass of BiT R50x1: share of the measured bfloat16 peak."""
GOAL_NETWORK = "bit_r50x1"
NOTE = (
    "Ratios: ours / torch.compile (default mode, no CUDA graphs) in the same round. torchvision's "
    "resnet50 and resnet101 do 6 % more operations than ours. Of peak: a training step counts as "
    "three forward passes. Bytes: operands and results of every "
    "kernel, whole, as if caches kept nothing; so ms / bound can be below 1."
)

SPEED = (
    "network",
    "size",
    "batch",
    "precision",
    "task",
    "images/s [min, max]",
    "torch.compile [min, max]",
    "ratio [min, max]",
    "TFLOP/s",
    "of peak",
    "GB, torch's",
    "s to compile, torch's",
)
BOUNDS = (
    "network",
    "size",
    "precision",
    "task",
    "ms",
    "arithmetic ms",
    "bytes ms",
    "bound by",
    "ms / bound",
    "GB moved, XLA's count",
    "TFLOP, XLA's count",
    "GB held",
)


@dataclass(frozen=True)
class Roofline:
    """The two times that a step cannot be faster than, in seconds."""

    arithmetic: float
    traffic: float

    @property
    def bound(self) -> float:
        """The larger one."""
        return max(self.arithmetic, self.traffic)

    @property
    def bound_by(self) -> str:
        return "arithmetic" if self.arithmetic >= self.traffic else "bytes"


def roofline(flops: float, moved: float, peak: float, bandwidth: float) -> Roofline:
    """For a step of so many FLOPs and bytes, at a peak in FLOP/s and a bandwidth in bytes/s."""
    return Roofline(flops / peak, moved / bandwidth)


def ratios(ours: Sequence[float], peer: Sequence[float]) -> list[float]:
    """Our speed over the peer's in each round."""
    return [theirs / own for own, theirs in zip(ours, peer, strict=True)]


def speeds(seconds: Sequence[float], batch: int) -> list[float]:
    """Images/s in each round."""
    return [batch / second for second in seconds]


def rate(record: dict) -> float:
    """FLOP/s that our side reached, in the median round."""
    return record["flops"] * record["batch"] / statistics.median(record["ours"]["seconds"])


def ceiling(run: dict, name: str) -> float:
    """The larger of the two frameworks' rates; `name` is a precision, or "copy" in bytes/s."""
    return max(rates[name] for rates in run["ceilings"].values())


def share(record: dict, run: dict) -> float:
    """Of the peak that the same run measured in the record's precision."""
    return rate(record) / ceiling(run, record["precision"])


def bound_of(record: dict, run: dict) -> Roofline:
    """Of our side's step: FLOPs as the package counts them, bytes as its kernels move them."""
    flops = record["flops"] * record["batch"]
    moved = record["ours"]["program"]["kernel_bytes"]
    return roofline(flops, moved, ceiling(run, record["precision"]), ceiling(run, "copy"))


def spread(values: Sequence[float], digits: int = 1) -> str:
    """The median, with the smallest and the largest."""
    numbers = (statistics.median(values), min(values), max(values))
    return "{} [{}, {}]".format(*(f"{number:,.{digits}f}" for number in numbers))


def report(results: dict) -> str:
    """All tables and the goals. Raises InputError for rehearsals beside measurements, or nothing.

    Measurements on different GPUs stand in tables of their own.
    """
    records = results["records"]
    if not records:
        raise InputError("no measurement in these results")
    if len({record["rehearsal"] for record in records}) > 1:
        raise InputError("rehearsals and measurements cannot be mixed in one table")
    devices = {run["device"]["name"] for run in results["runs"].values()}
    lines = [REHEARSAL, ""] if records[0]["rehearsal"] else []
    for device in sorted(devices):
        found = [
            (record, run)
            for record in records
            if (run := results["runs"][record["run"]])["device"]["name"] == device
        ]
        if found:
            lines += _section(found)
    return "\n".join([*lines, *([REHEARSAL] if records[0]["rehearsal"] else [])])


def _section(found: list[tuple[dict, dict]]) -> list[str]:
    """Of the records on one GPU, each with its run."""
    found = sorted(found, key=lambda pair: _order(pair[0]))
    runs = {record["run"]: run for record, run in found}
    lines = []
    for run in runs.values():
        lines += [about(run), f"  {ceilings_line(run['ceilings'])}"]
    lines += ["", *markdown(SPEED, (speed_row(*pair) for pair in found))]
    lines += ["", *markdown(BOUNDS, (bounds_row(*pair) for pair in found)), ""]
    lines += [line for record, _ in found for line in (*kernel_lines(record), *doubts(record))]
    return [*lines, NOTE, *goals(found), ""]


def about(run: dict) -> str:
    """One line: the GPU, versions, date, commit, command and seed."""
    parts = [f"{name} {version}" for name, version in run["versions"].items() if version]
    parts += [run["date"], f"commit {run['commit']}", f"seed {run['seed']}", run["command"]]
    return ", ".join([run["device"]["name"], *parts])


def ceilings_line(ceilings: dict) -> str:
    """The measured peaks by framework."""
    return "; ".join(
        f"{name}: bfloat16 {scaled(rates['bfloat16'], 1e12)} TFLOP/s, float32 (tf32) "
        f"{scaled(rates['float32'], 1e12)} TFLOP/s, copy {scaled(rates['copy'], 1e12)} TB/s"
        for name, rates in ceilings.items()
    )


def speed_row(record: dict, run: dict) -> list[str]:
    """The cells of `SPEED`."""
    ours, peer, batch = record["ours"], record["peer"], record["batch"]
    between = ratios(ours["seconds"], peer["seconds"]) if peer else None
    return [
        record["network"],
        f"{record['height']}x{record['width']}",
        str(batch),
        record["precision"],
        record["task"],
        spread(speeds(ours["seconds"], batch)),
        spread(speeds(peer["seconds"], batch)) if peer else "not measured",
        spread(between, 2) if between else "not measured",
        scaled(rate(record), 1e12),
        f"{share(record, run):.0%}",
        both(ours, peer, "peak_bytes", 1e9),
        both(ours, peer, "compile_seconds", 1),
    ]


def bounds_row(record: dict, run: dict) -> list[str]:
    """The cells of `BOUNDS`."""
    roof, program = bound_of(record, run), record["ours"]["program"]
    seconds = statistics.median(record["ours"]["seconds"])
    flops = record["flops"] * record["batch"]
    return [
        record["network"],
        f"{record['height']}x{record['width']}",
        record["precision"],
        record["task"],
        f"{1e3 * seconds:.2f}",
        f"{1e3 * roof.arithmetic:.2f}",
        f"{1e3 * roof.traffic:.2f}",
        roof.bound_by,
        f"{seconds / roof.bound:.2f}",
        f"{scaled(program['kernel_bytes'], 1e9)}, {scaled(program['xla_bytes'], 1e9)}",
        f"{scaled(flops, 1e12)}, {scaled(program['xla_flops'], 1e12)}",
        scaled(program["memory_bytes"], 1e9),
    ]


def both(ours: dict, peer: dict | None, name: str, unit: float) -> str:
    """A number of each side."""
    return f"{scaled(ours[name], unit)}, {scaled(peer[name] if peer else None, unit)}"


def scaled(number: float | None, unit: float) -> str:
    """With three digits, in `unit`; "n/a" where there is none."""
    return "n/a" if number is None else f"{number / unit:.3g}"


def kernel_lines(record: dict) -> list[str]:
    """Where a traced step spent its time."""
    kernels = record["ours"].get("kernels")
    if not kernels:
        return []
    total = sum(kernels.values())
    parts = [f"{kind} {ms:.2f} ms ({ms / total:.0%})" for kind, ms in kernels.items()]
    return [f"{label(record)}: kernels take {total:.2f} ms a step: {', '.join(parts)}"]


def doubts(record: dict) -> list[str]:
    """Losses that are no numbers: such a step was not training."""
    sides = (("ours", record["ours"]), ("torch's", record["peer"]))
    return [
        f"{label(record)}: the loss of {name} is not finite ({side['loss']})"
        for name, side in sides
        if side and side["loss"] is not None and not abs(side["loss"]) < float("inf")
    ]


def goals(found: list[tuple[dict, dict]]) -> list[str]:
    """Which goals the figures meet."""
    lines = []
    for record, run in found:
        if record["network"] != GOAL_NETWORK:
            continue
        if record["task"] == "train" and record["peer"]:
            pairs = ratios(record["ours"]["seconds"], record["peer"]["seconds"])
            reached, goal = statistics.median(pairs), RATIO_GOAL
            said = f"goal {goal:.1f}x torch.compile, measured {reached:.2f}"
        elif record["task"] == "inference" and record["precision"] == "bfloat16":
            reached, goal = share(record, run), SHARE_GOAL
            said = f"goal {goal:.0%} of the bfloat16 peak, measured {reached:.1%}"
        else:
            continue
        lines.append(f"{label(record)}: {said}: {'met' if reached >= goal else 'MISSED'}")
    return lines or [f"goals for {GOAL_NETWORK}: not measured"]


def label(record: dict) -> str:
    """A record's name in a sentence."""
    size = f"{record['height']}x{record['width']}"
    return f"{record['network']} {size} {record['precision']} {record['task']}"


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table."""
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _order(record: dict) -> tuple:
    """BiT first, then by name; large before small."""
    return (
        record["network"] != GOAL_NETWORK,
        record["network"],
        -record["height"],
        record["precision"],
        record["task"],
    )
