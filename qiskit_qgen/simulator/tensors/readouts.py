"""What is read of final states: expectation values of observables, or probabilities of rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from qiskit_qgen.simulator.addresses.cosets import combinations
from qiskit_qgen.simulator.programs.operations import PauliTerm
from qiskit_qgen.simulator.tensors.row_sums import Place, RowSum, Term
from qiskit_qgen.simulator.tensors.stages import Stages

_ROWS = 1 << 12  # flips are read together up to so many rows


class RowsReadout:
    """Reads the probabilities of the stored rows.

    Args:
        plan: The program's stages.
        device: Where the states are.
    """

    def __init__(self, plan: Stages, device: torch.device) -> None:
        rows = combinations(plan.basis.columns)
        self._rows = torch.tensor(rows, device=device, dtype=torch.int32)
        self._addresses = torch.tensor(np.argsort(rows), device=device, dtype=torch.int32)

    def values(self, state: torch.Tensor) -> torch.Tensor:
        """Return the probabilities, (2**width, B), of the final states."""
        return (state.real.square() + state.imag.square()).index_select(0, self._addresses)

    def apply(self, state: torch.Tensor, cotangent: torch.Tensor) -> torch.Tensor:
        """Return lambda = sum_r cotangent_r |r><r| psi."""
        return cotangent.index_select(0, self._rows) * state


class TermsReadout:
    """Reads the expectation values of sums of Pauli terms.

    Args:
        terms: The terms, on stored rows.
        num_outputs: The number of sums.
        plan: The program's stages.
        place: Device and dtype.
    """

    def __init__(self, terms: Sequence[PauliTerm], num_outputs: int, plan: Stages, place: Place) -> None:
        self._num_outputs = num_outputs
        self._parts = []
        for odd in (0, 1):
            by_flip: dict[int, list[PauliTerm]] = {}
            for term in terms:
                if term.odd == odd:
                    by_flip.setdefault(plan.basis.address(term.flip), []).append(term)
            flips = sorted(by_flip)
            size = max(1, _ROWS >> plan.width)
            for first in range(0, len(flips), size):
                chosen = {flip: by_flip[flip] for flip in flips[first : first + size]}
                self._parts.append(_FlipsReadout(chosen, bool(odd), num_outputs, plan, place))

    def values(self, state: torch.Tensor) -> torch.Tensor:
        """Return the expectation values, (num_outputs, B), of the final states."""
        values = state.real.new_zeros(self._num_outputs, state.shape[1])
        for part in self._parts:
            values = values + part.values(state)
        return values

    def apply(self, state: torch.Tensor, cotangent: torch.Tensor) -> torch.Tensor:
        """Return lambda = sum_k cotangent_k O_k psi."""
        adjoint = torch.zeros_like(state)
        for part in self._parts:
            adjoint = adjoint + part.apply(state, cotangent)
        return adjoint


class _FlipsReadout:
    """Reads the terms of a few flips.

    They are Re sum_r conj(psi[r]) i**odd w[r] psi[r XOR flip], for each flip, with w a sum of signs.
    """

    def __init__(
        self, by_flip: dict[int, list[PauliTerm]], odd: bool, num_outputs: int, plan: Stages, place: Place
    ) -> None:
        self._odd = odd
        self._flips = None
        if list(by_flip) != [0]:
            self._flips = torch.tensor(list(by_flip), device=place[0], dtype=torch.int32)[:, None]
        chosen = []
        for number, (flip, terms) in enumerate(by_flip.items()):
            for term in terms:
                sign = plan.basis.sign(term.sign)
                coefficient = -term.coefficient if (flip & sign).bit_count() & 1 else term.coefficient
                chosen.append(Term(number, sign, (), term.output, coefficient))  # a term's sign is read before its flip
        self._weights = RowSum(chosen, len(by_flip), plan.width, num_outputs, place)

    def values(self, state: torch.Tensor) -> torch.Tensor:
        products = state.conj() * self._flipped(state)
        parts = -products.imag if self._odd else products.real
        return self._weights.transpose(parts.reshape(len(parts) * len(state), state.shape[1]))

    def apply(self, state: torch.Tensor, cotangent: torch.Tensor) -> torch.Tensor:
        flipped = self._flipped(state)
        adjoint = (self._weights(cotangent).reshape(flipped.shape) * flipped).sum(0)
        # not ``1j * adjoint``, whose derivative makes a number on the CPU
        return torch.complex(-adjoint.imag, adjoint.real) if self._odd else adjoint

    def _flipped(self, state: torch.Tensor) -> torch.Tensor:
        """Return the state once for each flip, (flips, 2**width, B)."""
        if self._flips is None:
            return state[None]
        sources = torch.arange(len(state), device=state.device, dtype=torch.int32) ^ self._flips
        return state.index_select(0, sources.reshape(-1)).reshape(len(self._flips), *state.shape)
