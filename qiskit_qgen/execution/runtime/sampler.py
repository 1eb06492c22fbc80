"""Samples from IBM's devices, as a Qiskit primitive."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

import numpy as np
from qiskit.primitives import BaseSamplerV2, BitArray, DataBin, SamplerPubResult
from qiskit.primitives.containers import SamplerPubLike
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.primitives.containers.sampler_pub import SamplerPub

from qiskit_qgen._checks import check_int
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution.runtime.device import RuntimeDevice
from qiskit_qgen.execution.runtime.jobs import Arrays
from qiskit_qgen.execution.runtime.pieces import Piece
from qiskit_qgen.execution.runtime.primitive import AbstractRuntimePrimitive
from qiskit_qgen.execution.runtime.results import CollectedJob
from qiskit_qgen.execution.runtime.transpilation import IsaCircuit


class RuntimeSampler(AbstractRuntimePrimitive[SamplerPub], BaseSamplerV2):
    """A V2 sampler that transpiles, records, retries and splits, on top of Runtime's own.

    Args:
        device: The device; its mitigation may hold nothing but twirling and dynamical decoupling.

    Raises:
        ArgumentError: If the device's mitigation acts on expectation values only.
    """

    kind = "sampler"

    def __init__(self, device: RuntimeDevice) -> None:
        device.primitive_options(self.kind, device.shots, None)
        super().__init__(device)

    def run(self, pubs: Iterable[SamplerPubLike], *, shots: int | None = None) -> CollectedJob:
        """Submit the PUBs, in as few jobs as the limits allow, or find their jobs in the ledger.

        Args:
            pubs: (circuit, parameter values, shots), the last two optional.
            shots: Shots of PUBs that name none; None for the device's.

        Returns:
            A job whose result has a ``BitArray`` for each classical register of each PUB.

        Raises:
            ArgumentError: If a circuit is wider than the device or measures nothing.
            ExecutionError: If the cost is above ``max_cost`` or the service refuses the job.
        """
        each = self._device.shots if shots is None else check_int("shots", shots, minimum=1)
        coerced = [SamplerPub.coerce(pub, each) for pub in pubs]
        for pub in coerced:
            if not any(entry.name == "measure" for entry in pub.circuit.data):
                raise ArgumentError("Argument `pubs` must hold circuits with measurements, but one measures nothing.")
        return self._collected(coerced)

    def _pieces(self, pub: SamplerPub, number: int) -> list[Piece[SamplerPub]]:
        if pub.size and pub.shape and not self._device.transpile(pub.circuit).circuit.num_parameters:
            shots = pub.shots * pub.size  # of one row: without parameters, the client forgets that there are several
            pub = SamplerPub.coerce((pub.circuit, np.zeros(pub.circuit.num_parameters), shots))
        return super()._pieces(pub, number)

    def _shots(self, pub: SamplerPub) -> int:
        return int(pub.shots)

    def _part(
        self,
        pub: SamplerPub,
        isa: IsaCircuit,
        values: BindingsArray,
        index: tuple[slice, ...],  # noqa: ARG002
    ) -> tuple[SamplerPub, int, list[str]]:
        return SamplerPub(isa.circuit, values, pub.shots), prod(values.shape), []

    def _result(self, pub: SamplerPub, arrays: Arrays, shots: int) -> SamplerPubResult:
        data = {}
        for register in pub.circuit.cregs:
            bits = arrays[register.name]
            if bits.shape[:-2] != pub.shape:
                shots = bits.shape[0] // pub.size
                bits = bits[: shots * pub.size].reshape(*pub.shape, shots, -1)
            data[register.name] = BitArray(bits, register.size)
        metadata = {"shots": shots, "circuit_metadata": pub.circuit.metadata}
        return SamplerPubResult(DataBin(**data, shape=pub.shape), metadata=metadata)
