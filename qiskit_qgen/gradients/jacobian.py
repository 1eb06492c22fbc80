"""Derivatives of all outcomes' probabilities by all parameters."""

from __future__ import annotations

from dataclasses import replace
from math import pi, sin

import torch
from qiskit.circuit import Parameter

from qiskit_qgen.simulator.measured import MeasuredCircuit
from qiskit_qgen.simulator.probabilities import Probabilities
from qiskit_qgen.simulator.programs.expressions import SlotEvaluator
from qiskit_qgen.simulator.programs.operations import Angle

_PART_NUMBERS = 1 << 24  # numbers that are held at once
_BACKWARD_COST = 3  # a backward pass, in runs of the circuit

# (shift, weight): df/da = sum of weight * f(a + shift) for f with the frequencies of exp(-i a P / 2) without controls,
# and with controls, where P has the eigenvalue 0 too (arXiv 2107.12390, equation 57, for frequencies 1/2 and 1).
_PLAIN = ((pi / 2, 0.5), (-pi / 2, -0.5))
_CONTROLLED = tuple(((2 * k + 1) * pi / 2, (-1) ** k / (16 * sin((2 * k + 1) * pi / 8) ** 2)) for k in range(4))


class ProbabilityJacobian:
    """The derivatives of a measured circuit's probabilities by its parameters, for batches.

    Either by adjoint differentiation (arXiv 2009.02823): one run of the circuit, and one backward pass of the whole
    batch for each outcome. Or by parameter shifts of each single rotation: two runs for each rotation, four if it has
    controls, as one batch. :attr:`by_shifts` tells which; it is the one that takes fewer passes, a backward pass
    counting as three.

    Args:
        measured: The circuit.
        threads: Number of threads; None for as many as torch uses.

    Attributes:
        by_shifts: Whether rotations are shifted.
    """

    def __init__(self, measured: MeasuredCircuit, *, threads: int | None = None) -> None:
        program, qubits = measured.program, measured.measurements.qubits
        self._slots = SlotEvaluator(program.parameters, program.expressions)
        self._num_outcomes = 1 << len(qubits)
        self._angles: list[Angle] = []
        shifts: list[tuple[int, float, float]] = []
        operations = []
        for operation in program.operations:
            if operation.angle.slot >= 0:
                number = len(self._angles)
                rule = _CONTROLLED if operation.controls else _PLAIN
                shifts.extend((number, shift, weight) for shift, weight in rule)
                self._angles.append(operation.angle)
                operation = operation._replace(angle=Angle(number, 1.0, 0.0))
            operations.append(operation)
        self.by_shifts = len(shifts) <= _BACKWARD_COST * self._num_outcomes
        if self.by_shifts:
            self._shifts = shifts
            own = tuple(Parameter(f"angle{number}") for number in range(len(self._angles)))
            runs = replace(program, parameters=own, expressions=own, operations=tuple(operations))
        else:
            own = tuple(Parameter(f"slot{number}") for number in range(len(program.expressions)))
            runs = replace(program, parameters=own, expressions=own)
        self._probabilities = Probabilities(runs, qubits, threads=threads)

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        """Return the derivatives.

        Args:
            values: Values of the circuit's parameters, (B, num_parameters).

        Returns:
            (B, num_parameters, 2**num_measured).
        """
        slots = self._slots(values).detach()
        by_slot = self._shifted(slots) if self.by_shifts else self._adjoint(slots)  # (B, outcomes, slots)
        rows = values[:, None].expand(-1, self._num_outcomes, -1).detach().clone().requires_grad_()
        evaluated = self._slots(rows.flatten(0, 1))
        if not evaluated.requires_grad:  # the parameters are in the global phase alone
            return torch.zeros_like(rows).movedim(1, 2)
        (found,) = torch.autograd.grad(evaluated, rows, by_slot.flatten(0, 1))  # the chain rule, for all rows at once
        return found.movedim(1, 2)

    def _adjoint(self, slots: torch.Tensor) -> torch.Tensor:
        leaf = slots.requires_grad_()
        probabilities = self._probabilities(leaf)
        found: list[torch.Tensor] = []
        for outcome in range(self._num_outcomes):
            cotangent = torch.zeros_like(probabilities)
            cotangent[:, outcome] = 1
            found += torch.autograd.grad(probabilities, leaf, cotangent, retain_graph=True)
        return torch.stack(found, 1)

    def _shifted(self, slots: torch.Tensor) -> torch.Tensor:
        found = slots.new_zeros(len(slots), self._num_outcomes, slots.shape[1])
        if not self._shifts:
            return found
        used = [angle.slot for angle in self._angles]
        scales = slots.new_tensor([angle.scale for angle in self._angles])
        angles = slots[:, used] * scales + slots.new_tensor([angle.offset for angle in self._angles])
        which = torch.tensor([number for number, _, _ in self._shifts], device=slots.device)
        offsets = slots.new_zeros(len(self._shifts), len(self._angles))
        offsets[torch.arange(len(self._shifts)), which] = slots.new_tensor([shift for _, shift, _ in self._shifts])
        weights = slots.new_tensor([weight for _, _, weight in self._shifts]) * scales[which]
        columns = torch.tensor(used, device=slots.device)[which]
        step = max(1, _PART_NUMBERS // (len(self._shifts) * (self._num_outcomes + len(self._angles))))
        for first in range(0, len(slots), step):
            part = angles[first : first + step]
            with torch.no_grad():
                probabilities = self._probabilities((part[:, None] + offsets).flatten(0, 1))
            terms = probabilities.reshape(len(part), len(self._shifts), -1) * weights[:, None]
            found[first : first + step].index_add_(2, columns, terms.movedim(1, 2))
        return found
