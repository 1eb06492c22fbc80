"""The circuit in the bottleneck of a diffusion model's U-Net."""

from __future__ import annotations

from qiskit_qgen.circuits.parametrized import ParametrizedCircuit
from qiskit_qgen.circuits.variational import hardware_efficient_ansatz


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
    rotations = ("rz",) if published else ("rz", "ry")
    return hardware_efficient_ansatz(num_qubits, reps, rotations=rotations, entanglement="linear")
