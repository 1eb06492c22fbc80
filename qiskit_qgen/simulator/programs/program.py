"""A lowered circuit: what runs, and how observables are read out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from qiskit.circuit import Parameter, ParameterExpression
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen._typing import IntArray
from qiskit_qgen.simulator.addresses.cosets import parities
from qiskit_qgen.simulator.programs.observables import real_words
from qiskit_qgen.simulator.programs.operations import Frame, Operation, PauliTerm


@dataclass(frozen=True, eq=False)
class Program:
    """A circuit without gates: rotations and phases on stored rows, and the frame that says which basis state a row is.

    A program does not change. It knows nothing of batches, devices or number types. Global phases are dropped.
    """

    num_qubits: int
    """The number of the circuit's qubits."""
    active: tuple[int, ...]
    """The circuit's qubits that the program simulates; all others stay 0. At least one."""
    parameters: tuple[Parameter, ...]
    """The circuit's parameters in Qiskit's order, ``QuantumCircuit.parameters``."""
    expressions: tuple[ParameterExpression, ...]
    """What each slot is worth: the distinct parameter expressions of the circuit's gates."""
    operations: tuple[Operation, ...]
    frame: Frame

    @property
    def width(self) -> int:
        """The number of simulated qubits: the state has ``2**width`` rows."""
        return len(self.active)

    def terms(self, observables: Sequence[SparsePauliOp]) -> tuple[list[PauliTerm], list[float]]:
        """Return the observables as terms on stored rows, and the constant part of each observable.

        Args:
            observables: Operators on all the circuit's qubits. On a qubit that is not simulated, Z is 1 and X, Y are 0.

        Raises:
            ArgumentError: If an observable has another number of qubits, or a coefficient is not real or not finite.
        """
        position = {qubit: number for number, qubit in enumerate(self.active)}
        terms: list[PauliTerm] = []
        constants = []
        for number, observable in enumerate(observables):
            constant = 0.0
            words = real_words(observable, number, self.num_qubits)
            for label, qubits, coefficient in words.to_sparse_list():
                idle = {pauli for pauli, qubit in zip(label, qubits, strict=True) if qubit not in position}
                if idle & {"X", "Y"}:
                    continue
                kept = [
                    (pauli, position[qubit]) for pauli, qubit in zip(label, qubits, strict=True) if qubit in position
                ]
                if kept:
                    terms.append(self._term(kept, coefficient.real, number))
                else:
                    constant += coefficient.real
            constants.append(constant)
        return terms, constants

    def outcomes(self, qubits: Sequence[int]) -> IntArray:
        """Return the outcome, (2**width,), of measuring the circuit's qubits in each row: bit i is ``qubits[i]``'s."""
        position = {qubit: number for number, qubit in enumerate(self.active)}
        rows = np.arange(1 << self.width)
        found = np.zeros_like(rows)
        for bit, qubit in enumerate(qubits):
            if qubit in position:
                sign, constant = self.frame.parity((position[qubit],))
                found |= (parities(rows, sign) ^ constant) << bit
        return found

    def _term(self, paulis: list[tuple[str, int]], coefficient: float, output: int) -> PauliTerm:
        """Return P = i**(number of Y) X**x Z**z in the rows of this program's frame."""
        sign, constant = self.frame.parity(tuple(qubit for pauli, qubit in paulis if pauli in "YZ"))
        num_y = sum(pauli == "Y" for pauli, _ in paulis)
        negative = constant ^ (num_y >> 1 & 1)
        flip = self.frame.flip(tuple(qubit for pauli, qubit in paulis if pauli in "XY"))
        return PauliTerm(flip, sign, num_y & 1, -coefficient if negative else coefficient, output)
