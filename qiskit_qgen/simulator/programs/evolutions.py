"""Builds exp(-i time H), exactly, as Qiskit's ``Statevector`` has it; a product formula only approximates it.

Terms that commute with each other are rotations one after the other. Where some do not, the smallest sets of terms
that commute with all others are exponentials of matrices.
"""

from __future__ import annotations

from typing import Any

from qiskit.quantum_info import PauliList, SparseObservable, SparsePauliOp

from qiskit_qgen.simulator.programs.builder import Builder
from qiskit_qgen.simulator.programs.matrices import build_exponential, check_size


def build_pauli_evolution(b: Builder, gate: Any, qubits: list[int]) -> None:
    """``PauliEvolutionGate``: Pauli terms, given at once or in a list, and 0 and 1 as projectors (controls)."""
    operators = gate.operator if isinstance(gate.operator, list) else [gate.operator]
    operator = sum(map(_observable, operators[1:]), start=_observable(operators[0]))
    controls, terms = _split_controls(operator)
    state = sum(value << bit for bit, value in enumerate(controls.values()))
    with b.controlled([qubits[qubit] for qubit in controls], state):
        for component in _components(terms):
            _build_component(b, component, gate.time, qubits)


def build_hamiltonian(b: Builder, gate: Any, qubits: list[int]) -> None:
    """``HamiltonianGate``."""
    hamiltonian, time = gate.params
    check_size(gate.name, len(qubits), "split it into smaller ones")
    build_exponential(b, hamiltonian, time, qubits)


def _observable(operator: SparsePauliOp | SparseObservable) -> SparseObservable:
    return SparseObservable.from_sparse_pauli_op(operator) if isinstance(operator, SparsePauliOp) else operator


def _split_controls(operator: SparseObservable) -> tuple[dict[int, int], SparsePauliOp]:
    """Return {qubit: value} of the projectors that all terms have, and the operator without them, in Paulis."""
    terms = operator.simplify().to_sparse_list()
    projectors = [
        {(q, int(letter)) for letter, q in zip(word, qubits, strict=True) if letter in "01"}
        for word, qubits, _ in terms
    ]
    controls = dict(sorted(set.intersection(*projectors))) if projectors else {}
    kept = []
    for word, qubits, coefficient in terms:
        left = [(letter, qubit) for letter, qubit in zip(word, qubits, strict=True) if qubit not in controls]
        kept.append(("".join(letter for letter, _ in left), [qubit for _, qubit in left], coefficient))
    rest = SparseObservable.from_sparse_list(kept, num_qubits=operator.num_qubits)
    return controls, SparsePauliOp.from_sparse_observable(rest).simplify(atol=0.0)


def _components(operator: SparsePauliOp) -> list[SparsePauliOp]:
    """Split an operator into parts that commute with each other, and as small as can be."""
    paulis: PauliList = operator.paulis
    left = set(range(len(paulis)))
    components = []
    while left:
        members = frontier = {min(left)}
        left -= members
        while frontier:
            frontier = {n for n in left if any(paulis[n].anticommutes(paulis[other]) for other in frontier)}
            left -= frontier
            members = members | frontier
        components.append(operator[sorted(members)])
    return components


def _build_component(b: Builder, component: SparsePauliOp, time: Any, qubits: list[int]) -> None:
    terms = component.to_sparse_list()
    if len(terms) == 1:
        ((word, positions, coefficient),) = terms
        b.rotation(b.angle(time, 2 * coefficient.real), word, *(qubits[position] for position in positions))
        return
    support = sorted({position for _, positions, _ in terms for position in positions})
    check_size("PauliEvolution", len(support), "replace it by a product formula with `circuit.decompose()`")
    number = {position: bit for bit, position in enumerate(support)}
    local = [(word, [number[position] for position in positions], c) for word, positions, c in terms]
    matrix = SparsePauliOp.from_sparse_list(local, num_qubits=len(support)).to_matrix()
    build_exponential(b, matrix, time, [qubits[position] for position in support])
