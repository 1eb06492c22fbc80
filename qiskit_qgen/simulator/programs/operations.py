"""The simulator's elementary operations, on the rows of the stored state.

Every unitary circuit becomes a list of two kinds of operation, both of the form exp(-i angle P / 2):

- a *rotation*, P real and antisymmetric up to a factor i (an odd number of Y): it mixes the pairs of rows (r, r XOR
  flip), the row with an even parity of ``r AND sign`` being the first of its pair. RY of one qubit is the common
  case; it may have controls.
- a *phase*, P diagonal (``flip`` = 0): exp(-i angle/2) on the rows with an even parity of ``r AND sign``, exp(+i
  angle/2) on the others; it may have controls too.

Permutations (X, CX, SWAP and all that they make up) are not operations: they only change which row holds which basis
state. That is the :class:`Frame`. Stored rows never move for them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Angle(NamedTuple):
    """An angle in radians: ``scale * value + offset``.

    The value is that of the circuit's slot ``slot``, and 0 if ``slot`` is -1.
    """

    slot: int
    scale: float
    offset: float

    def scaled(self, factor: float) -> Angle:
        """Return ``factor`` times this angle."""
        return Angle(self.slot, self.scale * factor, self.offset * factor)


class Control(NamedTuple):
    """The condition that the parity of ``r AND sign`` is ``value`` (0 or 1)."""

    sign: int
    value: int


class Operation(NamedTuple):
    """exp(-i angle P / 2) on the pairs (r, r XOR flip), or a phase if ``flip`` is 0; see the module's docstring."""

    flip: int
    sign: int
    angle: Angle
    controls: tuple[Control, ...] = ()

    @property
    def signs(self) -> tuple[int, ...]:
        """What the operation reads of a row: its own sign, and those of its controls."""
        return self.sign, *(control.sign for control in self.controls)

    def commutes_with(self, other: Operation) -> bool:
        """Whether the two operations certainly commute (False may also mean: not known)."""
        anticommute = ((self.flip & other.sign).bit_count() + (other.flip & self.sign).bit_count()) & 1
        if anticommute:
            return False
        return not (
            any((self.flip & control.sign).bit_count() & 1 for control in other.controls)
            or any((other.flip & control.sign).bit_count() & 1 for control in self.controls)
        )


class PauliTerm(NamedTuple):
    """Matrix elements ``coefficient * i**odd * (-1)**parity(r AND sign)`` from row r to row ``r XOR flip``.

    They belong to the observable number ``output``.
    """

    flip: int
    sign: int
    odd: int
    coefficient: float
    output: int


@dataclass
class Frame:
    """Which stored row holds which basis state: an affine map over the field of two elements.

    Flipping qubit q changes the row r to ``r XOR flips[q]``; qubit q of row r is the parity of ``r AND signs[q]``,
    XOR ``constants[q]``.
    """

    flips: list[int]
    signs: list[int]
    constants: list[int] = field(default_factory=list)

    @classmethod
    def identity(cls, num_qubits: int) -> Frame:
        """Return the frame in which row r holds basis state r (qubit 0 is the lowest bit, as in Qiskit)."""
        units = [1 << qubit for qubit in range(num_qubits)]
        return cls(list(units), list(units), [0] * num_qubits)

    def x(self, qubit: int) -> None:
        """Apply X."""
        self.constants[qubit] ^= 1

    def cx(self, control: int, target: int) -> None:
        """Apply CX."""
        self.signs[target] ^= self.signs[control]
        self.constants[target] ^= self.constants[control]
        self.flips[control] ^= self.flips[target]

    def swap(self, first: int, second: int) -> None:
        """Apply SWAP."""
        for values in (self.flips, self.signs, self.constants):
            values[first], values[second] = values[second], values[first]

    def parity(self, qubits: tuple[int, ...]) -> tuple[int, int]:
        """Return (sign, constant): the parity of the qubits in row r is that of ``r AND sign``, XOR constant."""
        sign = constant = 0
        for qubit in qubits:
            sign ^= self.signs[qubit]
            constant ^= self.constants[qubit]
        return sign, constant

    def flip(self, qubits: tuple[int, ...]) -> int:
        """Return the mask by which flipping all the qubits changes the row."""
        mask = 0
        for qubit in qubits:
            mask ^= self.flips[qubit]
        return mask
