"""An estimator that simulates whole batches at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any

import numpy as np
import torch
from qiskit.primitives import BaseEstimatorV2, DataBin, PrimitiveJob, PrimitiveResult, PubResult
from qiskit.primitives.containers import EstimatorPubLike
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.quantum_info import SparseObservable, SparsePauliOp

from qiskit_qgen._checks import check_float, check_int, check_simulation_options
from qiskit_qgen.simulator.cache import ExpectationCache


class BatchedStatevectorEstimator(BaseEstimatorV2):
    """Exact expectation values of batches of parameters, all observables of a PUB in one pass over the states.

    A drop-in ``BaseEstimatorV2``: ``EstimatorQNN(..., estimator=BatchedStatevectorEstimator(),
    default_precision=0.0)``. A ``precision`` above zero adds normal noise of that standard deviation, as Qiskit's
    ``StatevectorEstimator`` does.

    Args:
        seed: Seed of the noise, or a generator that is advanced; an integer gives a reproducible stream, not the same
            noise at each call.
        device: "cpu".
        dtype: ``torch.float32`` or ``torch.float64``, the precision of the simulation.
        threads: Number of threads; None for as many as torch uses.

    Raises:
        ArgumentError: If an option has another value.
    """

    def __init__(
        self,
        *,
        seed: np.random.Generator | int | None = None,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        threads: int | None = None,
    ) -> None:
        check_simulation_options(device, dtype, threads)
        if not isinstance(seed, np.random.Generator | None):
            check_int("seed", seed, minimum=0)
        self._generator = np.random.default_rng(seed)
        self._dtype = dtype
        self._cache = ExpectationCache(threads=threads)

    def run(
        self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None
    ) -> PrimitiveJob[PrimitiveResult[PubResult]]:
        """Estimate the expectation values of the PUBs.

        Args:
            pubs: (circuit, observables, parameter values, precision), the last two optional, with Qiskit's
                broadcasting.
            precision: Standard deviation of the noise of PUBs that name none; None or 0 for exact values.

        Returns:
            A job whose result has ``data.evs`` and ``data.stds`` of each PUB, of the PUB's shape.

        Raises:
            UnsupportedCircuitError: If a circuit holds something that the simulator cannot run.
            ArgumentError: If an observable has complex coefficients or ``precision`` is negative.
        """
        precision = 0.0 if precision is None else check_float("precision", precision, minimum=0.0)
        coerced = [EstimatorPub.coerce(pub, precision) for pub in pubs]
        # Jobs run in threads of their own: each gets its random state here, so that their order does not matter.
        noisy = any(pub.precision > 0 for pub in coerced)
        generator = np.random.default_rng(self._generator.integers(2**63)) if noisy else None
        job: PrimitiveJob[PrimitiveResult[PubResult]] = PrimitiveJob(self._run, coerced, generator)
        job._submit()
        return job

    def _run(self, pubs: list[EstimatorPub], generator: np.random.Generator | None) -> PrimitiveResult[PubResult]:
        return PrimitiveResult([self._run_pub(pub, generator) for pub in pubs], metadata={"version": 2})

    def _run_pub(self, pub: EstimatorPub, generator: np.random.Generator | None) -> PubResult:
        circuit, values = pub.circuit, pub.parameter_values.as_array(pub.circuit.parameters)
        columns: dict[tuple[tuple[str, float], ...], int] = {}
        wanted = np.empty(pub.observables.shape, np.intp)
        for index in np.ndindex(wanted.shape):
            key = tuple(sorted(pub.observables[index].items()))
            wanted[index] = columns.setdefault(key, len(columns))
        function = self._cache.get(circuit, [_operator(key, circuit.num_qubits) for key in columns])
        rows = torch.from_numpy(values.reshape(prod(values.shape[:-1]), values.shape[-1])).to(self._dtype)
        with torch.no_grad():
            all_values = function(rows).double().numpy()
        numbers = np.arange(len(rows)).reshape(values.shape[:-1])
        numbers, wanted = np.broadcast_arrays(numbers, wanted)
        evs = np.asarray(all_values[numbers, wanted])
        stds = np.full(evs.shape, pub.precision)
        if generator is not None:
            evs = np.asarray(generator.normal(evs, pub.precision))
        metadata: dict[str, Any] = {"target_precision": pub.precision, "circuit_metadata": circuit.metadata}
        return PubResult(DataBin(evs=evs, stds=stds, shape=evs.shape), metadata=metadata)


def _operator(terms: Sequence[tuple[str, float]], num_qubits: int) -> SparsePauliOp:
    """Return the sum of the terms, whose labels may hold projectors such as "0" or "+"."""
    return SparsePauliOp.from_sparse_observable(SparseObservable.from_list(terms, num_qubits=num_qubits))
