"""Circuits with final measurements: what is measured, and how probable each outcome is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from qiskit.circuit import QuantumCircuit

from qiskit_qgen.simulator.cache import RecentCircuits
from qiskit_qgen.simulator.probabilities import Probabilities
from qiskit_qgen.simulator.programs.lowering import lower
from qiskit_qgen.simulator.programs.measurements import Measurements, take_measurements
from qiskit_qgen.simulator.programs.program import Program

MAX_DENSE_BITS = 24
"""Of how many bits the probabilities of all outcomes are held, those of impossible ones among them."""


@dataclass(frozen=True, eq=False)
class MeasuredCircuit:
    """A lowered circuit with final measurements, and the probabilities of their outcomes."""

    program: Program
    measurements: Measurements
    """Those of simulated qubits; all other qubits are found in 0."""
    probabilities: Callable[[torch.Tensor], torch.Tensor]
    """Parameter values (B, num_parameters) to probabilities (B, 2**num_measured)."""

    @classmethod
    def read(cls, circuit: QuantumCircuit, *, threads: int | None = None) -> MeasuredCircuit:
        """Lower a circuit whose measurements are its last operations."""
        unitary, measurements = take_measurements(circuit, ancillas=True)
        program = lower(unitary)
        measurements = measurements.restricted(program.active)
        return cls(program, measurements, Probabilities(program, measurements.qubits, threads=threads))


class MeasurementCache(RecentCircuits[MeasuredCircuit]):
    """The last few measured circuits, compared by content."""

    def get(self, circuit: QuantumCircuit) -> MeasuredCircuit:
        """Return the measurements of ``circuit`` and their probabilities."""
        return self.recall(circuit, lambda: MeasuredCircuit.read(circuit, threads=self._threads))
