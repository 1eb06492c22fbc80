"""The exact parameter-shift rule: from a circuit to one circuit of free angles and its shifted rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.circuit import (
    AnnotatedOperation,
    ControlModifier,
    InverseModifier,
    ParameterExpression,
    ParameterVector,
    QuantumCircuit,
)
from qiskit.circuit import library as gates
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import SparseObservable, SparsePauliOp

from qiskit_qgen.exceptions import GradientError
from qiskit_qgen.gradients.rule import AbstractGradientRule, ShiftedRows
from qiskit_qgen.simulator.programs.expressions import SlotEvaluator

# Each angle of these gates multiplies a generator with two eigenvalues, one apart.
_TWO_TERM = {
    gates.RXGate,
    gates.RYGate,
    gates.RZGate,
    gates.PhaseGate,
    gates.U1Gate,
    gates.U2Gate,
    gates.U3Gate,
    gates.UGate,
    gates.RXXGate,
    gates.RYYGate,
    gates.RZZGate,
    gates.RZXGate,
}
_REMEDY = "use the gradient by simultaneous perturbation, which shifts parameters and not gates"


class ShiftRule(AbstractGradientRule):
    """The two-term parameter-shift rule (arXiv 1811.11184), exact for every angle of every gate.

    df/dangle = (f(angle + pi/2) - f(angle - pi/2)) / 2, and the chain rule from the angles to the parameters. Gates
    whose angles have more than two eigenvalues, controlled rotations above all, are replaced by their definitions,
    down to gates that have two. Every angle that depends on parameters becomes a parameter of its own, so that a
    parameter may enter many gates and an angle may be any expression: one circuit serves all rows. A global phase is
    dropped.

    Args:
        circuit: Any circuit. What holds no parameters, measurements included, is left as it is.
        inert: Names of instructions that do nothing where the circuit runs: those with parameters are left out.

    Raises:
        GradientError: If a gate with parameters has no exact rule, or an angle no derivative; the message names it.
    """

    def __init__(self, circuit: QuantumCircuit, *, inert: Collection[str] = ()) -> None:
        angles: list[ParameterExpression] = []
        self.circuit = circuit.copy_empty_like()
        self.circuit.global_phase = 0
        free = ParameterVector("angle", 0)
        _append_all(self.circuit, circuit, self.circuit.qubits, self.circuit.clbits, angles, free, inert)
        parameters = list(circuit.parameters)
        self._angles = SlotEvaluator(parameters, angles)
        self._slopes = _Slopes(parameters, angles)

    def unshifted(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the angles, (B, num_angles)."""
        return self._angles(torch.from_numpy(values)).numpy()

    def shifted(self, values: NDArray[np.float64], wanted: Sequence[int]) -> ShiftedRows:
        """Return two rows for each angle that depends on a parameter asked for."""
        from scipy.sparse import csr_array

        angles, by_angle, by_wanted, slopes = self._slopes.at(values, wanted)
        samples, num_rows = len(values), 2 * len(angles)
        rows = np.repeat(self.unshifted(values)[:, None, :], num_rows, 1)
        rows[:, np.arange(num_rows), np.repeat(angles, 2)] += np.tile([np.pi / 2, -np.pi / 2], len(angles))
        sample = np.arange(samples)[:, None, None]
        target = np.broadcast_to(sample * len(wanted) + by_wanted[:, None], (*slopes.shape, 2))
        source = sample * num_rows + 2 * by_angle[:, None] + [0, 1]
        halves = slopes[:, :, None] * [0.5, -0.5]
        shape = (samples * len(wanted), samples * num_rows)
        return ShiftedRows(rows, csr_array((halves.ravel(), (target.ravel(), source.ravel())), shape=shape))


class _Slopes:
    """The derivatives of the angles by the parameters, those that are not zero."""

    def __init__(self, parameters: list[Any], angles: Sequence[ParameterExpression]) -> None:
        columns = {parameter: number for number, parameter in enumerate(parameters)}
        pairs: list[tuple[int, int]] = []
        constants: list[float] = []
        expressions: list[ParameterExpression] = []
        varying: list[int] = []
        for number, angle in enumerate(angles):
            for parameter in angle.parameters:
                slope = _slope(angle, parameter)
                if isinstance(slope, ParameterExpression):
                    varying.append(len(pairs))
                    expressions.append(slope)
                    slope = 0.0
                elif slope == 0:
                    continue
                pairs.append((number, columns[parameter]))
                constants.append(slope)
        self._angle, self._column = np.array(pairs, np.intp).reshape(-1, 2).T
        self._constants = np.array(constants, np.float64)
        self._varying = varying
        self._evaluate = SlotEvaluator(parameters, expressions)

    def at(
        self, values: NDArray[np.float64], wanted: Sequence[int]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
        """Return the angles that matter, and of each slope the angle and parameter (renumbered) and its values."""
        slopes = np.repeat(self._constants[None], len(values), 0)
        if self._varying:
            slopes[:, self._varying] = self._evaluate(torch.from_numpy(values)).numpy()
        place = np.full(max(values.shape[1], 1), -1, np.intp)
        place[list(wanted)] = np.arange(len(wanted))
        chosen = np.flatnonzero(place[self._column] >= 0)
        angles, by_angle = np.unique(self._angle[chosen], return_inverse=True)
        return angles, by_angle, place[self._column[chosen]], slopes[:, chosen]


def _slope(angle: ParameterExpression, parameter: Any) -> ParameterExpression | float:
    try:
        slope = angle.gradient(parameter)
    except RuntimeError as error:
        raise GradientError(
            f"The angle `{angle}` has no derivative that Qiskit knows, so it cannot be shifted exactly: {_REMEDY}."
        ) from error
    if isinstance(slope, ParameterExpression) and slope.parameters:
        return slope
    return float(slope)


def _append_all(
    target: QuantumCircuit,
    source: QuantumCircuit,
    qubits: Sequence[Any],
    clbits: Sequence[Any],
    angles: list[ParameterExpression],
    free: ParameterVector,
    inert: Collection[str],
) -> None:
    """Append the instructions of ``source``, with free parameters as their angles, which ``angles`` collects."""
    for instruction in source.data:
        operation = instruction.operation
        wires = [qubits[source.find_bit(qubit).index] for qubit in instruction.qubits]
        bits = [clbits[source.find_bit(bit).index] for bit in instruction.clbits]
        if not _depends(operation):
            target.append(operation, wires, bits, copy=False)
        elif getattr(operation, "base_class", type(operation)) in _TWO_TERM:
            free.resize(len(angles) + len(operation.params))
            gate = operation.to_mutable()
            for number, value in enumerate(operation.params):
                if _is_free(value):
                    gate.params[number] = free[len(angles)]
                    angles.append(value)
            target.append(gate, wires, bits, copy=False)
        elif operation.name != "global_phase" and operation.name not in inert:
            _append_all(target, _definition(operation), wires, bits, angles, free, inert)


def _is_free(value: Any) -> bool:
    return isinstance(value, ParameterExpression) and bool(value.parameters)


def _depends(operation: Any) -> bool:
    if isinstance(operation, AnnotatedOperation):
        return _depends(operation.base_op)
    blocks = getattr(operation, "blocks", ())
    return any(block.parameters for block in blocks) or any(_is_free(value) for value in operation.params)


def _definition(operation: Any) -> QuantumCircuit:
    """Return the circuit that an operation with parameters stands for, exactly."""
    if isinstance(operation, AnnotatedOperation):
        return _plain(operation)
    exact = not isinstance(operation, gates.PauliEvolutionGate) or _is_exact(operation)
    try:
        definition = getattr(operation, "definition", None) if exact else None
    except (QiskitError, TypeError):  # some are defined only when their parameters have values
        definition = None
    if definition is None:
        raise GradientError(
            f"The gate `{operation.name}` has no exact shift rule, as it cannot be decomposed into rotations while its "
            f"parameters are free: write it as rotations, or {_REMEDY}."
        )
    return definition


def _plain(annotated: AnnotatedOperation) -> QuantumCircuit:
    """Return a circuit with the controls and inverses of an annotated operation carried out."""
    operation = annotated.base_op
    for modifier in annotated.modifiers:
        if isinstance(modifier, ControlModifier):
            operation = operation.control(modifier.num_ctrl_qubits, ctrl_state=modifier.ctrl_state, annotated=False)
        elif isinstance(modifier, InverseModifier):
            operation = operation.inverse()
        else:
            operation = operation.power(modifier.power, annotated=False)
    circuit = QuantumCircuit(operation.num_qubits)
    circuit.append(operation, range(operation.num_qubits))
    return circuit


def _is_exact(evolution: gates.PauliEvolutionGate) -> bool:
    """Tell whether all terms commute, so that the definition is the evolution itself and no approximation of it."""
    operators = evolution.operator if isinstance(evolution.operator, list) else [evolution.operator]
    terms = [
        SparsePauliOp.from_sparse_observable(term) if isinstance(term, SparseObservable) else SparsePauliOp(term)
        for term in operators
    ]
    paulis = SparsePauliOp.sum(terms).paulis
    return bool(paulis.commutes_with_all(paulis).size == len(paulis))
