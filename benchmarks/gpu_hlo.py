"""Bytes that a compiled program moves, counted from its text.

XLA's own count leaves out what it does not know, such as calls of cuDNN. Here every operation
that runs by itself reads each of its operands once, whole, and writes its results once: the
traffic of the program as compiled, if caches kept nothing from one kernel to the next.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

BITS = {"pred": 8, "c64": 64, "c128": 128}
"""Of element types whose name does not end in their bits."""
FREE = {
    "after-all",
    "bitcast",
    "constant",
    "get-tuple-element",
    "opt-barrier",
    "parameter",
    "partition-id",
    "replica-id",
    "tuple",
}
"""Operations that move nothing."""

_COMPUTATION = re.compile(r"^(ENTRY )?%?([\w.\-]+) .*\{$")
_INSTRUCTION = re.compile(r"^\s+(?:ROOT )?%?([\w.\-]+) = (\(.*?\)|\S+) ([\w\-]+)\((.*)$")
_ARRAY = re.compile(r"\b([a-z]+\d*\w*)\[([\d,]*)\]")
_CALLED = re.compile(r"(?:to_apply|body|calls|true_computation|false_computation)=%?([\w.\-]+)")
_BRANCHES = re.compile(r"branch_computations=\{([^}]*)\}")
_TRIPS = re.compile(r'"known_trip_count":\{"n":"(\d+)"')


@dataclass(frozen=True)
class Instruction:
    """One line of a computation."""

    name: str
    type: str
    operation: str
    rest: str
    """Operands and attributes."""

    @property
    def operands(self) -> set[str]:
        """Names between the parentheses of the call."""
        depth = 1
        for place, character in enumerate(self.rest):
            depth += (character == "(") - (character == ")")
            if not depth:
                return set(re.findall(r"%([\w.\-]+)", self.rest[:place]))
        return set()


def kernel_bytes(text: str) -> int:
    """Bytes read and written by one run of the program `text` (HLO, after optimisation).

    A loop counts as often as it says that it runs, else once; of a conditional all branches.
    """
    computations, entry = parse(text)
    return _bytes_of(computations, entry)


def parse(text: str) -> tuple[dict[str, list[Instruction]], str]:
    """The instructions of every computation, and the name of the first one to run."""
    computations: dict[str, list[Instruction]] = {}
    entry, current = "", []
    for line in text.splitlines():
        if instruction := _INSTRUCTION.match(line):
            current.append(Instruction(*instruction.groups()))
        elif computation := _COMPUTATION.match(line):
            current = computations.setdefault(computation[2], [])
            entry = computation[2] if computation[1] else entry
    return computations, entry


def type_bytes(type_: str) -> int:
    """Of an array, or of all in a tuple."""
    return sum(_array_bytes(element, sides) for element, sides in _ARRAY.findall(type_))


def _bytes_of(computations: dict[str, list[Instruction]], name: str) -> int:
    types = {instruction.name: instruction.type for instruction in computations[name]}
    total = 0
    for instruction in computations[name]:
        if instruction.operation in FREE or instruction.operation.endswith("-done"):
            continue
        called = list(_run_by(instruction))
        if called:
            trips = _TRIPS.search(instruction.rest) if instruction.operation == "while" else None
            times = int(trips[1]) if trips else 1
            total += times * sum(_bytes_of(computations, inner) for inner in called)
        else:
            total += _written(instruction)
            total += sum(type_bytes(types.get(operand, "")) for operand in instruction.operands)
    return total


def _run_by(instruction: Instruction) -> Iterator[str]:
    """Computations whose operations run one by one because of this instruction."""
    if instruction.operation in ("call", "while", "conditional", "async-start"):
        yield from _CALLED.findall(instruction.rest)
        for branches in _BRANCHES.findall(instruction.rest):
            yield from re.findall(r"%?([\w.\-]+)", branches)


def _written(instruction: Instruction) -> int:
    """Bytes of the results; of a library's call without its scratch memory, a row of bytes."""
    written = type_bytes(instruction.type)
    if instruction.operation == "custom-call" and instruction.type.startswith("("):
        arrays = _ARRAY.findall(instruction.type)
        scratch = [sides for element, sides in arrays if element in ("u8", "s8")]
        written -= sum(_array_bytes("u8", sides) for sides in scratch if "," not in sides)
    return written


def _array_bytes(element: str, sides: str) -> int:
    digits = re.match(r"[a-z]+(\d+)", element)
    bits = BITS.get(element) or (int(digits[1]) if digits else 0)
    return math.prod(int(side) for side in sides.split(",") if side) * bits // 8
