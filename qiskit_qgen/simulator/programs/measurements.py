"""``take_measurements``: takes the final measurements off a circuit, and says what they read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import Barrier, Clbit, Delay, Measure, QuantumCircuit, Qubit, Store

from qiskit_qgen._checks import check_type
from qiskit_qgen.exceptions import UnsupportedCircuitError

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


def take_measurements(circuit: QuantumCircuit, *, ancillas: bool = False) -> tuple[QuantumCircuit, Measurements]:
    """Split a circuit into its gates and its final measurements.

    Args:
        circuit: A circuit in which nothing but barriers, delays and measurements follows a measurement of a qubit, and
            nothing else uses a classical bit.
        ancillas: Whether a gate may follow a measurement whose bit was written again: what is left of it, that its
            qubit is dephased, is a CX to a qubit that is added for it.

    Returns:
        The circuit without its measurements, all else being as it was, and these. Of several measurements into one bit
        the last counts.

    Raises:
        ArgumentTypeError: If ``circuit`` is not a circuit.
        UnsupportedCircuitError: If a gate follows a measurement of one of its qubits, or anything else reads or writes
            classical bits.
    """
    check_type("circuit", circuit, QuantumCircuit, "a QuantumCircuit")
    unitary = circuit.copy_empty_like()
    measured: dict[Clbit, int] = {}
    finished: set[int] = set()  # the measured qubits, also those whose bits were written again
    for instruction in circuit.data:
        operation, qubits = instruction.operation, [circuit.find_bit(qubit).index for qubit in instruction.qubits]
        if isinstance(operation, Measure):
            measured[instruction.clbits[0]] = qubits[0]
            finished.add(qubits[0])
            continue
        if instruction.clbits or isinstance(operation, Store):
            remedy = "" if isinstance(operation, Store) else ", or draw shots with `AerExecution(shots=...).sampler()`"
            raise UnsupportedCircuitError(
                f"Nothing but measurements may use classical bits, but `{operation.name}` does: remove it{remedy}."
            )
        again = set() if isinstance(operation, (Barrier, Delay)) else finished.intersection(qubits)
        if ancillas:
            for qubit in sorted(again.difference(measured.values())):
                unitary.add_bits([Qubit()])
                unitary.cx(qubit, unitary.num_qubits - 1)
                finished.remove(qubit)
                again.remove(qubit)
        if again:
            raise UnsupportedCircuitError(
                f"Measurements must come last, but `{operation.name}` follows one of qubit {min(again)}: move it to "
                "the end, or draw shots with `AerExecution(shots=...).sampler()`."
            )
        unitary.append(instruction)
    read = tuple(sorted({measured[bit] for register in circuit.cregs for bit in register if bit in measured}))
    position: dict[int | None, int] = {qubit: number for number, qubit in enumerate(read)}
    registers = {
        register.name: tuple(position.get(measured.get(bit)) for bit in register) for register in circuit.cregs
    }
    return unitary, Measurements(read, registers)


def values_of_outcomes(num_measured: int, bits: Sequence[int | None]) -> NDArray[Any]:
    """Return which whole number each outcome gives to the bits, lowest first; bits that are None are 0."""
    outcomes = np.arange(1 << num_measured)
    values = np.zeros(len(outcomes), np.int64 if len(bits) <= _INT64_BITS else object)
    for place, bit in enumerate(bits):
        if bit is not None:
            values += (outcomes >> bit & 1).astype(values.dtype) << place
    return values
