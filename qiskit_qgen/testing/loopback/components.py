"""Samples circuits that fill a device of 27 or 133 qubits, of which few are entangled.

The client's estimator twirls and measures every qubit of the device. Qubits that no gate connects are independent, and
so is their noise: each connected component of a circuit is simulated for itself. Small components are computed for all
sets of parameters at once; larger ones, and those with other gates, run on Aer.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qiskit_qgen.testing.loopback.transfer import Step, is_supported, sample_steps

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.circuit import CircuitInstruction, ParameterExpression

    from qiskit_qgen.testing.loopback.devices import Device

NO_EFFECT = ("barrier", "delay")
MAX_SMALL = {True: 8, False: 1}
"""With and without noise: up to so many qubits a component is small."""


def sample(
    circuit: QuantumCircuit, rows: NDArray[np.float64], shots: int, device: Device, seed: int
) -> dict[str, NDArray[np.bool_]]:
    """Sample a circuit.

    Args:
        circuit: Circuit on the device's qubits.
        rows: Values of its parameters, in their order, shape (..., number of parameters).
        shots: Shots for each row.
        device: Whose noise there is.
        seed: Seed.

    Returns:
        For each classical register a Boolean array of shape (..., shots, size), the register's bit 0 first.
    """
    shape, flat = rows.shape[:-1], rows.reshape(math.prod(rows.shape[:-1]), rows.shape[-1])
    bits = np.zeros((len(flat), shots, circuit.num_clbits), dtype=bool)
    for index, qubits in enumerate(components(circuit)):
        part = _Part(circuit, qubits, flat)
        if not part.clbits:
            continue
        sampler = part.sample_at_once if part.is_small(device) else part.sample_on_aer
        bits[:, :, part.clbits] = sampler(shots, device, derived_seed(seed, index))
    registers = {}
    for register in circuit.cregs:
        positions = [circuit.find_bit(bit).index for bit in register]
        registers[register.name] = bits[:, :, positions].reshape(*shape, shots, len(register))
    return registers


def derived_seed(seed: int, index: int) -> int:
    """Return one of the seeds that follow from a seed."""
    return int(np.random.SeedSequence((seed, index)).generate_state(1)[0] >> 1)


def components(circuit: QuantumCircuit) -> list[list[int]]:
    """Return the sets of qubits that gates connect. With control flow, all used qubits are one set."""
    label = list(range(circuit.num_qubits))
    used: set[int] = set()
    dynamic = any(hasattr(instruction.operation, "blocks") for instruction in circuit.data)
    for instruction in circuit.data:
        if instruction.operation.name in NO_EFFECT:
            continue
        qubits = [circuit.find_bit(qubit).index for qubit in instruction.qubits]
        joined = used | set(qubits) if dynamic else set(qubits)
        used.update(qubits)
        old = {label[qubit] for qubit in joined}
        label = [min(old) if own in old else own for own in label]
    return [[q for q in sorted(used) if label[q] == own] for own in sorted({label[q] for q in used})]


class _Part:
    """One component of a circuit."""

    def __init__(self, circuit: QuantumCircuit, qubits: list[int], rows: NDArray[np.float64]) -> None:
        self._circuit, self._qubits, self._rows = circuit, qubits, rows
        self._columns = {parameter: column for column, parameter in enumerate(circuit.parameters)}
        members = {circuit.qubits[qubit] for qubit in qubits}
        self._instructions = [
            instruction
            for instruction in circuit.data
            if instruction.operation.name not in NO_EFFECT and members.issuperset(instruction.qubits)
        ]
        self.clbits = sorted(
            {circuit.find_bit(bit).index for instruction in self._instructions for bit in instruction.clbits}
        )

    def _local(self, instruction: CircuitInstruction) -> tuple[int, ...]:
        """Return the numbers of an instruction's qubits within the component."""
        return tuple(self._qubits.index(self._circuit.find_bit(qubit).index) for qubit in instruction.qubits)

    def is_small(self, device: Device) -> bool:
        """Whether `sample_at_once` can sample it."""
        names = [instruction.operation.name for instruction in self._instructions]
        qubits = [self._local(instruction) for instruction in self._instructions]
        return len(self._qubits) <= MAX_SMALL[device.noise] and is_supported(names, qubits)

    def sample_at_once(self, shots: int, device: Device, seed: int) -> NDArray[np.bool_]:
        """Sample all rows together."""
        steps, clbits = [], []
        for instruction in self._instructions:
            gate = instruction.operation
            angles = self._values(gate.params[0]) if gate.name == "rz" else None
            steps.append(Step(gate.name, self._local(instruction), angles))
            clbits += [self._circuit.find_bit(bit).index for bit in instruction.clbits]
        bits = sample_steps(steps, self._qubits, len(self._rows), shots, device, seed)
        return bits[:, :, np.argsort(clbits)]

    def _values(self, angle: ParameterExpression) -> NDArray[np.float64]:
        """Return the angle for each row."""
        if not hasattr(angle, "parameters"):
            return np.full(len(self._rows), float(angle))
        if angle in self._columns:
            return self._rows[:, self._columns[angle]]
        columns = [self._columns[parameter] for parameter in angle.parameters]
        names = list(angle.parameters)
        return np.array([float(angle.bind(dict(zip(names, row[columns], strict=True)))) for row in self._rows])

    def sample_on_aer(self, shots: int, device: Device, seed: int) -> NDArray[np.bool_]:
        """Sample by Aer, whatever the gates are."""
        from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
        from qiskit.primitives.containers.bindings_array import BindingsArray
        from qiskit.primitives.containers.sampler_pub import SamplerPub
        from qiskit_aer.primitives import SamplerV2

        small = QuantumCircuit(QuantumRegister(len(self._qubits), "q"), ClassicalRegister(len(self.clbits), "c"))
        qubit_of = {self._circuit.qubits[qubit]: small.qubits[index] for index, qubit in enumerate(self._qubits)}
        clbit_of = {self._circuit.clbits[clbit]: small.clbits[index] for index, clbit in enumerate(self.clbits)}
        for instruction in self._instructions:
            small.append(
                instruction.operation,
                [qubit_of[qubit] for qubit in instruction.qubits],
                [clbit_of[clbit] for clbit in instruction.clbits],
            )
        sampler = SamplerV2.from_backend(device.simulator(self._qubits, seed), seed=seed)
        if small.parameters:
            columns = [self._columns[parameter] for parameter in small.parameters]
            values = BindingsArray({tuple(small.parameters): self._rows[:, columns]})
            pub = SamplerPub(small, values, shots=shots)
        else:  # Aer would run it once and leave the other rows zero
            pub = SamplerPub(small, shots=shots * len(self._rows))
        bits: NDArray[np.bool_] = sampler.run([pub]).result()[0].data.c.to_bool_array(order="little")
        return bits.reshape(len(self._rows), shots, -1)
