"""Which operations may be done together, out of turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qiskit_qgen.simulator.programs.operations import Operation

_WINDOW = 256  # operations that may wait while later, commuting ones join the block


def select(
    operations: Sequence[Operation], waiting: list[int], take: Callable[[Operation], bool]
) -> tuple[list[int], list[int]]:
    """Return which of the waiting operations are taken, and which go on waiting.

    An operation is taken out of turn if it commutes with all that it overtakes.
    """
    block, rest = list[int](), list[int]()
    for position, number in enumerate(waiting):
        operation = operations[number]
        if all(operation.commutes_with(operations[other]) for other in rest) and take(operation):
            block.append(number)
        else:
            rest.append(number)
            if len(rest) == _WINDOW:
                return block, rest + waiting[position + 1 :]
    return block, rest
