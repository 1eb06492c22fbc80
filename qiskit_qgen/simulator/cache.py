"""Remembers lowered circuits, so that a primitive that gets the same circuit again does not lower it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from threading import Lock
from typing import Generic, TypeAlias, TypeVar

from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen.simulator.expectation import ExpectationValues
from qiskit_qgen.simulator.programs.lowering import lower

_SIZE = 16
_Made = TypeVar("_Made")
_Content: TypeAlias = tuple[int | bytes, ...]


class RecentCircuits(Generic[_Made]):
    """The last few circuits, and what was made of each.

    Circuits are compared by content: one that was changed since is another one. A copy starts empty.
    """

    def __init__(self, *, threads: int | None = None) -> None:
        self._threads = threads
        self._entries: list[tuple[QuantumCircuit, _Made]] = []
        self._lock = Lock()

    def recall(
        self, circuit: QuantumCircuit, make: Callable[[], _Made], fits: Callable[[_Made], bool] = lambda _: True
    ) -> _Made:
        """Return what was made of ``circuit`` and ``fits``, or make it."""
        with self._lock:
            for number, (known, made) in enumerate(self._entries):
                if fits(made) and _same_circuit(known, circuit):
                    self._entries.insert(0, self._entries.pop(number))
                    return made
            made = make()
            self._entries.insert(0, (circuit.copy(), made))
            del self._entries[_SIZE:]
            return made

    def __reduce__(self) -> tuple[object, ...]:
        return partial(type(self), threads=self._threads), ()


class ExpectationCache(RecentCircuits[tuple[list[_Content], ExpectationValues]]):
    """The last few pairs of circuit and observables.

    They are compared by content: a circuit that was changed since is lowered again.
    """

    def get(self, circuit: QuantumCircuit, observables: Sequence[SparsePauliOp]) -> ExpectationValues:
        """Return the expectation values of ``observables`` on ``circuit`` as a function of the circuit's parameters."""
        content = [_content(observable) for observable in observables]

        def make() -> tuple[list[_Content], ExpectationValues]:
            return content, ExpectationValues(lower(circuit), observables, threads=self._threads)

        return self.recall(circuit, make, lambda made: made[0] == content)[1]


def _same_circuit(known: QuantumCircuit, circuit: QuantumCircuit) -> bool:
    # A parameter may be in the global phase alone: the values have a column for it all the same.
    return bool(
        known.qubits == circuit.qubits
        and known.cregs == circuit.cregs
        and known.parameters == circuit.parameters
        and known.data == circuit.data
    )


def _content(observable: SparsePauliOp) -> _Content:
    """Return what tells observables apart; their own ``==`` ignores differences of one in 100,000 and takes longer."""
    paulis = observable.paulis
    return observable.num_qubits, *(each.tobytes() for each in (paulis.z, paulis.x, paulis.phase, observable.coeffs))
