"""Expectation values of many operators from as few measured circuits as possible."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import ClassicalRegister, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen.exceptions import UnsupportedCircuitError
from qiskit_qgen.execution.aer.circuit_noise import CircuitNoise
from qiskit_qgen.execution.aer.circuits import AerCircuit

_MAX_BITS = 62


def read_out(joint: NDArray[np.float64], noise: CircuitNoise | None, qubits: Sequence[int]) -> NDArray[np.float64]:
    """Return the probabilities of what is read from some qubits, (B, outcomes), from those of the true outcomes."""
    if noise is None:
        return joint
    shaped = joint.reshape(len(joint), *[2] * len(qubits))
    for bit, qubit in enumerate(qubits):
        axis = len(qubits) - bit  # the lowest bit is the last axis
        shaped = np.moveaxis(np.moveaxis(shaped, axis, -1) @ noise.confusions[qubit], -1, axis)
    return shaped.reshape(joint.shape)


def drawn_counts(probabilities: NDArray[np.float64], shots: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return how often each outcome is drawn, (B, outcomes)."""
    clipped = np.maximum(probabilities, 0.0)  # rounding may have left what is below 0
    return generator.multinomial(shots, clipped / clipped.sum(1, keepdims=True))


class MeasuredGroup:
    """Pauli terms of several operators that one measurement of each qubit gives together.

    Args:
        circuit: The circuit.
        paulis: Which Pauli of which of its qubits is measured.
        terms: The terms' qubits.
        coefficients: The terms' coefficients in each operator, (num_operators, num_terms).

    Attributes:
        qubits: The qubits that are measured.
        rotated: The circuit, followed by what makes Z of the Paulis.
    """

    def __init__(
        self,
        circuit: AerCircuit,
        paulis: dict[int, str],
        terms: Sequence[Sequence[int]],
        coefficients: NDArray[np.float64],
    ) -> None:
        self.qubits = sorted(paulis)
        if len(self.qubits) > _MAX_BITS:
            raise UnsupportedCircuitError(
                f"Operators on {len(self.qubits)} qubits would be measured together, but {_MAX_BITS} is the most: "
                "leave some out, or take exact values."
            )
        self.rotated = circuit.rotated(paulis)
        bit = {qubit: number for number, qubit in enumerate(self.qubits)}
        self._masks = np.array([sum(1 << bit[qubit] for qubit in term) for term in terms], np.int64)
        self._coefficients = coefficients
        self._noise = circuit.noise

    def measured(self) -> QuantumCircuit:
        """Return the circuit with the measurement, bit i of an outcome is ``qubits[i]``."""
        copied = self.rotated.copy()
        register = ClassicalRegister(len(self.qubits), "outcome")
        copied.add_register(register)
        copied.measure(self.qubits, register)
        return copied

    def from_probabilities(self, joint: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the operators' values, (B, num_operators), from the true outcomes' probabilities, (B, outcomes)."""
        return read_out(joint, self._noise, self.qubits) @ self._values(np.arange(joint.shape[1]))

    def drawn(
        self, joint: NDArray[np.float64], shots: int, generator: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what :meth:`from_counts` does for shots drawn from the true outcomes' probabilities, (B, outcomes)."""
        counts = drawn_counts(read_out(joint, self._noise, self.qubits), shots, generator)
        values = self._values(np.arange(joint.shape[1]))
        return _mean_and_variance(counts @ values, counts @ values**2, shots)

    def from_counts(
        self, counts: Sequence[dict[str, int]], shots: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the operators' means and the variances of the means, both (B, num_operators)."""
        row = np.repeat(np.arange(len(counts)), [len(each) for each in counts])
        weights = np.array([count for each in counts for count in each.values()], np.int64)
        return self._from_outcomes(_outcomes(counts), weights, row, len(counts), shots)

    def from_true_counts(
        self, counts: Sequence[dict[str, int]], shots: int, generator: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what :meth:`from_counts` does for counts before the readout, whose errors are drawn here."""
        outcomes = np.repeat(_outcomes(counts), [count for each in counts for count in each.values()])
        if self._noise is not None:
            for bit, qubit in enumerate(self.qubits):
                flips = self._noise.confusions[qubit][[0, 1], [1, 0]][outcomes >> bit & 1]
                outcomes = outcomes ^ (generator.random(len(outcomes)) < flips).astype(np.int64) << bit
        row = np.repeat(np.arange(len(counts)), shots)
        return self._from_outcomes(outcomes, np.ones_like(outcomes), row, len(counts), shots)

    def _from_outcomes(
        self,
        outcomes: NDArray[np.int64],
        weights: NDArray[np.int64],
        row: NDArray[np.intp],
        num_rows: int,
        shots: int,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        values = self._values(outcomes)
        sums = np.zeros((num_rows, values.shape[1]))
        squares = np.zeros_like(sums)
        np.add.at(sums, row, weights[:, None] * values)
        np.add.at(squares, row, weights[:, None] * values**2)
        return _mean_and_variance(sums, squares, shots)

    def _values(self, outcomes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the operators' values of each outcome, (num_outcomes, num_operators)."""
        signs = 1.0 - 2.0 * (np.bitwise_count(outcomes[:, None] & self._masks) & 1)
        return np.asarray(signs @ self._coefficients.T)


def measured_groups(
    circuit: AerCircuit, operators: Sequence[SparsePauliOp]
) -> tuple[list[MeasuredGroup], NDArray[np.float64]]:
    """Return groups of terms that are measured together, and each operator's constant, (num_operators,).

    Args:
        circuit: The circuit.
        operators: Operators on the qubits of the circuit that was asked for, with real coefficients.
    """
    constants = np.zeros(len(operators))
    columns: dict[tuple[tuple[int, str], ...], NDArray[np.float64]] = {}
    for number, operator in enumerate(operators):
        for paulis, qubits, coefficient in operator.to_sparse_list():
            term = tuple(sorted(zip((circuit.positions[qubit] for qubit in qubits), paulis, strict=True)))
            if term:
                columns.setdefault(term, np.zeros(len(operators)))[number] += coefficient.real
            else:
                constants[number] += coefficient.real
    # A term joins the first group whose Paulis agree with its own; long terms first, which fit worst.
    groups: list[tuple[dict[int, str], list[tuple[tuple[int, str], ...]]]] = []
    for term in sorted(columns, key=len, reverse=True):
        for paulis, terms in groups:
            if all(paulis.get(qubit, pauli) == pauli for qubit, pauli in term):
                paulis.update(term)
                terms.append(term)
                break
        else:
            groups.append((dict(term), [term]))
    made = [
        MeasuredGroup(
            circuit, paulis, [[qubit for qubit, _ in term] for term in terms], np.array([columns[t] for t in terms]).T
        )
        for paulis, terms in groups
    ]
    return made, constants


def _outcomes(counts: Sequence[dict[str, int]]) -> NDArray[np.int64]:
    return np.array([int(outcome, 16) for each in counts for outcome in each], np.int64)


def _mean_and_variance(
    sums: NDArray[np.float64], squares: NDArray[np.float64], shots: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    means = sums / shots
    return means, np.maximum(squares / shots - means**2, 0.0) / shots
