"""The builder writes a program gate by gate.

Gates are exact, global phases included: under a control they matter. Without controls they are dropped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import pi
from typing import Any

from qiskit.circuit import ParameterExpression, QuantumCircuit

from qiskit_qgen.exceptions import UnsupportedCircuitError
from qiskit_qgen.simulator.programs.operations import Angle, Control, Frame, Operation
from qiskit_qgen.simulator.programs.program import Program

_WINDOW = 16  # how many operations back one is looked for that a new operation can join


class Builder:
    """Collects operations; every method is a gate, and obeys the controls of the enclosing ``with`` blocks."""

    def __init__(self, num_qubits: int) -> None:
        self.touched: set[int] = set()
        """The qubits that a gate has acted on so far."""
        self._frame = Frame.identity(num_qubits)
        self._operations: list[Operation] = []
        self._slots: dict[ParameterExpression, int] = {}
        self._controls: tuple[tuple[int, int], ...] = ()

    @contextmanager
    def controlled(self, qubits: Sequence[int], state: int | None = None) -> Iterator[None]:
        """Add controls: ``qubits[i]`` must hold bit i of ``state`` (all 1 by default)."""
        outer = self._controls
        state = (1 << len(qubits)) - 1 if state is None else state
        self._controls = (*outer, *((qubit, state >> bit & 1) for bit, qubit in enumerate(qubits)))
        self.touched.update(qubits)
        try:
            yield
        finally:
            self._controls = outer

    @contextmanager
    def uncontrolled(self) -> Iterator[None]:
        """Lift all controls: for a change of axes that is undone after a controlled gate."""
        outer, self._controls = self._controls, ()
        try:
            yield
        finally:
            self._controls = outer

    @property
    def num_controls(self) -> int:
        """How many controls gates have at this point."""
        return len(self._controls)

    def angle(self, value: Any, scale: float = 1.0, offset: float = 0.0) -> Angle:
        """Return ``scale * value + offset``, the value being a number or an expression of parameters."""
        if isinstance(value, ParameterExpression) and value.parameters:
            return Angle(self._slots.setdefault(value, len(self._slots)), scale, offset)
        try:
            number = float(value)
        except (TypeError, ValueError, RuntimeError):
            number = math.nan
        if not math.isfinite(number):
            raise UnsupportedCircuitError(
                f"The built-in simulator needs finite real angles, but this circuit holds {value}: correct the gate."
            )
        return Angle(-1, 0.0, scale * number + offset)

    def x(self, qubit: int) -> None:
        """X; a permutation unless it has several controls."""
        if len(self._controls) > 1:  # X = RY(pi) Z
            self.phase(self.angle(pi), qubit)
            self.rotation(self.angle(pi), "Y", qubit)
            return
        self.touched.add(qubit)
        for control, value in self._controls:
            self._frame.cx(control, qubit)
            if value:
                return
        self._frame.x(qubit)

    def swap(self, first: int, second: int) -> None:
        """SWAP; a permutation unless it has controls."""
        if not self._controls:
            self.touched.update((first, second))
            self._frame.swap(first, second)
            return
        self._frame.cx(second, first)
        with self.controlled([first]):
            self.x(second)
        self._frame.cx(second, first)

    def phase(self, angle: Angle, qubit: int) -> None:
        """diag(1, exp(i angle))."""
        with self.controlled([qubit]):
            self.global_phase(angle)

    def global_phase(self, angle: Angle) -> None:
        """exp(i angle), which the controls make a phase of some rows."""
        self._apply(0, 0, angle.scaled(-2))

    def rotation(self, angle: Angle, word: str, *qubits: int) -> None:
        """exp(-i angle/2 P): the letter ``word[i]``, one of I, X, Y, Z, acts on ``qubits[i]``."""
        flipped = [position for position, letter in enumerate(word) if letter in "XY"]
        num_y = word.count("Y")
        if flipped and num_y % 2 == 0:  # S turns X into Y, and its inverse Y into X
            first = flipped[0]
            turn, letter = (pi / 2, "Y") if word[first] == "X" else (-pi / 2, "X")
            with self.turned(self.angle(turn), qubits[first]):
                self.rotation(angle, word[:first] + letter + word[first + 1 :], *qubits)
            return
        self.touched.update(qubit for letter, qubit in zip(word, qubits, strict=True) if letter != "I")
        sign, constant = self._frame.parity(tuple(q for letter, q in zip(word, qubits, strict=True) if letter in "YZ"))
        flip = self._frame.flip(tuple(qubits[position] for position in flipped))
        negative = constant ^ (num_y >> 1 & 1)
        self._apply(flip, sign, angle.scaled(-1) if negative else angle)

    @contextmanager
    def turned(self, angle: Angle, qubit: int) -> Iterator[None]:
        """Turn a qubit by RZ(angle) before the gates inside, and back after them."""
        with self.uncontrolled():
            self.rotation(angle, "Z", qubit)
        yield
        with self.uncontrolled():
            self.rotation(angle.scaled(-1), "Z", qubit)

    def program(self, circuit: QuantumCircuit) -> Program:
        """Return the program on the qubits that gates have touched, or on qubit 0 if there are none."""
        active = tuple(sorted(self.touched)) or (0,)

        def rows(mask: int) -> int:
            return sum((mask >> qubit & 1) << bit for bit, qubit in enumerate(active))

        frame = Frame(
            [rows(self._frame.flips[qubit]) for qubit in active],
            [rows(self._frame.signs[qubit]) for qubit in active],
            [self._frame.constants[qubit] for qubit in active],
        )
        numbers = {-1: -1}
        for operation in self._operations:
            numbers.setdefault(operation.angle.slot, len(numbers) - 1)
        operations = tuple(
            Operation(
                rows(flip),
                rows(sign),
                angle._replace(slot=numbers[angle.slot]),
                tuple(Control(rows(control.sign), control.value) for control in controls),
            )
            for flip, sign, angle, controls in self._operations
        )
        slots = list(self._slots)
        expressions = tuple(slots[slot] for slot in numbers if slot >= 0)
        return Program(circuit.num_qubits, active, tuple(circuit.parameters), expressions, operations, frame)

    def _apply(self, flip: int, sign: int, angle: Angle) -> None:
        """Write an operation with the controls of this point."""
        controls = tuple(
            Control(self._frame.signs[qubit], value ^ self._frame.constants[qubit]) for qubit, value in self._controls
        )
        self._write(Operation(flip, sign, angle, controls))

    def _write(self, new: Operation) -> None:
        """Append an operation, or join it to an earlier one that is the same except for the angle.

        Phases of at most two qubits become phases without controls, by the parities of the qubits.
        """
        if not new.flip and new.controls and len(new.controls) + bool(new.sign) <= 2:
            (control, *others) = new.controls
            half, rest = new.angle.scaled(0.5), tuple(others)
            self._write(Operation(0, new.sign, half, rest))
            self._write(Operation(0, new.sign ^ control.sign, half.scaled(-1) if control.value else half, rest))
            return
        if new.angle == (-1, 0.0, 0.0) or not (new.flip or new.sign or new.controls):
            return
        for position in range(len(self._operations) - 1, max(-1, len(self._operations) - 1 - _WINDOW), -1):
            old = self._operations[position]
            if old._replace(angle=new.angle) == new:
                angle = _sum(old.angle, new.angle)
                if angle == (-1, 0.0, 0.0):
                    del self._operations[position]
                    return
                if angle is not None:
                    self._operations[position] = old._replace(angle=angle)
                    return
            elif not old.commutes_with(new):
                break
        self._operations.append(new)


def _sum(first: Angle, second: Angle) -> Angle | None:
    """Return the sum of two angles, or None if it depends on two slots."""
    if -1 not in (first.slot, second.slot) and first.slot != second.slot:
        return None
    scale = first.scale + second.scale
    return Angle(max(first.slot, second.slot) if scale else -1, scale, first.offset + second.offset)
