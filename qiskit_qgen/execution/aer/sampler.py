"""Samples from Aer, as a Qiskit primitive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit
from qiskit.primitives import BaseSamplerV2, BitArray, DataBin, PrimitiveJob, PrimitiveResult, SamplerPubResult
from qiskit.primitives.containers import SamplerPubLike
from qiskit.primitives.containers.sampler_pub import SamplerPub

from qiskit_qgen._checks import check_int
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution.aer.circuits import AerCircuit, names_of
from qiskit_qgen.execution.aer.device import AerDevice
from qiskit_qgen.execution.aer.readout import drawn_counts, read_out
from qiskit_qgen.primitives.exact_probabilities import exact_result
from qiskit_qgen.primitives.pubs import rows_of
from qiskit_qgen.simulator.programs.measurements import Measurements, take_measurements


class AerSampler(BaseSamplerV2):
    """Shots or exact probabilities from Aer, with or without errors: one run per PUB for all its rows.

    Args:
        device: The device.
    """

    def __init__(self, device: AerDevice) -> None:
        self._device = device

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
            if not pub.circuit.cregs or "measure" not in names_of(pub.circuit):
                raise ArgumentError(
                    "Argument `pubs` must hold circuits with measurements into a classical register, but one has "
                    "none: add `measure_all()`."
                )
        return self._device.submitted(self._run_pub, coerced)

    def _run_pub(self, pub: SamplerPub, generator: np.random.Generator) -> SamplerPubResult:
        circuit = self._device.prepared(pub.circuit)
        angles = circuit.angles(rows_of(pub))
        self._device.method(circuit, pub.shots)  # or an error, if it cannot be run so
        final = None if circuit.is_dynamic else take_measurements(circuit.circuit)
        if final is not None and pub.shots is None:
            return exact_result(pub, self._joint(circuit, *final, angles), final[1].registers)
        if final is not None and len(angles) and self._device.draws(circuit, len(final[1].qubits), pub.shots):
            registers: dict[str, Sequence[int | None]] = dict(final[1].registers)
            counts = drawn_counts(self._joint(circuit, *final, angles), pub.shots, generator)
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

    def _joint(
        self, circuit: AerCircuit, unitary: QuantumCircuit, final: Measurements, angles: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the probabilities of what is read from the measured qubits, (rows, outcomes)."""
        if not len(angles):
            return np.zeros((0, 1 << len(final.qubits)))
        (joint,) = self._device.joint_probabilities(circuit, [(unitary, final.qubits)], angles)
        return read_out(joint, circuit.noise, final.qubits)

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
