"""Small noisy circuits, all sets of parameters at once, in the Pauli basis.

A state of n qubits is the real vector of its 4^n Pauli expectation values; a gate with its error is a real matrix on
the 4 (or 16) values of its qubits, the same for all sets of parameters; only Rz has an angle for each of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from qiskit_qgen.testing.loopback.devices import Device

GATES = ("rz", "sx", "x", "id", "cx", "cz", "ecr")
CHUNK = 1 << 17
"""Numbers that are worked on at a time."""


@dataclass(frozen=True)
class Step:
    """One gate, or a measurement of one qubit."""

    name: str
    qubits: tuple[int, ...]
    """Numbered within the circuit."""
    angles: NDArray[np.float64] | None = None
    """Angles of an Rz, one for each row."""


def is_supported(names: list[str], qubits: list[tuple[int, ...]]) -> bool:
    """Whether there are no gates but `GATES`, and after a qubit's measurement nothing happens to it."""
    measured: set[int] = set()
    for name, acted_on in zip(names, qubits, strict=True):
        if not measured.isdisjoint(acted_on) or name not in (*GATES, "measure"):
            return False
        if name == "measure":
            measured.update(acted_on)
    return True


def sample_steps(
    steps: list[Step], physical: list[int], num_rows: int, shots: int, device: Device, seed: int
) -> NDArray[np.bool_]:
    """Sample a circuit.

    Args:
        steps: Its gates and measurements.
        physical: The device's qubits that its qubits are.
        num_rows: Number of sets of parameters.
        shots: Shots for each row.
        device: Whose errors there are.
        seed: Seed.

    Returns:
        Boolean array of shape (num_rows, shots, number of measurements), in the order of the measurements.
    """
    measured = [step.qubits[0] for step in steps if step.name == "measure"]
    rng = np.random.default_rng(seed)
    size = max(CHUNK >> (2 * len(physical)), 1)
    bits = np.empty((num_rows, shots, len(measured)), dtype=bool)
    for start in range(0, num_rows, size):
        chunk = slice(start, min(start + size, num_rows))
        state = _State(len(physical), chunk)
        for step in steps:
            if step.angles is not None:
                state.rotate(step.qubits[0], step.angles[chunk])
            if step.name != "measure":
                state.apply(device.transfer_matrix(step.name, tuple(physical[q] for q in step.qubits)), step.qubits)
        readout = [device.readout_error(physical[qubit]) for qubit in measured]
        cumulated = np.cumsum(state.probabilities(measured, readout), axis=1)
        for row, bounds in enumerate(cumulated, start):
            outcomes = np.searchsorted(bounds[:-1], rng.random(shots) * bounds[-1], side="right")
            bits[row] = outcomes[:, None] >> np.arange(len(measured)) & 1
    return bits


class _State:
    """Pauli expectation values of a chunk of rows, shape (4, ..., 4, rows)."""

    def __init__(self, num_qubits: int, chunk: slice) -> None:
        self._values = np.zeros((4,) * num_qubits + (chunk.stop - chunk.start,))
        self._values[np.ix_(*[(0, 3)] * num_qubits)] = 1.0  # all qubits in state 0: I and Z are 1
        self._axis = list(range(num_qubits))

    def rotate(self, qubit: int, angles: NDArray[np.float64]) -> None:
        values = np.moveaxis(self._values, self._axis[qubit], 0)
        x, y, sine, cosine = values[1], values[2], np.sin(angles), np.cos(angles)
        values[1], values[2] = cosine * x - sine * y, sine * x + cosine * y

    def apply(self, matrix: NDArray[np.float64] | None, qubits: tuple[int, ...]) -> None:
        """Apply a matrix whose most significant digit is the last qubit's; None does nothing."""
        if matrix is None:
            return
        order = [self._axis[qubit] for qubit in reversed(qubits)]
        rest = [axis for axis in range(len(self._axis)) if axis not in order]
        moved = self._values.transpose(*order, *rest, -1)
        self._values = (matrix @ moved.reshape(len(matrix), -1)).reshape(moved.shape)
        new = {axis: position for position, axis in enumerate(order + rest)}
        self._axis = [new[axis] for axis in self._axis]

    def probabilities(self, measured: list[int], readout: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return the probabilities to read each bit string, shape (rows, 2^measured), the first bit the lowest."""
        selected: list[int | slice] = [0] * len(self._axis)
        for qubit in measured:
            selected[self._axis[qubit]] = slice(0, 4, 3)
        values = self._values[(*selected, slice(None))]
        position = {axis: number for number, axis in enumerate(sorted(self._axis[qubit] for qubit in measured))}
        order = [position[self._axis[qubit]] for qubit in reversed(measured)]
        values = values.transpose(*order, -1)
        for number, error in enumerate(reversed(readout)):
            to_read = error.T @ np.array([[0.5, 0.5], [0.5, -0.5]])  # I and Z to the probabilities of 0 and 1, as read
            values = np.moveaxis(np.tensordot(to_read, values, axes=(1, number)), 0, number)
        return np.clip(values.reshape(-1, values.shape[-1]).T, 0.0, None)
