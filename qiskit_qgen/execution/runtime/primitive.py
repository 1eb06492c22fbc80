"""What the estimator and the sampler on a device do alike: cut, count, look up, submit, collect."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from math import prod
from typing import Any, ClassVar, Generic

import numpy as np
from qiskit.primitives import BitArray, PrimitiveResult, PubResult
from qiskit.primitives.containers.bindings_array import BindingsArray

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution.cost import CostEstimate
from qiskit_qgen.execution.runtime.cost import calibration_seconds, load_of
from qiskit_qgen.execution.runtime.device import RuntimeDevice
from qiskit_qgen.execution.runtime.digests import digest
from qiskit_qgen.execution.runtime.jobs import Arrays, JobRequest
from qiskit_qgen.execution.runtime.pieces import Piece, PubT, cut, joined, pack
from qiskit_qgen.execution.runtime.results import CollectedJob
from qiskit_qgen.execution.runtime.transpilation import IsaCircuit
from qiskit_qgen.primitives.pubs import values_of


class AbstractRuntimePrimitive(ABC, Generic[PubT]):
    """A primitive that transpiles, records, retries and splits, on top of Runtime's own.

    Circuits are given as they are: they are put into the device's gates here, once each.

    Args:
        device: The device.
    """

    kind: ClassVar[str]
    """"estimator" or "sampler"."""

    def __init__(self, device: RuntimeDevice) -> None:
        self._device = device

    @property
    def device(self) -> RuntimeDevice:
        """The device."""
        return self._device

    @abstractmethod
    def _shots(self, pub: PubT) -> int:
        """Return the shots of each measured circuit of a PUB."""

    @abstractmethod
    def _part(
        self, pub: PubT, isa: IsaCircuit, values: BindingsArray, index: tuple[slice, ...]
    ) -> tuple[PubT, int, list[str]]:
        """Return a part of a PUB in the device's gates, its number of measured circuits, and what tells it apart.

        Args:
            pub: The PUB.
            isa: Its circuit.
            values: The part's parameter values.
            index: Where the part is along the axis that is cut; () for the whole PUB.
        """

    @abstractmethod
    def _result(self, pub: PubT, arrays: Arrays, shots: int) -> PubResult:
        """Return the result of a PUB from the arrays of its parts."""

    def _collected(self, pubs: list[PubT]) -> CollectedJob:
        """Submit the PUBs, in as few jobs as the limits allow, or find their jobs in the ledger."""
        if not pubs:
            raise ArgumentError("Argument `pubs` must hold at least one PUB, but is empty.")
        jobs = self._jobs(pubs)
        requests = [self._request(job) for job in jobs]
        runner = self._device.runner
        pending = runner.start(requests, lambda new: self._device.check_cost(self._cost([jobs[n] for n in new])))

        def collect() -> PrimitiveResult[PubResult]:
            found = _by_pub(jobs, runner.collect(pending))
            results = []
            for number, pub in enumerate(pubs):
                pieces, arrays = zip(*found[number], strict=True)
                results.append(self._result(pub, joined(pieces, arrays), pieces[0].shots))
            return PrimitiveResult(results, metadata={"version": 2})

        return CollectedJob(collect, [each.job for each in pending])

    def _jobs(self, pubs: Iterable[PubT]) -> list[list[Piece[PubT]]]:
        pieces = [piece for number, pub in enumerate(pubs) for piece in self._pieces(pub, number)]
        return pack(pieces, self._device.limits)

    def _pieces(self, pub: PubT, number: int) -> list[Piece[PubT]]:
        device, shots = self._device, self._shots(pub)
        isa = device.transpile(pub.circuit)
        load = load_of(isa.circuit, isa.backend, device.mitigation, shots)
        values = isa.values(values_of(pub))
        values = values.reshape((1,) * (len(pub.shape) - values.ndim + 1) + values.shape)
        axis = int(np.argmax(values.shape[:-1])) if pub.shape else 0
        length = values.shape[axis] if pub.shape else 1

        def take(start: int, stop: int) -> Piece[PubT]:
            index = () if stop - start == length else (slice(None),) * axis + (slice(start, stop),)
            rows = values[index]
            bindings = BindingsArray({tuple(isa.circuit.parameters): rows} if rows.shape[-1] else {}, rows.shape[:-1])
            part, circuits, content = self._part(pub, isa, bindings, index)
            return Piece(
                pub=part,
                isa=isa,
                number=number,
                axis=axis,
                rows=prod(rows.shape[:-1]),
                circuits=circuits,
                shots=shots,
                load=load,
                content=(isa.key, str(rows.shape), np.ascontiguousarray(rows, float).tobytes(), *content),
            )

        return cut(length, take, device.limits)

    def _request(self, job: Sequence[Piece[PubT]]) -> JobRequest:
        device, seed, shots = self._device, self._device.next_seed(), job[0].shots
        options = device.options_text(device.primitive_options(self.kind, shots, seed))
        content = [part for piece in job for part in piece.content]

        def submit(tags: list[str], several: bool) -> Any:
            target = device.target(job[0].isa, several=several)
            options = device.primitive_options(self.kind, shots, seed, tags)
            with warnings.catch_warnings():
                if device.family == "legacy":  # used only where asked for, or where nothing newer exists
                    warnings.simplefilter("ignore", DeprecationWarning)
                return _runtime_primitive(self.kind, device.family)(mode=target, options=options).run(
                    [piece.pub for piece in job]
                )

        return JobRequest(
            digest=digest(self.kind, device.family, device.backend.name, options, *content),
            submit=submit,
            encode=encode,
            facts={"rows": sum(piece.rows for piece in job), "estimated_qpu_seconds": self._cost([job]).qpu_seconds},
        )

    def _cost(self, jobs: Sequence[Sequence[Piece[PubT]]]) -> CostEstimate:
        mitigation = self._device.mitigation
        pieces = [piece for job in jobs for piece in job]
        learned = [calibration_seconds(job[0].isa.backend, mitigation, job[0].shots) for job in jobs]
        return CostEstimate(
            jobs=len(jobs),
            pubs=len(pieces),
            circuits=sum(piece.circuits for piece in pieces),
            shots=sum(piece.circuits * piece.load.executions for piece in pieces) + sum(each[0] for each in learned),
            two_qubit_gates=sum(piece.circuits * piece.isa.num_two_qubit_gates for piece in pieces),
            qpu_seconds=sum(piece.circuits * piece.load.seconds for piece in pieces) + sum(each[1] for each in learned),
            qpu_seconds_unmitigated=sum(piece.circuits * piece.load.seconds_unmitigated for piece in pieces),
            payload_bytes=sum(piece.payload_bytes for piece in pieces),
        )


def encode(result: PrimitiveResult[PubResult]) -> Arrays:
    """Return a job's result as arrays, named by the number of the PUB and what they are."""
    return {
        f"{number}.{name}": values.array if isinstance(values, BitArray) else np.asarray(values, float)
        for number, each in enumerate(result)
        for name, values in each.data.items()
    }


def _by_pub(
    jobs: Sequence[Sequence[Piece[PubT]]], arrays: Sequence[Arrays]
) -> dict[int, list[tuple[Piece[PubT], Arrays]]]:
    """Return the pieces of each PUB, in order, with their arrays, from those of the jobs that they went to."""
    found: dict[int, list[tuple[Piece[PubT], Arrays]]] = {}
    for job, stored in zip(jobs, arrays, strict=True):
        for number, piece in enumerate(job):
            own = {name.split(".", 1)[1]: values for name, values in stored.items() if name.startswith(f"{number}.")}
            found.setdefault(piece.number, []).append((piece, own))
    return found


def _runtime_primitive(kind: str, family: str) -> Any:
    if family == "legacy":
        import qiskit_ibm_runtime

        return qiskit_ibm_runtime.EstimatorV2 if kind == "estimator" else qiskit_ibm_runtime.SamplerV2
    if kind == "estimator":
        from qiskit_ibm_runtime.executor_estimator import Estimator

        return Estimator
    from qiskit_ibm_runtime.executor_sampler import Sampler

    return Sampler
