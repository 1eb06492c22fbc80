"""An estimator that simulates whole batches at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, DataBin, PrimitiveJob, PrimitiveResult, PubResult
from qiskit.primitives.containers import EstimatorPubLike
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.providers import Options

from qiskit_qgen._checks import check_float, check_int
from qiskit_qgen._jobs import FinishedJob
from qiskit_qgen.primitives.pubs import Terms, distinct_observables, operator_of
from qiskit_qgen.simulator.cache import ExpectationCache
from qiskit_qgen.simulator.options import check_simulation_options


class BatchedStatevectorEstimator(BaseEstimatorV2):
    """Exact expectation values of batches of parameters, all observables of a circuit in one pass over the states.

    A drop-in ``BaseEstimatorV2``: ``EstimatorQNN(..., estimator=BatchedStatevectorEstimator(),
    default_precision=0.0)``. A ``precision`` above zero adds normal noise of that standard deviation, as Qiskit's
    ``StatevectorEstimator`` does. PUBs of one job that share their circuit and their parameter values, or their
    circuit and their observables, are simulated together.

    Args:
        seed: Seed of the noise, or a generator that is advanced; an integer gives a reproducible stream, not the same
            noise at each call.
        device: Where the simulation runs, as torch names it.
        dtype: ``torch.float64``, or ``torch.float32``, which takes half the time but is too coarse for the finite
            differences of classical optimisers.
        threads: Number of threads; None for as many as torch uses.
        default_precision: Standard deviation of the noise where neither the PUB nor the call names one.

    Raises:
        ArgumentError: If an option has another value.
    """

    def __init__(
        self,
        *,
        seed: np.random.Generator | int | None = None,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float64,
        threads: int | None = None,
        default_precision: float = 0.0,
    ) -> None:
        self._device = check_simulation_options(device, dtype, threads)
        if not isinstance(seed, np.random.Generator | None):
            check_int("seed", seed, minimum=0)
        self._seed = seed
        self._default_precision = check_float("default_precision", default_precision, minimum=0.0)
        self._generator = np.random.default_rng(seed)
        self._dtype = dtype
        self._cache = ExpectationCache(threads=threads)

    @property
    def default_precision(self) -> float:
        """Standard deviation of the noise where neither the PUB nor the call names one."""
        return self._default_precision

    @property
    def seed(self) -> np.random.Generator | int | None:
        """The seed or the generator that was given."""
        return self._seed

    @property
    def options(self) -> Options:
        """The defaults, for code that reads them here; a copy."""
        return Options(default_precision=self._default_precision, seed=self._seed)

    def run(
        self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None
    ) -> PrimitiveJob[PrimitiveResult[PubResult]]:
        """Estimate the expectation values of the PUBs.

        Args:
            pubs: (circuit, observables, parameter values, precision), the last two optional, with Qiskit's
                broadcasting.
            precision: Standard deviation of the noise of PUBs that name none, 0 for exact values; None for
                ``default_precision``.

        Returns:
            A job whose result has ``data.evs`` and ``data.stds`` of each PUB, of the PUB's shape.

        Raises:
            UnsupportedCircuitError: If a circuit holds something that the simulator cannot run.
            ArgumentError: If an observable has complex coefficients or ``precision`` is negative.
        """
        precision = self._default_precision if precision is None else check_float("precision", precision, minimum=0.0)
        coerced = [EstimatorPub.coerce(pub, precision) for pub in pubs]
        return FinishedJob(self._run, coerced)

    def _run(self, pubs: list[EstimatorPub]) -> PrimitiveResult[PubResult]:
        exact = self._exact([_Request.of(pub) for pub in pubs])
        results = [_noisy(pub, evs, self._generator) for pub, evs in zip(pubs, exact, strict=True)]
        return PrimitiveResult(results, metadata={"version": 2})

    def _exact(self, requests: list[_Request]) -> list[NDArray[np.float64]]:
        """Return the values of each PUB, of the PUB's shape, with as few simulations as there are different ones."""
        # A network asks for each observable in a PUB of its own, with the same parameter values ...
        same_rows: dict[tuple[int, tuple[int, ...], bytes], list[int]] = {}
        for number, request in enumerate(requests):
            same_rows.setdefault((id(request.circuit), request.rows.shape, request.rows.tobytes()), []).append(number)
        # ... and a gradient rule for each row in a PUB of its own, with the same observables.
        same_columns: dict[tuple[int, tuple[Terms, ...]], list[list[int]]] = {}
        for numbers in same_rows.values():
            columns = dict.fromkeys(terms for number in numbers for terms in requests[number].terms)
            key = (id(requests[numbers[0]].circuit), tuple(columns))
            same_columns.setdefault(key, []).append(numbers)
        values: dict[int, NDArray[np.float64]] = {}
        for (_, terms), groups in same_columns.items():
            column = {term: position for position, term in enumerate(terms)}
            circuit = requests[groups[0][0]].circuit
            table = self._simulate(circuit, terms, np.concatenate([requests[numbers[0]].rows for numbers in groups]))
            first = 0
            for numbers in groups:
                stop = first + len(requests[numbers[0]].rows)
                for number in numbers:
                    values[number] = requests[number].pick(table[first:stop], column)
                first = stop
        return [values[number] for number in range(len(requests))]

    def _simulate(
        self, circuit: QuantumCircuit, terms: Sequence[Terms], rows: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        function = self._cache.get(circuit, [operator_of(each, circuit.num_qubits) for each in terms])
        with torch.no_grad():
            values = function(torch.from_numpy(rows).to(self._device, self._dtype))
        return values.cpu().double().numpy()


class _Request(NamedTuple):
    """What one PUB asks for."""

    circuit: QuantumCircuit
    rows: NDArray[np.float64]
    """Parameter values, (rows, num_parameters)."""
    shape: tuple[int, ...]
    """The shape of the array that the rows are."""
    terms: tuple[Terms, ...]
    """The different observables."""
    wanted: NDArray[np.intp]
    """Which of them is where in the PUB's array of observables."""

    @classmethod
    def of(cls, pub: EstimatorPub) -> _Request:
        terms, wanted = distinct_observables(pub)
        values = pub.parameter_values.as_array(pub.circuit.parameters)
        rows = values.reshape(prod(values.shape[:-1]), values.shape[-1])
        return cls(pub.circuit, rows, values.shape[:-1], terms, wanted)

    def pick(self, table: NDArray[np.float64], column: dict[Terms, int]) -> NDArray[np.float64]:
        """Return this PUB's values from those of its rows, (rows, columns)."""
        columns = np.array([column[terms] for terms in self.terms], np.intp)[self.wanted]
        return np.asarray(table[np.arange(len(self.rows)).reshape(self.shape), columns])


def _noisy(pub: EstimatorPub, evs: NDArray[np.float64], generator: np.random.Generator) -> PubResult:
    if pub.precision > 0:
        evs = np.asarray(generator.normal(evs, pub.precision))
    metadata: dict[str, Any] = {"target_precision": pub.precision, "circuit_metadata": pub.circuit.metadata}
    return PubResult(DataBin(evs=evs, stds=np.full(evs.shape, pub.precision), shape=evs.shape), metadata=metadata)
