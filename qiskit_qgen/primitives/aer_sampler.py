"""Samples from Aer, as a Qiskit primitive."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import ClassicalRegister, QuantumCircuit
from qiskit.primitives import BaseSamplerV2, BitArray, DataBin, PrimitiveJob, PrimitiveResult, SamplerPubResult
from qiskit.primitives.containers import SamplerPubLike
from qiskit.primitives.containers.sampler_pub import SamplerPub

from qiskit_qgen._checks import check_int
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.primitives.aer import AerDevice, save_probabilities
from qiskit_qgen.primitives.aer_circuits import AerCircuit
from qiskit_qgen.primitives.exact_probabilities import ExactProbabilities, ExactSamplerPubResult


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
            :class:`ExactProbabilities` without a number of shots.

        Raises:
            ArgumentError: If ``shots`` is not positive, or a circuit measures nothing.
            UnsupportedCircuitError: From the job, if Aer cannot run a circuit in this way.
        """
        each = self._device.shots if shots is None else check_int("shots", shots, minimum=1)
        coerced = [SamplerPub.coerce(pub, each) for pub in pubs]
        for pub in coerced:
            if not pub.circuit.cregs or "measure" not in _names(pub.circuit):
                raise ArgumentError(
                    "Argument `pubs` must hold circuits with measurements into a classical register, but one has "
                    "none: add `measure_all()`."
                )
        job: PrimitiveJob[PrimitiveResult[SamplerPubResult]] = PrimitiveJob(
            self._run, coerced, self._device.next_seeds()
        )
        job._submit()
        return job

    def _run(self, pubs: list[SamplerPub], generator: np.random.Generator) -> PrimitiveResult[SamplerPubResult]:
        return PrimitiveResult([self._run_pub(pub, generator) for pub in pubs], metadata={"version": 2})

    def _run_pub(self, pub: SamplerPub, generator: np.random.Generator) -> SamplerPubResult:
        values = pub.parameter_values.as_array(pub.circuit.parameters)
        rows = values.reshape(math.prod(values.shape[:-1]), values.shape[-1])
        if not np.isfinite(rows).all():
            raise ArgumentError("Argument `pubs` must hold finite parameter values, but holds NaN or infinity.")
        circuit = self._device.prepared(pub.circuit)
        angles = circuit.angles(rows)
        if pub.shots is None:
            return self._exact(pub, circuit, angles)
        memory: list[list[str]] = []
        if len(rows):
            (memory,) = self._device.sampled(
                circuit, [circuit.circuit], angles, shots=pub.shots, generator=generator, memory=True
            )
        data = {}
        for register in circuit.circuit.cregs:
            bits = [circuit.circuit.find_bit(bit).index for bit in register]
            packed = _packed(memory, bits, pub.shots)
            data[register.name] = BitArray(packed.reshape(*pub.shape, *packed.shape[1:]), len(bits))
        metadata = {"shots": pub.shots, "circuit_metadata": pub.circuit.metadata}
        return SamplerPubResult(DataBin(**data, shape=pub.shape), metadata=metadata)

    def _exact(self, pub: SamplerPub, circuit: AerCircuit, angles: NDArray[np.float64]) -> SamplerPubResult:
        qubits, registers = _measured_bits(circuit.circuit)
        joint = np.zeros((len(angles), 1 << len(qubits)))
        if len(angles):
            run = circuit.circuit.copy_empty_like()
            for entry in circuit.circuit.data:
                if entry.name != "measure" or circuit.is_dynamic:  # which the device refuses
                    run.append(entry)
            save_probabilities(run, qubits, "joint")
            (found,) = self._device.exact(circuit, [run], angles)
            joint = np.array([data.joint for data in found])
        if circuit.noise is not None:
            joint = _read(joint, circuit.noise.confusions[qubits])
        joint = joint.reshape(*pub.shape, joint.shape[1])
        data = {name: ExactProbabilities(joint, bits) for name, bits in registers.items()}
        metadata = {"shots": None, "exact": True, "circuit_metadata": pub.circuit.metadata}
        return ExactSamplerPubResult(DataBin(**data, shape=pub.shape), metadata=metadata)


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


def _read(joint: NDArray[np.float64], confusions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities of what is read, from those of the true outcomes, (B, outcomes)."""
    shaped = joint.reshape(len(joint), *[2] * len(confusions))
    for bit, confusion in enumerate(confusions):
        axis = len(confusions) - bit  # the lowest bit is the last axis
        shaped = np.moveaxis(np.moveaxis(shaped, axis, -1) @ confusion, -1, axis)
    return shaped.reshape(joint.shape)


def _packed(memory: Sequence[Sequence[str]], bits: Sequence[int], shots: int) -> NDArray[np.uint8]:
    """Return the bits of a register, (rows, shots, bytes), the lowest byte last."""
    packed = np.zeros((len(memory), shots, -(-len(bits) // 8)), np.uint8)
    if not len(memory):
        return packed
    length = max(bits, default=0) // 8 + 1
    numbers = b"".join(
        int(shot, 16).to_bytes(max(length, (len(shot) - 1) // 2), "little")[:length] for row in memory for shot in row
    )
    bytes_of = np.frombuffer(numbers, np.uint8).reshape(len(memory), shots, length)
    for place, bit in enumerate(bits):
        packed[..., -1 - place // 8] |= (bytes_of[..., bit // 8] >> bit % 8 & 1) << place % 8
    return packed
