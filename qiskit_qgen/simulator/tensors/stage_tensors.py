"""The stages of a program as tensors on a device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch

from qiskit_qgen.simulator.tensors.row_sums import Place, RowSum, Term
from qiskit_qgen.simulator.tensors.stages import Move, Permutation, Product, Stages

_BANK_ROWS = 1 << 12  # diagonals are computed together up to so many rows
_BANK_ENTRIES = 1 << 18  # and up to so many entries of their table
_COMPLEX = {torch.float32: torch.complex64, torch.float64: torch.complex128}


class _Relabelling:
    """A permutation of the rows of tensors (2**width, C)."""

    def __init__(self, move: Permutation, place: Place) -> None:
        self._source = torch.tensor(move.source, device=place[0], dtype=torch.int32)
        self._target = torch.tensor(np.argsort(move.source), device=place[0], dtype=torch.int32)

    def apply(self, state: torch.Tensor) -> torch.Tensor:
        return state.index_select(0, self._source)

    def undo(self, state: torch.Tensor) -> torch.Tensor:
        return state.index_select(0, self._target)


class _Multiplication:
    """A unitary matrix on some neighbouring bits of the rows of tensors (2**width, C)."""

    def __init__(self, move: Product, place: Place) -> None:
        device, dtype = place
        self._below = 1 << move.shift
        self._matrix = torch.tensor(move.matrix, device=device, dtype=_COMPLEX[dtype])
        self._adjoint = torch.tensor(move.matrix.conj().T.copy(), device=device, dtype=_COMPLEX[dtype])

    def apply(self, state: torch.Tensor) -> torch.Tensor:
        return self._times(self._matrix, state)

    def undo(self, state: torch.Tensor) -> torch.Tensor:
        return self._times(self._adjoint, state)

    def _times(self, matrix: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        size = len(matrix)
        if size == len(state):
            return matrix @ state
        if self._below * state.shape[1] == 1:  # one product instead of many by a vector
            return (state.reshape(-1, size) @ matrix.T).reshape(state.shape)
        blocks = state.reshape(len(state) // (size * self._below), size, self._below * state.shape[1])
        return (matrix @ blocks).reshape(state.shape)


_MoveTensors: TypeAlias = _Relabelling | _Multiplication


def _moves(moves: Sequence[Move], place: Place) -> tuple[_MoveTensors, ...]:
    return tuple(
        _Relabelling(move, place) if isinstance(move, Permutation) else _Multiplication(move, place) for move in moves
    )


class CircuitTensors:
    """The stages of a program as tensors on a device."""

    def __init__(self, plan: Stages, num_slots: int, place: Place) -> None:
        device, dtype = place
        rows = 1 << plan.width
        moves = [_moves(stage.moves, place) for stage in plan.stages]
        self.last_moves = _moves(plan.last_moves, place)
        start = torch.zeros(rows, 1, device=device, dtype=_COMPLEX[dtype])
        start[0] = 1
        for move in moves[0] if moves else ():
            start = move.apply(start)
        self._start = start
        size = max(1, min(_BANK_ROWS // rows, _BANK_ENTRIES // (rows * max(1, num_slots))))
        self.banks = [
            _Bank(plan, slice(first, first + size), moves[first : first + size], num_slots, place)
            for first in range(0, len(moves), size)
        ]

    def forward(self, slots: torch.Tensor, kept: list[torch.Tensor] | None = None) -> torch.Tensor:
        """Return the final states, (2**width, B), for slots (num_slots, B).

        Args:
            slots: Values of the program's expressions.
            kept: Receives the states before each diagonal.
        """
        state = self._start
        for number, bank in enumerate(self.banks):
            for stage, factors in enumerate(bank.factors(slots)):
                for move in bank.moves[stage] if number or stage else ():
                    state = move.apply(state)
                if kept is not None:
                    kept.append(state)
                state = state * factors
        for move in self.last_moves:
            state = move.apply(state)
        return state.expand(-1, slots.shape[1])

    def undo_last_moves(self, state: torch.Tensor) -> torch.Tensor:
        """Return what was before the moves at the end."""
        for move in reversed(self.last_moves):
            state = move.undo(state)
        return state


class _Bank:
    """Consecutive stages whose diagonals are computed together."""

    def __init__(
        self, plan: Stages, part: slice, moves: list[tuple[_MoveTensors, ...]], num_slots: int, place: Place
    ) -> None:
        self.moves = moves
        terms = [
            Term(number, phase.sign, phase.controls, slot, -scale / 2, -offset / 2)
            for number, stage in enumerate(plan.stages[part])
            for phase in stage.phases
            for slot, scale, offset in [phase.angle]
        ]
        self._angles = RowSum(terms, len(moves), plan.width, num_slots, place)

    def factors(self, slots: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return each stage's diagonal, (2**width, B)."""
        angles = self._angles(slots)
        return torch.complex(angles.cos(), angles.sin()).chunk(len(self.moves))

    def pull_back(self, products: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return the derivative by the slots, (num_slots, B), from conj(lambda) psi at each stage's diagonal."""
        return self._angles.transpose(-2 * torch.cat(list(products)).imag)

    def undo(self, stage: int, state: torch.Tensor) -> torch.Tensor:
        """Return what was before a stage's moves."""
        for move in reversed(self.moves[stage]):
            state = move.undo(state)
        return state
