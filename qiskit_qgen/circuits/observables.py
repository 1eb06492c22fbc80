"""Sets of observables to read out of a circuit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen._checks import check_int
from qiskit_qgen.exceptions import ArgumentError


def pauli_observables(num_qubits: int, paulis: str = "XZ") -> list[SparsePauliOp]:
    """Return one-qubit Pauli operators of every qubit: X_0 ... X_{n-1}, then Z_0 ... Z_{n-1}.

    Two observables per qubit give a latent vector of ``2 * num_qubits`` numbers in [-1, 1], as in arXiv 2406.02668. The
    two values of a qubit satisfy <X>^2 + <Z>^2 <= 1.

    Args:
        num_qubits: The number of qubits, at least 1.
        paulis: The operators in output order, each of "X", "Y", "Z" at most once.

    Returns:
        ``len(paulis) * num_qubits`` operators on ``num_qubits`` qubits.

    Raises:
        ArgumentError: If ``num_qubits`` is not positive, or ``paulis`` is empty, repeats a letter or has an unknown
            letter.
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
        ArgumentError: If there are none, one is repeated, or one is not X, Y or Z.
    """
    if not isinstance(paulis, str) or not paulis or len(set(paulis)) < len(paulis) or set(paulis) - set("XYZ"):
        raise ArgumentError(
            f"Argument `{name}` must name each of X, Y, Z at most once, such as 'XZ', but is {paulis!r}."
        )
    return paulis


def plain_observables(name: str, value: Any, num_qubits: int) -> str | tuple[Any, ...]:
    """Return observables in a form that JSON and TOML can store: letters, or a tuple of sums of Pauli strings.

    Args:
        name: Name of the argument in error messages.
        value: Letters as for :func:`pauli_observables`; or a list, each a ``SparsePauliOp``, a Pauli string such as
            "XIZ" (qubit 0 on the right), or pairs of a Pauli string and its coefficient.
        num_qubits: Number of qubits that each observable acts on.

    Raises:
        ArgumentError: If one does not have such a form, acts on another number of qubits, or is constant.
    """
    if isinstance(value, str):
        return check_paulis(name, value)
    if not isinstance(value, Sequence) or not value:
        raise ArgumentError(
            f"Argument `{name}` must be letters such as 'XZ', or a list of at least one observable, but is {value!r}."
        )
    return tuple(_plain_sum(f"{name}[{index}]", each, num_qubits) for index, each in enumerate(value))


def build_observables(value: str | tuple[Any, ...], num_qubits: int) -> list[SparsePauliOp]:
    """Return the operators from the result of :func:`plain_observables`."""
    if isinstance(value, str):
        return pauli_observables(num_qubits, value)
    return [SparsePauliOp.from_list(terms) for terms in value]


def _plain_sum(name: str, value: Any, num_qubits: int) -> tuple[tuple[str, float], ...]:
    """Return a sum of Pauli strings as pairs of a string and its coefficient."""
    given = [(value, 1.0)] if isinstance(value, str) else value
    terms = given.to_list() if isinstance(given, SparsePauliOp) else given
    try:
        found = [(str(label), complex(factor)) for label, factor in terms]
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"Argument `{name}` must be a SparsePauliOp, a Pauli string such as 'XIZ', or pairs of Pauli strings and "
            f"numbers, but is {value!r}."
        ) from error
    for label, factor in found:
        if len(label) != num_qubits or set(label) - set("IXYZ"):
            raise ArgumentError(
                f"Argument `{name}` must consist of Pauli strings of {num_qubits} letters I, X, Y, Z, one for each "
                f"qubit, but has {label!r}."
            )
        if factor.imag or not math.isfinite(factor.real):
            raise ArgumentError(f"Argument `{name}` must have real coefficients, but has {factor!r}.")
    if not any(factor and set(label) != {"I"} for label, factor in found):
        raise ArgumentError(f"Argument `{name}` must depend on the state, but is constant: {value!r}.")
    return tuple((label, factor.real) for label, factor in found)
