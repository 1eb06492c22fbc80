"""Samples from IBM's devices, as a Qiskit primitive."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from qiskit.primitives import BaseSamplerV2, BitArray, DataBin, PrimitiveResult, PubResult, SamplerPubResult
from qiskit.primitives.containers import SamplerPubLike
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.primitives.containers.sampler_pub import SamplerPub

from qiskit_qgen._checks import check_int
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution.runtime.cost import CostEstimate, load_of
from qiskit_qgen.execution.runtime.device import RuntimeDevice
from qiskit_qgen.execution.runtime.digests import digest
from qiskit_qgen.execution.runtime.jobs import Arrays, JobRequest
from qiskit_qgen.execution.runtime.pieces import Piece, check_finite, cut, joined, pack
from qiskit_qgen.execution.runtime.results import CollectedJob

SamplerPiece: TypeAlias = Piece[SamplerPub]


class RuntimeSampler(BaseSamplerV2):
    """A V2 sampler that transpiles, records, retries and splits, on top of Runtime's own.

    Args:
        device: The device; its mitigation may hold nothing but twirling and dynamical decoupling.

    Raises:
        ArgumentError: If the device's mitigation acts on expectation values only.
    """

    def __init__(self, device: RuntimeDevice) -> None:
        device.sampler_options(device.shots, None)
        self._device = device

    @property
    def device(self) -> RuntimeDevice:
        """The device."""
        return self._device

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
        if not coerced:
            raise ArgumentError("Argument `pubs` must hold at least one PUB, but is empty.")
        for pub in coerced:
            if not any(entry.name == "measure" for entry in pub.circuit.data):
                raise ArgumentError("Argument `pubs` must hold circuits with measurements, but one measures nothing.")
        jobs = self._jobs(coerced)
        requests = [self._request(job) for job in jobs]
        runner = self._device.runner
        new = [job for job, request in zip(jobs, requests, strict=True) if runner.needs_submission(request)]
        self._device.check_cost(_cost(new))
        pending = runner.start(requests)

        def collect() -> PrimitiveResult[PubResult]:
            return _assembled(coerced, jobs, runner.collect(pending))

        return CollectedJob(collect, [found.job for found in pending])

    def _jobs(self, pubs: Sequence[SamplerPub]) -> list[list[SamplerPiece]]:
        pieces = [piece for number, pub in enumerate(pubs) for piece in self._pieces(pub, number)]
        return pack(pieces, self._device.limits)

    def _pieces(self, pub: SamplerPub, number: int) -> list[SamplerPiece]:
        device = self._device
        isa = device.transpile(pub.circuit)
        load = load_of(isa.circuit, isa.backend, device.mitigation, pub.shots)
        values = isa.values(check_finite(pub.parameter_values.as_array(pub.circuit.parameters)))
        axis = int(np.argmax(values.shape[:-1])) if pub.shape else 0

        def take(start: int, stop: int) -> SamplerPiece:
            rows = values[(slice(None),) * axis + (slice(start, stop),)] if pub.shape else values
            bindings = BindingsArray({tuple(isa.circuit.parameters): rows}) if rows.shape[-1] else None
            if bindings is None:
                bindings = BindingsArray(shape=rows.shape[:-1])
            count = math.prod(rows.shape[:-1])
            return Piece(
                pub=SamplerPub(isa.circuit, bindings, pub.shots),
                isa=isa,
                number=number,
                axis=axis,
                rows=count,
                circuits=count,
                shots=pub.shots,
                load=load,
            )

        return cut(values.shape[axis] if pub.shape else 1, take, device.limits)

    def _request(self, job: Sequence[SamplerPiece]) -> JobRequest:
        device, seed, shots = self._device, self._device.next_seed(), job[0].shots
        options = device.options_text(device.sampler_options(shots, seed))
        parts: list[str | bytes] = ["sampler", device.family, device.backend.name, options]
        for piece in job:
            values = piece.pub.parameter_values.as_array(piece.isa.circuit.parameters)
            parts += [piece.isa.key, str(values.shape), np.ascontiguousarray(values, float).tobytes()]

        def submit(tags: list[str], several: bool) -> Any:
            target = device.target(job[0].isa, several=several)
            pubs = [piece.pub for piece in job]
            return _submit(device.family, target, device.sampler_options(shots, seed, tags), pubs)

        facts = {"rows": sum(piece.rows for piece in job), "estimated_qpu_seconds": _cost([job]).qpu_seconds}
        return JobRequest(digest=digest(*parts), submit=submit, encode=_encode, facts=facts)


def _cost(jobs: Sequence[Sequence[SamplerPiece]]) -> CostEstimate:
    pieces = [piece for job in jobs for piece in job]
    return CostEstimate(
        jobs=len(jobs),
        pubs=len(pieces),
        circuits=sum(piece.circuits for piece in pieces),
        shots=sum(piece.circuits * piece.load.executions for piece in pieces),
        two_qubit_gates=sum(piece.circuits * piece.isa.num_two_qubit_gates for piece in pieces),
        qpu_seconds=sum(piece.circuits * piece.load.seconds for piece in pieces),
        qpu_seconds_unmitigated=sum(piece.circuits * piece.load.seconds_unmitigated for piece in pieces),
        payload_bytes=sum(piece.rows * piece.load.row_bytes + piece.load.circuit_bytes for piece in pieces),
    )


def _submit(family: str, target: Any, options: Any, pubs: list[SamplerPub]) -> Any:
    if family == "executor":
        from qiskit_ibm_runtime.executor_sampler import Sampler

        return Sampler(mode=target, options=options).run(pubs)
    from qiskit_ibm_runtime import SamplerV2

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it is used only where asked for, or nothing newer exists
        return SamplerV2(mode=target, options=options).run(pubs)


def _encode(result: PrimitiveResult[PubResult]) -> Arrays:
    """Return the bytes of each register's bits."""
    arrays: Arrays = {}
    for number, each in enumerate(result):
        for name, bits in each.data.items():
            arrays[f"{number}.{name}"] = bits.array
    return arrays


def _assembled(
    pubs: Sequence[SamplerPub], jobs: Sequence[Sequence[SamplerPiece]], arrays: Sequence[Arrays]
) -> PrimitiveResult[PubResult]:
    """Return the result of the PUBs from the arrays of the jobs that their pieces went to."""
    found: dict[int, list[tuple[SamplerPiece, Arrays]]] = {}
    for job, stored in zip(jobs, arrays, strict=True):
        for number, piece in enumerate(job):
            names = [register.name for register in piece.isa.circuit.cregs]
            found.setdefault(piece.number, []).append((piece, {name: stored[f"{number}.{name}"] for name in names}))
    results = []
    for number, pub in enumerate(pubs):
        pieces, parts = zip(*found[number], strict=True)
        sizes = {register.name: register.size for register in pub.circuit.cregs}
        data = {name: BitArray(bits, sizes[name]) for name, bits in joined(pieces, parts).items()}
        metadata = {"shots": pub.shots, "circuit_metadata": pub.circuit.metadata}
        results.append(SamplerPubResult(DataBin(**data, shape=pub.shape), metadata=metadata))
    return PrimitiveResult(results, metadata={"version": 2})
