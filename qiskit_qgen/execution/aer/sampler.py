"""Samples from Aer, as a Qiskit primitive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import ClassicalRegister, QuantumCircuit
from qiskit.primitives import BaseSamplerV2, BitArray, DataBin, PrimitiveJob, PrimitiveResult, SamplerPubResult
from qiskit.primitives.containers import SamplerPubLike
from qiskit.primitives.containers.sampler_pub import SamplerPub

from qiskit_qgen._checks import check_int
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution.aer.circuits import AerCircuit
from qiskit_qgen.execution.aer.device import AerDevice
from qiskit_qgen.execution.aer.readout import drawn_counts, read_out
from qiskit_qgen.primitives.exact_probabilities import exact_result
from qiskit_qgen.primitives.pubs import rows_of


class AerSampler(BaseSamplerV2):
    """Shots or exact probabilities from Aer, with or without errors: one run per PUB for all its rows.

    Args:
        device: The device.
    """

    def __init__(self, device: AerDevice) -> None:
        self._device = device

    @property
    def device(self) -> AerDevice:
        """The device."""
        return self._device

    def run(
        self, pubs: Iterable[SamplerPubLike], *, shots: int | None = None
    ) -> PrimitiveJob[PrimitiveResult[SamplerPubResult]]:
        """Sample the PUBs.

        Args:
            pubs: (circuit, parameter values, shots), the last two optional.
            shots: The number of shots of PUBs that name none; None for the device's, or for exact probabilities if it
                has none.

        Returns:
            A job whose result has, for each classical register of the circuit, ``data.<its name>``: a ``BitArray``, or
            :class:`~qiskit_qgen.primitives.ExactProbabilities` without a number of shots.

        Raises:
            ArgumentError: If ``shots`` is not positive, or a circuit measures nothing.
            UnsupportedCircuitError: From the job, if Aer cannot run a circuit in this way.
        """
        each = self._device.options.num_shots if shots is None else check_int("shots", shots, minimum=1)
        coerced = [SamplerPub.coerce(pub, each) for pub in pubs]
        for pub in coerced:
            if not pub.circuit.cregs or "measure" not in _names(pub.circuit):
                raise ArgumentError(
                    "Argument `pubs` must hold circuits with measurements into a classical register, but one has "
                    "none: add `measure_all()`."
                )
        return self._device.submitted(self._run_pub, coerced)

    def _run_pub(self, pub: SamplerPub, generator: np.random.Generator) -> SamplerPubResult:
        circuit = self._device.prepared(pub.circuit)
        angles = circuit.angles(rows_of(pub))
        if pub.shots is None:
            return self._exact(pub, circuit, angles)
        qubits, registers = _measured_bits(circuit.circuit)
        if len(angles) and self._device.draws(circuit, len(qubits), pub.shots):
            counts = drawn_counts(self._joint(circuit, qubits, angles), pub.shots, generator)
            outcomes = np.repeat(np.tile(np.arange(counts.shape[1]), len(counts)), counts.ravel())
            outcomes = generator.permuted(outcomes.reshape(len(counts), pub.shots), axis=1)
            bits = np.stack([(outcomes & 0xFF).astype(np.uint8), (outcomes >> 8).astype(np.uint8)], 2)
        else:
            registers = {
                register.name: [circuit.circuit.find_bit(bit).index for bit in register]
                for register in circuit.circuit.cregs
            }
            bits = self._bits(circuit, angles, pub.shots, generator)
        data = {}
        for name, places in registers.items():
            packed = _packed(bits, places)
            data[name] = BitArray(packed.reshape(*pub.shape, *packed.shape[1:]), len(places))
        metadata = {"shots": pub.shots, "circuit_metadata": pub.circuit.metadata}
        return SamplerPubResult(DataBin(**data, shape=pub.shape), metadata=metadata)

    def _exact(self, pub: SamplerPub, circuit: AerCircuit, angles: NDArray[np.float64]) -> SamplerPubResult:
        qubits, registers = _measured_bits(circuit.circuit)
        joint = self._joint(circuit, qubits, angles) if len(angles) else np.zeros((0, 1 << len(qubits)))
        return exact_result(pub, joint, registers)

    def _joint(self, circuit: AerCircuit, qubits: list[int], angles: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probabilities of what is read from the qubits, (rows, outcomes)."""
        run = circuit.circuit.copy_empty_like()
        for entry in circuit.circuit.data:
            if entry.name != "measure":
                run.append(entry)
        (joint,) = self._device.joint_probabilities(circuit, [(run, qubits)], angles)
        return read_out(joint, circuit.noise, qubits)

    def _bits(
        self, circuit: AerCircuit, angles: NDArray[np.float64], shots: int, generator: np.random.Generator
    ) -> NDArray[np.uint8]:
        """Return all classical bits of each shot, (rows, shots, bytes), the lowest byte first."""
        length = -(-circuit.circuit.num_clbits // 8)
        if not len(angles):
            return np.zeros((0, shots, length), np.uint8)
        (memory,) = self._device.sampled(
            circuit, [circuit.circuit], angles, shots=shots, generator=generator, memory=True
        )
        numbers = b"".join(int(shot, 16).to_bytes(length, "little") for row in memory for shot in row)
        return np.frombuffer(numbers, np.uint8).reshape(len(memory), shots, length)


def _names(circuit: QuantumCircuit) -> set[str]:
    names = {entry.name for entry in circuit.data}
    for entry in circuit.data:
        for block in getattr(entry.operation, "blocks", ()):
            names |= _names(block)
    return names


def _measured_bits(circuit: QuantumCircuit) -> tuple[list[int], dict[str, list[int | None]]]:
    """Return the measured qubits, and for each register which of them each of its bits is; None for no one."""
    measurements = [entry for entry in circuit.data if entry.name == "measure"]
    source = {entry.clbits[0]: circuit.find_bit(entry.qubits[0]).index for entry in measurements}
    qubits = sorted(set(source.values()))
    number = {qubit: place for place, qubit in enumerate(qubits)}

    def bits(register: ClassicalRegister) -> list[int | None]:
        return [number[source[bit]] if bit in source else None for bit in register]

    return qubits, {register.name: bits(register) for register in circuit.cregs}


def _packed(bits: NDArray[np.uint8], places: Sequence[int | None]) -> NDArray[np.uint8]:
    """Return the bits of a register, (rows, shots, bytes), the lowest byte last.

    Args:
        bits: All bits, (rows, shots, bytes), the lowest byte first.
        places: Which of them are the register's; None for a bit that is always 0.
    """
    packed = np.zeros((*bits.shape[:2], -(-len(places) // 8)), np.uint8)
    for number, place in enumerate(places):
        if place is not None:
            packed[..., -1 - number // 8] |= (bits[..., place // 8] >> place % 8 & 1) << number % 8
    return packed
