"""Remembers lowered circuits, so that a primitive that gets the same circuit again does not lower it again."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

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
        wanted = list(observables)
        with self._lock:
            for number, (known, known_observables, values) in enumerate(self._entries):
                if known.data == circuit.data and known.qubits == circuit.qubits and known_observables == wanted:
                    self._entries.insert(0, self._entries.pop(number))
                    return values
            values = ExpectationValues(lower(circuit), wanted, threads=self._threads)
            self._entries.insert(0, (circuit.copy(), wanted, values))
            del self._entries[_SIZE:]
            return values

    def __deepcopy__(self, memo: dict[int, object]) -> ExpectationCache:
        return ExpectationCache(threads=self._threads)

    def __reduce__(self) -> tuple[object, ...]:
        return _empty, (self._threads,)


def _empty(threads: int | None) -> ExpectationCache:
    return ExpectationCache(threads=threads)
