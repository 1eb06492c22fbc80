"""Expectation values from IBM's devices, as a Qiskit primitive."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, DataBin, PubResult
from qiskit.primitives.containers import EstimatorPubLike
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen._checks import check_float, check_int
from qiskit_qgen.exceptions import ExecutionError
from qiskit_qgen.execution.cost import CostEstimate
from qiskit_qgen.execution.runtime.cost import count_bases
from qiskit_qgen.execution.runtime.jobs import Arrays
from qiskit_qgen.execution.runtime.primitive import AbstractRuntimePrimitive
from qiskit_qgen.execution.runtime.results import CollectedJob
from qiskit_qgen.execution.runtime.transpilation import IsaCircuit
from qiskit_qgen.primitives.pubs import shots_of_precision

_LARGEST = 10.0  # times an observable's bound: what mitigation's variance may reach, but no failed extrapolation


class RuntimeEstimator(AbstractRuntimePrimitive[EstimatorPub], BaseEstimatorV2):
    """A V2 estimator that transpiles, records, retries and splits, on top of Runtime's own.

    Circuits are given as they are: they are put into the device's gates here, once each, and the observables follow. In
    each job, observables that commute qubit by qubit are measured together.

    Args:
        device: The device.

    Example:
        >>> from qiskit.circuit.library import efficient_su2
        >>> from qiskit_qgen import RuntimeExecution
        >>> estimator = RuntimeExecution("fake_manila", shots=100, seed=0).estimator()
        >>> estimator.run([(efficient_su2(2, reps=1), ["ZZ", "XX"], [0.1] * 8)]).result()[0].data.evs.shape
        (2,)
    """

    kind = "estimator"

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
        return self._collected([EstimatorPub.coerce(pub, aim) for pub in pubs])

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

    def _shots(self, pub: EstimatorPub) -> int:
        return shots_of_precision(pub.precision) if pub.precision else self._device.shots

    def _part(
        self, pub: EstimatorPub, isa: IsaCircuit, values: BindingsArray, index: tuple[slice, ...]
    ) -> tuple[EstimatorPub, int, list[str]]:
        observables = isa.observables(pub.observables)
        observables = observables.reshape((1,) * (len(pub.shape) - observables.ndim) + observables.shape)
        if index and observables.shape[len(index) - 1] > 1:
            observables = observables[index]
        content = [str(observables.shape), repr(observables.tolist())]
        return EstimatorPub(isa.circuit, observables, values), count_bases(observables, values.shape), content

    def _result(self, pub: EstimatorPub, arrays: Arrays, shots: int) -> PubResult:
        self._check_values(pub, arrays["evs"])
        metadata = {"shots": shots, "circuit_metadata": pub.circuit.metadata}
        return PubResult(DataBin(**arrays, shape=pub.shape), metadata=metadata)

    def _check_values(self, pub: EstimatorPub, values: np.ndarray) -> None:
        """Raise ExecutionError if a value is none that its observable can have, give or take mitigation's variance."""
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


def _flat(observables: ObservablesArray) -> list[Mapping[str, float]]:
    """Return the terms of each observable, in order."""
    return list(observables.ravel().tolist()) if observables.shape else [observables.tolist()]
