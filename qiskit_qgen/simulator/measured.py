"""Circuits with final measurements: what is measured, and how probable each outcome is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit

from qiskit_qgen.simulator.cache import RecentCircuits
from qiskit_qgen.simulator.probabilities import Probabilities
from qiskit_qgen.simulator.programs.lowering import lower
from qiskit_qgen.simulator.programs.measurements import split_measurements
from qiskit_qgen.simulator.programs.program import Program

MAX_DENSE_BITS = 24
"""Of how many bits the probabilities of all outcomes are held, those of impossible ones among them."""
_INT64_BITS = 62


@dataclass(frozen=True)
class Measurements:
    """A circuit's final measurements. Bit i of an outcome is qubit ``qubits[i]``."""

    qubits: tuple[int, ...]
    """The qubits that are measured, ascending."""
    registers: dict[str, tuple[int | None, ...]]
    """The classical registers in the circuit's order: which bit of an outcome each of their bits is, lowest first.

    None is a bit that nothing is measured into, and so 0.
    """

    @property
    def read_bits(self) -> tuple[int | None, ...]:
        """The bits that networks read: the register ``meas`` if there is one, else all, the first register lowest."""
        if "meas" in self.registers:
            return self.registers["meas"]
        return tuple(bit for bits in self.registers.values() for bit in bits)

    def values(self, bits: Sequence[int | None]) -> NDArray[Any]:
        """Return the value that each outcome gives to a register with the bits ``bits``, (2**len(qubits),)."""
        return values_of_outcomes(len(self.qubits), bits)

    def restricted(self, qubits: Collection[int]) -> Measurements:
        """Return the measurements of the measured qubits among ``qubits`` alone, as if the others were found in 0."""
        kept = [(bit, qubit) for bit, qubit in enumerate(self.qubits) if qubit in qubits]
        position: dict[int | None, int] = {bit: number for number, (bit, _) in enumerate(kept)}
        registers = {name: tuple(map(position.get, bits)) for name, bits in self.registers.items()}
        return Measurements(tuple(qubit for _, qubit in kept), registers)


def take_measurements(circuit: QuantumCircuit) -> tuple[QuantumCircuit, Measurements]:
    """Return the circuit without its final measurements, and these.

    Raises:
        UnsupportedCircuitError: If a measurement is not final.
    """
    unitary, registers = split_measurements(circuit)
    qubits = tuple(sorted({qubit for _, _, measured in registers for qubit in measured.values()}))
    position: dict[int | None, int] = {qubit: number for number, qubit in enumerate(qubits)}
    bits = {name: tuple(position.get(into.get(bit)) for bit in range(size)) for name, size, into in registers}
    return unitary, Measurements(qubits, bits)


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
        unitary, measurements = take_measurements(circuit)
        program = lower(unitary)
        measurements = measurements.restricted(program.active)
        return cls(program, measurements, Probabilities(program, measurements.qubits, threads=threads))


class MeasurementCache(RecentCircuits[MeasuredCircuit]):
    """The last few measured circuits, compared by content."""

    def get(self, circuit: QuantumCircuit) -> MeasuredCircuit:
        """Return the measurements of ``circuit`` and their probabilities."""
        return self.recall(circuit, lambda: MeasuredCircuit.read(circuit, threads=self._threads))


def values_of_outcomes(num_measured: int, bits: Sequence[int | None]) -> NDArray[Any]:
    """Return which whole number each outcome gives to the bits, lowest first; bits that are None are 0."""
    outcomes = np.arange(1 << num_measured)
    values = np.zeros(len(outcomes), np.int64 if len(bits) <= _INT64_BITS else object)
    for place, bit in enumerate(bits):
        if bit is not None:
            values += (outcomes >> bit & 1).astype(values.dtype) << place
    return values
