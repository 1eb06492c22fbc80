"""Expectation values of many operators from as few measured circuits as possible."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import ClassicalRegister, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen.exceptions import UnsupportedCircuitError
from qiskit_qgen.primitives.aer_circuits import AerCircuit

_MAX_BITS = 62


class MeasuredGroup:
    """Pauli terms of several operators that one measurement of each qubit gives together.

    Args:
        circuit: The circuit.
        paulis: Which Pauli of which of its qubits is measured.
        terms: The terms' qubits.
        coefficients: The terms' coefficients in each operator, (num_operators, num_terms).
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
        self._rotated = circuit.rotated(paulis)
        bit = {qubit: number for number, qubit in enumerate(self.qubits)}
        self._bits = [[bit[qubit] for qubit in term] for term in terms]
        self._coefficients = coefficients
        identity = np.tile(np.eye(2), (len(self.qubits), 1, 1))
        self._confusions = identity if circuit.noise is None else circuit.noise.confusions[self.qubits]

    def unmeasured(self) -> QuantumCircuit:
        """Return a copy of the circuit that makes Z of the Paulis."""
        return self._rotated.copy()

    def measured(self) -> QuantumCircuit:
        """Return the circuit with the measurement, bit i of an outcome is ``qubits[i]``."""
        copied = self._rotated.copy()
        register = ClassicalRegister(len(self.qubits), "outcome")
        copied.add_register(register)
        copied.measure(self.qubits, register)
        return copied

    def from_probabilities(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the operators' values, (B, num_operators), from probabilities before the readout, (B, outcomes)."""
        # What a qubit in |0> or |1> is read as on average: 1 and -1 without readout errors.
        read = self._confusions[:, :, 0] - self._confusions[:, :, 1]
        outcomes = np.arange(probabilities.shape[1])
        terms = np.ones((len(outcomes), len(self._bits)))
        for number, bits in enumerate(self._bits):
            for bit in bits:
                terms[:, number] *= read[bit][outcomes >> bit & 1]
        return probabilities @ (terms @ self._coefficients.T)

    def from_counts(self, counts: Sequence[dict[str, int]], shots: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the operators' means and the variances of the means, both (B, num_operators)."""
        row = np.repeat(np.arange(len(counts)), [len(each) for each in counts])
        outcomes = np.array([int(outcome, 16) for each in counts for outcome in each], np.int64)
        weights = np.array([count for each in counts for count in each.values()], np.float64) / shots
        masks = np.array([sum(1 << bit for bit in bits) for bits in self._bits], np.int64)
        values = (1.0 - 2.0 * (np.bitwise_count(outcomes[:, None] & masks) & 1)) @ self._coefficients.T
        means = np.zeros((len(counts), values.shape[1]))
        squares = np.zeros_like(means)
        np.add.at(means, row, weights[:, None] * values)
        np.add.at(squares, row, weights[:, None] * values**2)
        return means, np.maximum(squares - means**2, 0.0) / shots


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
