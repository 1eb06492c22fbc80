"""Turns observables into Pauli words."""

from __future__ import annotations

import numpy as np
from qiskit.quantum_info import Pauli, SparseObservable, SparsePauliOp
from qiskit.quantum_info.operators.base_operator import BaseOperator

from qiskit_qgen._checks import check_type
from qiskit_qgen.exceptions import ArgumentError

_MAX_PROJECTORS = 10
_TOLERANCE = 1e-12  # of imaginary parts
_PROJECTORS = set("01+-rl")


def real_words(observable: SparsePauliOp, number: int, num_qubits: int) -> SparsePauliOp:
    """Return an observable as a sum of different Pauli words with real coefficients.

    Args:
        observable: The observable.
        number: What it is called in errors.
        num_qubits: The number of qubits that it must act on.

    Raises:
        ArgumentError: If it acts on another number of qubits, or a coefficient is not real, not finite or not bound.
    """
    if observable.num_qubits != num_qubits:
        raise ArgumentError(
            f"Argument `observables` must act on the circuit's {num_qubits} qubits, "
            f"but observable {number} acts on {observable.num_qubits}."
        )
    try:
        words = SparsePauliOp(observable.paulis, observable.coeffs.astype(complex))
    except TypeError:
        raise ArgumentError(
            "Argument `observables` must have numbers as coefficients, "
            f"but observable {number} has free parameters: bind them."
        ) from None
    if not np.isfinite(words.coeffs).all():
        raise ArgumentError(
            f"Argument `observables` must have finite coefficients, but observable {number} has NaN or infinity."
        )
    words = words.simplify(atol=0.0)
    for coefficient in words.coeffs:
        if abs(coefficient.imag) > _TOLERANCE * max(1.0, abs(coefficient)):
            raise ArgumentError(
                "Argument `observables` must have real coefficients, "
                f"but observable {number} has the coefficient {coefficient}."
            )
    return words


def pauli_words(observable: SparseObservable) -> SparsePauliOp:
    """Return an observable as a sum of Pauli words; each projector doubles the words of its term.

    Raises:
        ArgumentError: If a term has more than 10 projectors.
    """
    for letters, *_ in observable.to_sparse_list():
        number = sum(letter in _PROJECTORS for letter in letters)
        if number > _MAX_PROJECTORS:
            raise ArgumentError(
                f"Argument `observables` must have at most {_MAX_PROJECTORS} projectors (0, 1, +, -, r, l) in a term, "
                f"which is a sum of 2**projectors Pauli words, but has {number} in one: "
                "read the probability out of a sampler."
            )
    return SparsePauliOp.from_sparse_observable(observable)


def as_pauli_op(observable: BaseOperator) -> SparsePauliOp:
    """Return an observable as the simulator takes it.

    Raises:
        ArgumentTypeError: If it is of another type than SparsePauliOp, SparseObservable or Pauli.
        ArgumentError: If a term has more than 10 projectors.
    """
    if isinstance(observable, SparsePauliOp):
        return observable
    if isinstance(observable, SparseObservable):
        return pauli_words(observable)
    kinds = "SparsePauliOp, SparseObservable or Pauli operators"
    return SparsePauliOp(check_type("observables", observable, (SparsePauliOp, Pauli), kinds))
