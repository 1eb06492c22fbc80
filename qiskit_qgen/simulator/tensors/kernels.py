"""The simulator in batched torch operations: for any device, and differentiable any number of times.

Few and large operations, without a loop over samples and without a transfer to the host: a matrix product and a
multiplication for each stage (see ``stages``), for all samples at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, TypeAlias

import torch

from qiskit_qgen.simulator.programs.operations import PauliTerm
from qiskit_qgen.simulator.programs.program import Program
from qiskit_qgen.simulator.tables import made
from qiskit_qgen.simulator.tensors.readouts import RowsReadout, TermsReadout
from qiskit_qgen.simulator.tensors.row_sums import Place
from qiskit_qgen.simulator.tensors.stage_tensors import CircuitTensors
from qiskit_qgen.simulator.tensors.stages import Stages, build_stages

_KEPT_READOUTS = 8

_Readout: TypeAlias = RowsReadout | TermsReadout


class TensorKernels:
    """A lowered circuit as a function of tensors on any device.

    Args:
        program: The lowered circuit.

    The tables that the tensors need are made at the first use on a device with a dtype, and are not pickled. Matrix
    products follow ``torch.set_float32_matmul_precision``: with TensorFloat-32 allowed, results are as coarse as that.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._num_slots = len(program.expressions)
        self._circuits: dict[Place, CircuitTensors] = {}
        self._rows_readouts: dict[torch.device, RowsReadout] = {}
        self._terms_readouts: dict[tuple[Place, tuple[PauliTerm, ...], int], TermsReadout] = {}

    @cached_property
    def _plan(self) -> Stages:
        return build_stages(self._program.operations, self._program.width)

    def states(self, slots: torch.Tensor) -> torch.Tensor:
        """Return the final states up to a global phase, (B, 2**width) complex, in stored rows.

        Args:
            slots: Values of the program's expressions, (B, num_expressions), float32 or float64.
        """
        return self._rows_readout(slots).in_order(self._circuit(slots).forward(slots.T)).T

    def expectation(self, slots: torch.Tensor, terms: Sequence[PauliTerm], num_outputs: int) -> torch.Tensor:
        """Return expectation values, differentiable any number of times.

        A backward pass that builds no graph is an adjoint sweep (arXiv 2009.02823): it holds two states, whatever the
        depth. One with ``create_graph=True`` keeps a state for each stage.

        Args:
            slots: Values of the program's expressions, (B, num_expressions), float32 or float64.
            terms: Those of ``Program.terms``; the constants of the observables are not added.
            num_outputs: The number of observables.

        Returns:
            (B, num_outputs), of the dtype and on the device of ``slots``.
        """
        return self._apply(slots, self._terms_readout(slots, terms, num_outputs))

    def probabilities(self, slots: torch.Tensor) -> torch.Tensor:
        """Return the probabilities of the stored rows, (B, 2**width); differentiable as :meth:`expectation` is."""
        return self._apply(slots, self._rows_readout(slots))

    def vector_jacobian_product(
        self, slots: torch.Tensor, terms: Sequence[PauliTerm], num_outputs: int, cotangent: torch.Tensor
    ) -> torch.Tensor:
        """Return the product of ``cotangent``, (B, num_outputs), and the Jacobian of :meth:`expectation`.

        If grad mode is enabled, it can be differentiated again, by ``slots`` and by ``cotangent``.

        Returns:
            (B, num_expressions).
        """
        return self._pull_back(slots, self._terms_readout(slots, terms, num_outputs), cotangent)

    def probabilities_vector_jacobian_product(self, slots: torch.Tensor, cotangent: torch.Tensor) -> torch.Tensor:
        """Return the product of ``cotangent``, (B, 2**width), and the Jacobian of :meth:`probabilities`.

        If grad mode is enabled, it can be differentiated again, by ``slots`` and by ``cotangent``.
        """
        return self._pull_back(slots, self._rows_readout(slots), cotangent)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_circuits": {}, "_rows_readouts": {}, "_terms_readouts": {}}

    def _apply(self, slots: torch.Tensor, readout: _Readout) -> torch.Tensor:
        values: torch.Tensor
        values, _ = _Adjoint.apply(slots, self._circuit(slots), readout)  # type: ignore[no-untyped-call]
        return values

    def _pull_back(self, slots: torch.Tensor, readout: _Readout, cotangent: torch.Tensor) -> torch.Tensor:
        circuit = self._circuit(slots)
        if torch.is_grad_enabled():
            return _recorded_pull_back(circuit, readout, slots, cotangent)
        return _adjoint_pull_back(circuit, readout, slots, circuit.forward(slots.T), cotangent)

    def _circuit(self, slots: torch.Tensor) -> CircuitTensors:
        place = (slots.device, slots.dtype)
        if place not in self._circuits:
            self._circuits[place] = made(CircuitTensors, self._plan, self._num_slots, place)
        return self._circuits[place]

    def _rows_readout(self, slots: torch.Tensor) -> RowsReadout:
        if slots.device not in self._rows_readouts:
            self._rows_readouts[slots.device] = made(RowsReadout, self._plan, slots.device)
        return self._rows_readouts[slots.device]

    def _terms_readout(self, slots: torch.Tensor, terms: Sequence[PauliTerm], num_outputs: int) -> TermsReadout:
        place, known = (slots.device, slots.dtype), tuple(terms)
        readout = self._terms_readouts.get((place, known, num_outputs))
        if readout is None:
            readout = made(TermsReadout, known, num_outputs, self._plan, place)
            if len(self._terms_readouts) >= _KEPT_READOUTS:
                self._terms_readouts = {}
            self._terms_readouts[place, known, num_outputs] = readout
        return readout


class _Adjoint(torch.autograd.Function):
    """What a readout reads, with a backward pass that keeps the final states only.

    With grad mode enabled, the backward pass is one of recorded operations instead.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(slots: torch.Tensor, circuit: CircuitTensors, readout: _Readout) -> tuple[torch.Tensor, torch.Tensor]:
        state = circuit.forward(slots.T)
        return readout.values(state).T.contiguous(), state

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        slots, ctx.circuit, ctx.readout = inputs
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(slots, output[1])

    @staticmethod
    def backward(ctx: Any, cotangent: torch.Tensor, _: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        slots, state = ctx.saved_tensors
        if torch.is_grad_enabled():
            return _recorded_pull_back(ctx.circuit, ctx.readout, slots, cotangent), None, None
        return _adjoint_pull_back(ctx.circuit, ctx.readout, slots, state, cotangent), None, None


def _recorded_pull_back(
    circuit: CircuitTensors, readout: _Readout, slots: torch.Tensor, cotangent: torch.Tensor
) -> torch.Tensor:
    """Return the vector-Jacobian product by operations that autograd records: all states are kept."""
    kept: list[torch.Tensor] = []
    state = circuit.forward(slots.T, kept)
    adjoint = circuit.undo_last_moves(readout.apply(state, cotangent.T))
    gradient = torch.zeros_like(slots.T)
    for bank in reversed(circuit.banks):
        factors = bank.factors(slots.T)
        products = []
        for stage in reversed(range(len(factors))):
            adjoint = adjoint * factors[stage].conj()
            products.append(adjoint.conj() * kept.pop())
            adjoint = bank.undo(stage, adjoint)
        gradient = gradient + bank.pull_back(products[::-1])
    return gradient.T


def _adjoint_pull_back(
    circuit: CircuitTensors, readout: _Readout, slots: torch.Tensor, state: torch.Tensor, cotangent: torch.Tensor
) -> torch.Tensor:
    """Return the vector-Jacobian product by undoing the circuit from its final states: two states are kept."""
    rows, samples = state.shape
    both = torch.stack([state, readout.apply(state, cotangent.T)], 1)
    both = circuit.undo_last_moves(both.reshape(rows, 2 * samples))
    gradient = torch.zeros_like(slots.T)
    for bank in reversed(circuit.banks):
        factors = bank.factors(slots.T)
        products = []
        for stage in reversed(range(len(factors))):
            state, adjoint = both.reshape(rows, 2, samples).unbind(1)
            products.append(adjoint.conj() * state)
            both = (both.reshape(rows, 2, samples) * factors[stage].conj().unsqueeze(1)).reshape(rows, 2 * samples)
            both = bank.undo(stage, both)
        gradient = gradient + bank.pull_back(products[::-1])
    return gradient.T
