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

_Readout: TypeAlias = RowsReadout | TermsReadout


class TensorKernels:
    """What is read out of a lowered circuit as a function of tensors on any device.

    The tables that the tensors need are made at the first use on a device with a dtype, and are not pickled. Matrix
    products follow ``torch.set_float32_matmul_precision``: with TensorFloat-32 allowed, results are as coarse as that.

    Args:
        program: The lowered circuit.
        terms: The observables, see :meth:`~qiskit_qgen.simulator.programs.program.Program.terms`; None to read the
            probabilities of the program's rows.
        num_outputs: The number of observables.
    """

    def __init__(self, program: Program, terms: Sequence[PauliTerm] | None = None, num_outputs: int = 0) -> None:
        self._program = program
        self._terms = terms
        self._num_outputs = num_outputs
        self._made: dict[Place, tuple[CircuitTensors, _Readout]] = {}

    def __call__(self, slots: torch.Tensor) -> torch.Tensor:
        """Return the values, differentiable any number of times.

        A backward pass that builds no graph is an adjoint sweep (arXiv 2009.02823): it holds two states, whatever the
        depth. One with ``create_graph=True`` keeps a state for each stage.

        Args:
            slots: Values of the program's expressions, (B, num_expressions), float32 or float64.

        Returns:
            The expectation values without their constant parts, (B, num_outputs), or the probabilities of the stored
            rows, (B, 2**width); of the dtype and on the device of ``slots``.
        """
        values: torch.Tensor
        values, _ = _Adjoint.apply(slots, *self._tensors(slots))  # type: ignore[no-untyped-call]
        return values

    def pull_back(self, slots: torch.Tensor, cotangent: torch.Tensor) -> torch.Tensor:
        """Return the product of ``cotangent``, of the values' shape, and the Jacobian, (B, num_expressions).

        If grad mode is enabled, it can be differentiated again, by ``slots`` and by ``cotangent``.
        """
        circuit, readout = self._tensors(slots)
        if torch.is_grad_enabled():
            return _recorded_pull_back(circuit, readout, slots, cotangent)
        return _adjoint_pull_back(circuit, readout, slots, circuit.forward(slots.T), cotangent)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_made": {}}

    @cached_property
    def _plan(self) -> Stages:
        return build_stages(self._program.operations, self._program.width)

    def _tensors(self, slots: torch.Tensor) -> tuple[CircuitTensors, _Readout]:
        place = (slots.device, slots.dtype)
        if place not in self._made:
            circuit = made(CircuitTensors, self._plan, len(self._program.expressions), place)
            readout: _Readout
            if self._terms is None:
                readout = made(RowsReadout, self._plan, slots.device)
            else:
                readout = made(TermsReadout, self._terms, self._num_outputs, self._plan, place)
            self._made[place] = circuit, readout
        return self._made[place]


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
