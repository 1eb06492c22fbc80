"""The circuit in the bottleneck of a diffusion model's U-Net."""

from __future__ import annotations

from qiskit.circuit import ParameterVector, QuantumCircuit

from qiskit_qgen._checks import check_int
from qiskit_qgen.circuits.parametrized import ParametrizedCircuit


def bottleneck_ansatz(num_qubits: int = 16, reps: int = 3, *, published: bool = False) -> ParametrizedCircuit:
    """Return RY(x) on each qubit, then ``reps`` layers of RZ(w), RY(w') on each qubit and a chain of CNOTs.

    Args:
        num_qubits: Number of qubits, and of inputs.
        reps: Number of layers.
        published: Whether to leave out the RY of the layers, as in the code published with arXiv 2504.00034. All its
            ``num_qubits * reps`` weights are then without effect on the qubits' Z, since RZ is diagonal and CNOT
            permutes basis states: :func:`~qiskit_qgen.studies.audit_gradients` says so. It is here for the record.

    Returns:
        The circuit with ``num_qubits`` inputs and ``2 * num_qubits * reps`` weights, half as many if published; the
        weights in the order of their gates.

    Raises:
        ArgumentError: If a number is not positive.
    """
    check_int("num_qubits", num_qubits, minimum=1)
    check_int("reps", reps, minimum=1)
    inputs = ParameterVector("x", num_qubits)
    weights = ParameterVector("theta", num_qubits * reps * (1 if published else 2))
    following = iter(weights)
    circuit = QuantumCircuit(num_qubits)
    for qubit in range(num_qubits):
        circuit.ry(inputs[qubit], qubit)
    for _ in range(reps):
        for qubit in range(num_qubits):
            circuit.rz(next(following), qubit)
            if not published:
                circuit.ry(next(following), qubit)
        for qubit in range(num_qubits - 1):
            circuit.cx(qubit, qubit + 1)
    return ParametrizedCircuit(circuit, tuple(inputs), tuple(weights))
