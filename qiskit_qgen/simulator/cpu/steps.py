"""The steps of a block: passes of several rotations, diagonals, and operations one by one.

Rotations without controls whose Pauli strings act on different bits of a suitable numbering of a coset's rows, which
is so if their flips are independent and each one's sign reads none of the others', are a *pass* of up to three. So are
those whose flips exchange lanes, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from qiskit_qgen.simulator.addresses.cosets import Cosets, Span
from qiskit_qgen.simulator.cpu.blocks import is_static, schedule
from qiskit_qgen.simulator.cpu.space import MOST_ROTATIONS
from qiskit_qgen.simulator.programs.operations import Operation
from qiskit_qgen.simulator.programs.scheduling import select

MOST_SCALED = 12
"""Rotations of which a diagonal holds the cosines: their product must not come near the smallest number."""

# What 64 rows cost, there and back: a pass by its number of rotations, a diagonal, a single operation; and a block, by
# the most qubits: about the time that memory takes. Nanoseconds on one processor; what counts is what is cheaper.
_PASS, _DIAGONAL, _SINGLE = (140, 146, 187, 256), 140, 210
_MEMORY = ((8, 60), (11, 150), (13, 400), (24, 700))


@dataclass
class Diagonal:
    """Phases that are applied together, and rotations whose cosines are multiplied in."""

    phases: list[int]
    before: list[int] = field(default_factory=list)
    """Rotations that come first; the states lack their cosines from there on until here."""
    after: list[int] = field(default_factory=list)
    """Rotations that follow; the states have their cosines too early."""


@dataclass
class Step:
    """A pass, with its diagonal if it has one; or one operation."""

    rotations: list[int]
    diagonal: Diagonal | None = None
    single: int | None = None


def build_steps(operations: Sequence[Operation], num_qubits: int, *, tangents: bool) -> list[tuple[Cosets, list[Step]]]:
    """Return a circuit's blocks, each with its cosets, that should take least time.

    Args:
        operations: The circuit's operations.
        num_qubits: The state has ``2**num_qubits`` rows; higher bits of flips and signs are those of the lanes.
        tangents: Whether there are passes; without, each rotation is a step of its own.
    """
    tried = [
        [
            (cosets, _steps_of(block, operations, cosets, (1 << num_qubits) - 1, tangents=tangents))
            for block, cosets in schedule(operations, num_qubits, combine=combine)
        ]
        for combine in (True, False)
    ]
    return min(tried, key=lambda blocks: _cost(blocks, num_qubits))


def _cost(blocks: list[tuple[Cosets, list[Step]]], num_qubits: int) -> float:
    """Return about how many nanoseconds 64 rows take, there and back."""
    memory = next(cost for most, cost in _MEMORY if num_qubits <= most)
    steps = [step for _, steps in blocks for step in steps]
    singles, diagonals = (
        sum(map(bool, kind)) for kind in ([s.single is not None for s in steps], [s.diagonal for s in steps])
    )
    passes = sum(_PASS[len(step.rotations)] for step in steps if step.single is None)
    return memory * len(blocks) + passes + _DIAGONAL * diagonals + _SINGLE * singles


def _steps_of(
    block: list[int], operations: Sequence[Operation], cosets: Cosets, rows: int, *, tangents: bool
) -> list[Step]:
    """Return the steps of a block of operations, by number; ``rows`` are the bits of flips that are those of rows."""
    steps: list[Step] = []
    scaled: list[int] = []  # rotations whose cosines lack
    last_diagonal: Diagonal | None = None

    def close(phases: list[int], *, fuse: bool) -> None:
        """Multiply phases, and the cosines that lack, after the last pass or in a step of their own."""
        nonlocal last_diagonal
        last_diagonal = Diagonal(phases, before=list(scaled))
        scaled.clear()
        if fuse:
            step = next(step for step in reversed(steps) if step.single is None)
            step.diagonal = last_diagonal
        else:
            steps.append(Step([], last_diagonal))

    def is_free(operation: Operation) -> bool:
        return tangents and operation.flip & rows != 0 and not operation.controls

    def is_mergeable(operation: Operation) -> bool:
        return not operation.flip and is_static(operation, cosets)

    waiting = block
    while waiting:
        others, waiting = select(operations, waiting, lambda each: not is_free(each) and not is_mergeable(each))
        for number in others:
            if scaled:
                close([], fuse=True)
            steps.append(Step([], single=number))
            last_diagonal = None  # no cosines across a single operation: its derivative would lack them, too
        free, waiting = select(operations, waiting, is_free)
        for rotations in _passes(free, operations, rows):
            if len(scaled) + len(rotations) > MOST_SCALED:
                close([], fuse=True)
            steps.append(Step(rotations))
            scaled += rotations
        phases, waiting = select(operations, waiting, is_mergeable)
        if phases:
            close(phases, fuse=bool(steps) and steps[-1].single is None and steps[-1].diagonal is None)
    if scaled and last_diagonal is not None and len(last_diagonal.before) + len(scaled) <= MOST_SCALED:
        last_diagonal.after = list(scaled)
    elif scaled:
        close([], fuse=True)
    return steps


def _passes(numbers: list[int], operations: Sequence[Operation], rows: int) -> list[list[int]]:
    """Group rotations without controls into passes."""
    passes = []
    while numbers:
        members: list[Operation] = []
        span = Span()

        def fits(operation: Operation, members: list[Operation] = members, span: Span = span) -> bool:
            fitting = len(members) < MOST_ROTATIONS
            fitting = fitting and all(_is_apart(operation, other, rows) for other in members)
            fitting = fitting and span.add(operation.flip & rows)
            if fitting:
                members.append(operation)
            return fitting

        group, numbers = select(operations, numbers, fits)
        passes.append(group)
    return passes


def _is_apart(operation: Operation, other: Operation, rows: int) -> bool:
    """Whether neither one's sign depends on the rows of the other's flip, and both exchange lanes or neither does."""
    reads = operation.sign & other.flip & rows, other.sign & operation.flip & rows
    lanes = operation.flip & ~rows != 0, other.flip & ~rows != 0
    return lanes[0] == lanes[1] and not any(each.bit_count() & 1 for each in reads)
