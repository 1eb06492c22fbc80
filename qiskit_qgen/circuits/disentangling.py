"""Removes entanglement from a circuit: the control for every claim that entanglement helps."""

from __future__ import annotations

from qiskit.circuit import CircuitInstruction, ControlledGate, QuantumCircuit

from qiskit_qgen._checks import check_type
from qiskit_qgen.circuits.parametrized import ParametrizedCircuit
from qiskit_qgen.exceptions import ArgumentError

_TARGETS = {"rxx": "rx", "ryy": "ry", "rzz": "rz", "rzx": "rx"}
_KEPT = frozenset({"swap", "barrier", "measure"})


def without_entanglement(circuit: ParametrizedCircuit) -> ParametrizedCircuit:
    """Return a circuit with the same parameters whose qubits stay in a product state.

    One-qubit gates stay. Multi-qubit gates without parameters are removed, except a SWAP, which entangles nothing.
    Multi-qubit gates with parameters act only on their last qubit: CRY(a) becomes RY(a) of the target, RZZ(a) becomes
    RZ(a). The numbers of inputs and weights do not change, but some of them may now rotate a qubit about the same axis
    twice.

    Args:
        circuit: The circuit, which is not changed.

    Raises:
        ArgumentTypeError: If it is not a ``ParametrizedCircuit``.
        ArgumentError: If a multi-qubit gate has parameters, but is neither a controlled one-qubit gate nor one of
            RXX, RYY, RZZ and RZX.

    Example:
        >>> from qiskit_qgen.circuits import hardware_efficient_ansatz
        >>> without_entanglement(hardware_efficient_ansatz(3, 2)).circuit.num_nonlocal_gates()
        0
    """
    check_type("circuit", circuit, ParametrizedCircuit, "a ParametrizedCircuit")
    bare = circuit.circuit.copy_empty_like(f"{circuit.circuit.name}_without_entanglement")
    for instruction in circuit.circuit.data:
        if len(instruction.qubits) < 2 or instruction.operation.name in _KEPT:
            bare.append(instruction)
        elif instruction.operation.params:
            _turn_last_qubit(bare, instruction)
    return ParametrizedCircuit(bare, circuit.input_params, circuit.weight_params)


def _turn_last_qubit(bare: QuantumCircuit, instruction: CircuitInstruction) -> None:
    gate, target = instruction.operation, instruction.qubits[-1]
    if isinstance(gate, ControlledGate) and gate.base_gate.num_qubits == 1:
        bare.append(gate.base_gate, [target])
    elif gate.name in _TARGETS:
        getattr(bare, _TARGETS[gate.name])(*gate.params, target)
    else:
        raise ArgumentError(
            "Argument `circuit` must have no gates on several qubits with parameters except controlled one-qubit gates "
            f"and RXX, RYY, RZZ and RZX, but has {gate.name!r}."
        )
