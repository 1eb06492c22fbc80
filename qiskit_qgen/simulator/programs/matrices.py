"""Builds gates that are given as matrices, exactly: diagonals, unitaries and exponentials of Hermitian matrices.

Multiplexed rotations cost one operation for each parity of the qubits that select them, and the CX gates of the usual
circuits nothing, so the cosine-sine decomposition (arXiv quant-ph/0406176) serves as it stands, without a special case
for two qubits.
"""

from __future__ import annotations

import cmath
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from qiskit_qgen._typing import FloatArray
from qiskit_qgen.exceptions import UnsupportedCircuitError
from qiskit_qgen.simulator.programs.builder import Builder

ComplexArray: TypeAlias = NDArray[np.complexfloating]

MAX_MATRIX_QUBITS = 7  # 8 thousand rotations, seconds to lower; four times as many for each further qubit
_NEGLIGIBLE = 1e-15  # radians


def check_size(name: str, num_qubits: int, remedy: str) -> None:
    """Raise :class:`UnsupportedCircuitError` if a matrix on so many qubits takes too long to decompose."""
    if num_qubits > MAX_MATRIX_QUBITS:
        raise UnsupportedCircuitError(
            f"The built-in simulator decomposes matrices of at most {MAX_MATRIX_QUBITS} qubits, but `{name}` needs one "
            f"of {num_qubits}: {remedy}, or run the circuit on Aer instead."
        )


def build_diagonal(b: Builder, phases: FloatArray, qubits: Sequence[int], factor: Any = 1.0) -> None:
    """diag(exp(i factor phases)), the lowest bit of the index being ``qubits[0]``."""
    for qubits_of_term, coefficient in _parities(phases, qubits):
        word = "Z" * len(qubits_of_term)
        b.rotation(b.angle(factor, -2 * coefficient), word, *qubits_of_term)


def build_unitary(b: Builder, matrix: ComplexArray, qubits: Sequence[int]) -> None:
    """A unitary matrix, the lowest bit of its indices being ``qubits[0]``."""
    if len(qubits) == 1:
        _build_unitary_of_one(b, matrix, qubits[0])
        return
    from scipy.linalg import cossin

    half = len(matrix) // 2
    (left0, left1), angles, (right0, right1) = cossin(matrix, half, half, separate=True)
    *others, top = qubits
    _build_multiplexed(b, right0, right1, others, top)
    for selectors, coefficient in _parities(2 * angles, others):
        b.rotation(b.angle(coefficient), "Y" + "Z" * len(selectors), top, *selectors)
    _build_multiplexed(b, left0, left1, others, top)


def build_state(b: Builder, amplitudes: ComplexArray, qubits: Sequence[int]) -> None:
    """A state of qubits that are all 0, the lowest bit of its index being ``qubits[0]``: RY from the highest down.

    Each rotation is selected by the qubits above it (arXiv quant-ph/0407010); phases come last.
    """
    is_real = not amplitudes.imag.any()
    for position in reversed(range(len(qubits))):
        weights = np.linalg.norm(amplitudes.reshape(-1, 2, 1 << position), axis=2)
        if is_real and position == 0:  # a rotation can turn to negative numbers, too
            weights = amplitudes.real.reshape(-1, 2)
        angles = 2 * np.arctan2(weights[:, 1], weights[:, 0])
        for selectors, coefficient in _parities(angles, qubits[position + 1 :]):
            b.rotation(b.angle(coefficient), "Y" + "Z" * len(selectors), qubits[position], *selectors)
    if not is_real:
        build_diagonal(b, np.angle(amplitudes), qubits)


def build_exponential(b: Builder, hamiltonian: ComplexArray, time: Any, qubits: Sequence[int]) -> None:
    """exp(-i time H), H being Hermitian, by its eigenvectors; the time may have parameters."""
    energies, vectors = np.linalg.eigh(hamiltonian)
    angle = b.angle(time)
    if angle.slot < 0 and not b.num_controls:  # half as many operations
        build_unitary(b, (vectors * np.exp(-1j * angle.offset * energies)) @ vectors.conj().T, qubits)
        return
    with b.uncontrolled():
        build_unitary(b, vectors.conj().T, qubits)
    build_diagonal(b, -energies, qubits, time)
    with b.uncontrolled():
        build_unitary(b, vectors, qubits)


def _parities(values: FloatArray, qubits: Sequence[int]) -> Iterator[tuple[list[int], float]]:
    """Yield (qubits S, c): values[j] is the sum of c (-1)^(parity of the bits of j in S)."""
    coefficients = np.array(values, np.float64).reshape((2,) * len(qubits))
    for axis in range(len(qubits)):
        zero, one = np.moveaxis(coefficients, axis, 0)
        coefficients = np.stack([zero + one, zero - one], axis) / 2
    for number, coefficient in enumerate(coefficients.reshape(-1).tolist()):
        if abs(coefficient) > _NEGLIGIBLE:
            yield [qubit for bit, qubit in enumerate(qubits) if number >> bit & 1], coefficient


def _build_multiplexed(b: Builder, zero: ComplexArray, one: ComplexArray, qubits: Sequence[int], selector: int) -> None:
    """One of two unitaries, by the value of the selecting qubit: (V, V) diag(D, D^-1) (W, W)."""
    from scipy.linalg import schur

    triangle, vectors = schur(zero @ one.conj().T, output="complex")
    angles = np.angle(np.diag(triangle)) / 2
    build_unitary(b, np.exp(1j * angles)[:, None] * (vectors.conj().T @ one), qubits)
    for others, coefficient in _parities(-2 * angles, qubits):
        b.rotation(b.angle(coefficient), "Z" * (len(others) + 1), selector, *others)
    build_unitary(b, vectors, qubits)


def _build_unitary_of_one(b: Builder, matrix: ComplexArray, qubit: int) -> None:
    """exp(i alpha) P(phi) RY(theta) P(lambda)."""
    ((m00, m01), (m10, m11)) = matrix.tolist()
    alpha = cmath.phase(m00)
    phi = cmath.phase(m10) - alpha
    lam = cmath.phase(m11) - alpha - phi if abs(m00) > abs(m10) else cmath.phase(-m01) - alpha
    b.global_phase(b.angle(alpha))
    b.phase(b.angle(lam), qubit)
    b.rotation(b.angle(2 * cmath.phase(complex(abs(m00), abs(m10)))), "Y", qubit)
    b.phase(b.angle(phi), qubit)
