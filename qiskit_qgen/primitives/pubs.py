"""What primitives read of a PUB."""

from __future__ import annotations

from functools import lru_cache
from math import ceil, prod
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.quantum_info import SparseObservable, SparsePauliOp

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.simulator.programs.observables import pauli_words

Terms: TypeAlias = tuple[tuple[str, float], ...]


def shots_of_precision(precision: float) -> int:
    """Return the fewest shots whose standard error, 1 / sqrt(shots), is at most ``precision``, up to rounding errors.

    The precision of n shots, 1 / sqrt(n) in floating point, gives n again.
    """
    return max(1, ceil(precision**-2 * (1 - 1e-14)))


def values_of(pub: EstimatorPub | SamplerPub) -> NDArray[np.float64]:
    """Return a PUB's parameter values, (..., num_parameters), in the order of its circuit's parameters.

    Raises:
        ArgumentError: If one is not finite; a device would run, and bill, NaN as well.
    """
    values: NDArray[np.float64] = pub.parameter_values.as_array(pub.circuit.parameters)
    if not np.isfinite(values).all():
        raise ArgumentError("Argument `pubs` must hold finite parameter values, but holds NaN or infinity.")
    return values


def rows_of(pub: EstimatorPub | SamplerPub) -> NDArray[np.float64]:
    """Return a PUB's parameter values as rows, (rows, num_parameters); see :func:`values_of`."""
    values = values_of(pub)
    return values.reshape(prod(values.shape[:-1]), values.shape[-1])


def distinct_observables(pub: EstimatorPub) -> tuple[tuple[Terms, ...], NDArray[np.intp]]:
    """Return the different observables of a PUB, and which of them is where in its array."""
    numbers: dict[Terms, int] = {}
    column = np.empty(pub.observables.shape, np.intp)
    for index in np.ndindex(column.shape):
        terms = tuple(sorted(pub.observables[index].items()))
        column[index] = numbers.setdefault(terms, len(numbers))
    return tuple(numbers), column


@lru_cache(maxsize=256)
def operator_of(terms: Terms, num_qubits: int) -> SparsePauliOp:
    """Return the sum of the terms, whose labels may hold projectors such as "0" or "+"."""
    return pauli_words(SparseObservable.from_list(terms, num_qubits=num_qubits))
