"""Expectation values from IBM's devices, as a Qiskit primitive."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, DataBin, PrimitiveResult, PubResult
from qiskit.primitives.containers import EstimatorPubLike
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen._checks import check_float, check_int
from qiskit_qgen.exceptions import ArgumentError, ExecutionError
from qiskit_qgen.execution.runtime.cost import CostEstimate, calibration_seconds, count_bases, load_of
from qiskit_qgen.execution.runtime.device import RuntimeDevice
from qiskit_qgen.execution.runtime.digests import digest
from qiskit_qgen.execution.runtime.jobs import Arrays, JobRequest
from qiskit_qgen.execution.runtime.pieces import Piece, check_finite, cut, joined, pack
from qiskit_qgen.execution.runtime.results import CollectedJob

EstimatorPiece: TypeAlias = Piece[EstimatorPub]
_LARGEST = 10.0  # times an observable's bound: what mitigation's variance may reach, but no failed extrapolation


class RuntimeEstimator(BaseEstimatorV2):
    """A V2 estimator that transpiles, records, retries and splits, on top of Runtime's own.

    Circuits are given as they are: they are put into the device's gates here, once each, and the observables follow. In
    each job, observables that commute qubit by qubit are measured together.

    Args:
        device: The device.

    Example:
        >>> from qiskit.circuit.library import efficient_su2
        >>> estimator = RuntimeEstimator(RuntimeDevice("fake_manila", shots=100, seed=0))
        >>> estimator.run([(efficient_su2(2, reps=1), ["ZZ", "XX"], [0.1] * 8)]).result()[0].data.evs.shape
        (2,)
    """

    def __init__(self, device: RuntimeDevice) -> None:
        self._device = device

    @property
    def device(self) -> RuntimeDevice:
        """The device."""
        return self._device

    def run(self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None) -> CollectedJob:
        """Submit the PUBs, in as few jobs as the limits allow, or find their jobs in the ledger.

        Args:
            pubs: (circuit, observables, parameter values, precision), the last two optional.
            precision: The standard deviation to aim at, for PUBs that name none: 1 / precision**2 shots. None or 0 for
                the device's shots.

        Returns:
            A job whose result has ``data.evs`` and ``data.stds`` of each PUB, and what mitigation adds to them. Values
            that are not finite, or that mitigation blew up to more than ten times an observable's largest one, are an
            ExecutionError there.

        Raises:
            ArgumentError: If a circuit is wider than the device, a parameter value is not finite or an option does not
                fit.
            ExecutionError: If the cost is above ``max_cost`` or the service refuses the job.
        """
        aim = None if precision is None else check_float("precision", precision, minimum=0.0)
        coerced = [EstimatorPub.coerce(pub, aim) for pub in pubs]
        if not coerced:
            raise ArgumentError("Argument `pubs` must hold at least one PUB, but is empty.")
        jobs = self._jobs(coerced)
        requests = [self._request(job) for job in jobs]
        runner = self._device.runner
        new = [job for job, request in zip(jobs, requests, strict=True) if runner.needs_submission(request)]
        self._device.check_cost(self._cost(new))
        pending = runner.start(requests)

        def collect() -> PrimitiveResult[PubResult]:
            result = _assembled(coerced, jobs, runner.collect(pending))
            for pub, found in zip(coerced, result, strict=True):
                self._check_values(pub, found)
            return result

        return CollectedJob(collect, [each.job for each in pending])

    def estimate_cost(
        self,
        circuit: QuantumCircuit,
        observables: Sequence[SparsePauliOp],
        num_rows: int,
        *,
        shots: int | None = None,
    ) -> CostEstimate:
        """Return what ``num_rows`` rows of parameters of a circuit would cost, without submitting anything.

        Args:
            circuit: The circuit.
            observables: The operators to read out.
            num_rows: Rows of parameters: samples, or shifted copies of them for a gradient.
            shots: Shots per measured circuit; None for the device's.

        Raises:
            ArgumentError: If the circuit is wider than the device or ``num_rows`` is not positive.
        """
        check_int("num_rows", num_rows, minimum=1)
        array = ObservablesArray.coerce(list(observables)).reshape(len(observables), 1)
        values = BindingsArray({tuple(circuit.parameters): np.zeros((num_rows, circuit.num_parameters))})
        if not circuit.num_parameters:
            values = BindingsArray(shape=(num_rows,))
        used = self._device.shots if shots is None else check_int("shots", shots, minimum=1)
        pub = EstimatorPub(circuit, array, values, 1 / math.sqrt(used))
        return self._cost(self._jobs([pub]))

    def _jobs(self, pubs: Sequence[EstimatorPub]) -> list[list[EstimatorPiece]]:
        pieces = [piece for number, pub in enumerate(pubs) for piece in self._pieces(pub, number)]
        return pack(pieces, self._device.limits)

    def _pieces(self, pub: EstimatorPub, number: int) -> list[EstimatorPiece]:
        device = self._device
        isa = device.transpile(pub.circuit)
        # The inverse square of the precision of n shots, rounded, must be n again.
        shots = math.ceil(pub.precision**-2 - 1e-6) if pub.precision else device.shots
        load = load_of(isa.circuit, isa.backend, device.mitigation, shots)
        rank = len(pub.shape)
        values = isa.values(check_finite(pub.parameter_values.as_array(pub.circuit.parameters)))
        values = values.reshape((1,) * (rank - values.ndim + 1) + values.shape)
        observables = isa.observables(pub.observables)
        observables = observables.reshape((1,) * (rank - observables.ndim) + observables.shape)
        axis = int(np.argmax(values.shape[:-1])) if rank else 0

        def take(start: int, stop: int) -> EstimatorPiece:
            index = (slice(None),) * axis + (slice(start, stop),)
            rows = values[index] if rank else values
            both = rank and min(values.shape[axis], observables.shape[axis]) > 1
            some = observables[index] if both else observables
            bindings = BindingsArray({tuple(isa.circuit.parameters): rows}) if rows.shape[-1] else None
            if bindings is None:
                bindings = BindingsArray(shape=rows.shape[:-1])
            return Piece(
                pub=EstimatorPub(isa.circuit, some, bindings),
                isa=isa,
                number=number,
                axis=axis,
                rows=math.prod(rows.shape[:-1]),
                circuits=count_bases(some, rows.shape[:-1]),
                shots=shots,
                load=load,
            )

        return cut(values.shape[axis] if rank else 1, take, device.limits)

    def _check_values(self, pub: EstimatorPub, result: PubResult) -> None:
        """Raise ExecutionError if a value is none that its observable can have, give or take mitigation's variance."""
        values = np.asarray(result.data.evs)
        bounds = np.array([sum(map(abs, terms.values())) for terms in _flat(pub.observables)])
        bounds = np.broadcast_to(bounds.reshape(pub.observables.shape), values.shape)
        bad = ~(np.abs(values) <= _LARGEST * bounds + 1e-9)
        if not bad.any():
            return
        remedy = "ask for more `shots`"
        if self._device.mitigation.zne_mitigation:
            remedy = (
                "check ZNE's `extrapolator` and the `shots`, since an exponential fitted to few shots has no bound: "
                'take "linear", or more shots'
            )
        kept = "" if self._device.ledger is None else f" The results stay in {self._device.ledger.folder}."
        raise ExecutionError(
            f"{bad.sum()} of {bad.size} expectation values are none that the observables can have, such as "
            f"{values[bad][0]:.3g} where {bounds[bad][0]:.3g} is the largest: {remedy}.{kept}"
        )

    def _request(self, job: Sequence[EstimatorPiece]) -> JobRequest:
        device, seed, shots = self._device, self._device.next_seed(), job[0].shots
        options = device.options_text(device.estimator_options(shots, seed))
        parts: list[str | bytes] = ["estimator", device.family, device.backend.name, options]
        for piece in job:
            values = piece.pub.parameter_values.as_array(piece.isa.circuit.parameters)
            parts += [piece.isa.key, str(values.shape), np.ascontiguousarray(values, float).tobytes()]
            parts += [str(piece.pub.observables.shape), repr(piece.pub.observables.tolist())]

        def submit(tags: list[str], several: bool) -> Any:
            target = device.target(job[0].isa, several=several)
            pubs = [piece.pub for piece in job]
            return _submit(device.family, target, device.estimator_options(shots, seed, tags), pubs)

        facts = {"rows": sum(piece.rows for piece in job), "estimated_qpu_seconds": self._cost([job]).qpu_seconds}
        return JobRequest(digest=digest(*parts), submit=submit, encode=_encode, facts=facts)

    def _cost(self, jobs: Sequence[Sequence[EstimatorPiece]]) -> CostEstimate:
        device = self._device
        pieces = [piece for job in jobs for piece in job]
        learned = [calibration_seconds(job[0].isa.backend, device.mitigation, job[0].shots) for job in jobs]
        return CostEstimate(
            jobs=len(jobs),
            pubs=len(pieces),
            circuits=sum(piece.circuits for piece in pieces),
            shots=sum(piece.circuits * piece.load.executions for piece in pieces) + sum(each[0] for each in learned),
            two_qubit_gates=sum(piece.circuits * piece.isa.num_two_qubit_gates for piece in pieces),
            qpu_seconds=sum(piece.circuits * piece.load.seconds for piece in pieces) + sum(each[1] for each in learned),
            qpu_seconds_unmitigated=sum(piece.circuits * piece.load.seconds_unmitigated for piece in pieces),
            payload_bytes=sum(piece.rows * piece.load.row_bytes + piece.load.circuit_bytes for piece in pieces),
        )


def _flat(observables: ObservablesArray) -> list[Mapping[str, float]]:
    """Return the terms of each observable, in order."""
    return list(observables.ravel().tolist()) if observables.shape else [observables.tolist()]


def _submit(family: str, target: Any, options: Any, pubs: list[EstimatorPub]) -> Any:
    if family == "executor":
        from qiskit_ibm_runtime.executor_estimator import Estimator

        return Estimator(mode=target, options=options).run(pubs)
    from qiskit_ibm_runtime import EstimatorV2

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it is used only where asked for, or nothing newer exists
        return EstimatorV2(mode=target, options=options).run(pubs)


def _encode(result: PrimitiveResult[PubResult]) -> Arrays:
    return {
        f"{number}.{name}": np.asarray(values, float)
        for number, each in enumerate(result)
        for name, values in each.data.items()
    }


def _assembled(
    pubs: Sequence[EstimatorPub], jobs: Sequence[Sequence[EstimatorPiece]], arrays: Sequence[Arrays]
) -> PrimitiveResult[PubResult]:
    """Return the result of the PUBs from the arrays of the jobs that their pieces went to."""
    found: dict[int, list[tuple[EstimatorPiece, Arrays]]] = {}
    for job, stored in zip(jobs, arrays, strict=True):
        for number, piece in enumerate(job):
            own = {name.split(".", 1)[1]: values for name, values in stored.items() if name.startswith(f"{number}.")}
            found.setdefault(piece.number, []).append((piece, own))
    results = []
    for number, pub in enumerate(pubs):
        pieces, parts = zip(*found[number], strict=True)
        data = joined(pieces, parts)
        metadata = {"shots": pieces[0].shots, "circuit_metadata": pub.circuit.metadata}
        results.append(PubResult(DataBin(**data, shape=pub.shape), metadata=metadata))
    return PrimitiveResult(results, metadata={"version": 2})
