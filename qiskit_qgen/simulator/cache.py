"""Remembers lowered circuits, so that a primitive that gets the same circuit again does not lower it again."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen.simulator.expectation import ExpectationValues
from qiskit_qgen.simulator.lowering import lower

_SIZE = 16


class ExpectationCache:
    """The last few pairs of circuit and observables.

    They are compared by content: a circuit that was changed since is lowered anew.
    """

    def __init__(self, *, threads: int | None = None) -> None:
        self._threads = threads
        self._entries: list[tuple[QuantumCircuit, list[SparsePauliOp], ExpectationValues]] = []
        self._lock = Lock()

    def get(self, circuit: QuantumCircuit, observables: Sequence[SparsePauliOp]) -> ExpectationValues:
        """Return the expectation values of ``observables`` on ``circuit`` as a function of the circuit's parameters."""
        with self._lock:
            for number, (known, known_observables, values) in enumerate(self._entries):
                if _same_circuit(known, circuit) and _same_observables(known_observables, observables):
                    self._entries.insert(0, self._entries.pop(number))
                    return values
            values = ExpectationValues(lower(circuit), observables, threads=self._threads)
            self._entries.insert(0, (circuit.copy(), [observable.copy() for observable in observables], values))
            del self._entries[_SIZE:]
            return values

    def __deepcopy__(self, memo: dict[int, object]) -> ExpectationCache:
        return ExpectationCache(threads=self._threads)

    def __reduce__(self) -> tuple[object, ...]:
        return _empty, (self._threads,)


def _same_circuit(known: QuantumCircuit, circuit: QuantumCircuit) -> bool:
    # A parameter may be in the global phase alone: the values have a column for it all the same.
    return known.qubits == circuit.qubits and known.parameters == circuit.parameters and known.data == circuit.data


def _same_observables(known: Sequence[SparsePauliOp], observables: Sequence[SparsePauliOp]) -> bool:
    # The operators' own ``==`` takes coefficients for equal that differ by one in 100,000.
    return len(known) == len(observables) and all(
        left.paulis == right.paulis and np.array_equal(left.coeffs, right.coeffs)
        for left, right in zip(known, observables, strict=True)
    )


def _empty(threads: int | None) -> ExpectationCache:
    return ExpectationCache(threads=threads)
