"""Turns observables into Pauli words."""

from __future__ import annotations

from qiskit.quantum_info import Pauli, SparseObservable, SparsePauliOp
from qiskit.quantum_info.operators.base_operator import BaseOperator

from qiskit_qgen._checks import check_type
from qiskit_qgen.exceptions import ArgumentError

_MAX_PROJECTORS = 10
_PROJECTORS = set("01+-rl")


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
