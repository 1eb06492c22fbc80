"""Sets of observables that are read out of a circuit."""

from __future__ import annotations

from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen._checks import check_int
from qiskit_qgen.exceptions import ArgumentError


def pauli_observables(num_qubits: int, paulis: str = "XZ") -> list[SparsePauliOp]:
    """Return one-qubit Pauli operators of every qubit: X_0 ... X_{n-1}, then Z_0 ... Z_{n-1}.

    Two observables per qubit give a latent of ``2 * num_qubits`` numbers in [-1, 1], as in arXiv 2406.02668. The pair
    of one qubit satisfies <X>^2 + <Z>^2 <= 1.

    Args:
        num_qubits: The number of qubits, at least 1.
        paulis: The operators in the order of the output, each of "X", "Y", "Z" at most once.

    Returns:
        ``len(paulis) * num_qubits`` operators on ``num_qubits`` qubits.

    Raises:
        ArgumentError: If ``num_qubits`` is not positive, or ``paulis`` is empty, repeats a letter or has another one.
    """
    num_qubits = check_int("num_qubits", num_qubits, minimum=1)
    return [
        SparsePauliOp.from_sparse_list([(pauli, [qubit], 1.0)], num_qubits)
        for pauli in check_paulis("paulis", paulis)
        for qubit in range(num_qubits)
    ]


def check_paulis(name: str, paulis: object) -> str:
    """Return the letters of Pauli operators.

    Raises:
        ArgumentError: If there are none, one is repeated, or there is another one than X, Y and Z.
    """
    if not isinstance(paulis, str) or not paulis or len(set(paulis)) < len(paulis) or set(paulis) - set("XYZ"):
        raise ArgumentError(
            f"Argument `{name}` must name each of X, Y, Z at most once, such as 'XZ', but is {paulis!r}."
        )
    return paulis
