"""Gradients of expectation values on any V2 estimator: one PUB for the batch, the shifts and all observables."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, BasePrimitiveJob
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.providers import Options
from qiskit.quantum_info.operators.base_operator import BaseOperator
from qiskit_machine_learning.algorithm_job import AlgorithmJob
from qiskit_machine_learning.gradients import BaseEstimatorGradient, EstimatorGradientResult

from qiskit_qgen._checks import check_float, check_int, check_type
from qiskit_qgen.gradients.perturbation_rule import PerturbationRule
from qiskit_qgen.gradients.requests import parameters_of, validate_once
from qiskit_qgen.gradients.rows import RowsOfCircuit, rows_by_circuit, single_option
from qiskit_qgen.gradients.rule import AbstractGradientRule, ShiftedRows
from qiskit_qgen.gradients.shift_rule import ShiftRuleCache


class AbstractBroadcastEstimatorGradient(BaseEstimatorGradient):
    """A gradient rule on a V2 estimator.

    One call of :meth:`run` is one job, with one PUB for each different circuit (and choice of ``parameters``): its
    rows are the shifts of all parameter values, its observables broadcast over them. A stock ``EstimatorQNN`` asks for
    every observable at every sample, which takes no more rows than one observable. Circuits are told apart by
    identity, and nothing is transpiled.

    Args:
        estimator: The estimator.
        precision: The precision to ask for; None for the estimator's own.

    Raises:
        ArgumentTypeError: If ``estimator`` is none.
        ArgumentError: If ``precision`` is negative.
    """

    def __init__(self, estimator: BaseEstimatorV2, *, precision: float | None = None) -> None:
        check_type("estimator", estimator, BaseEstimatorV2, "a V2 estimator")
        super().__init__(estimator=estimator)
        if precision is not None:
            self._default_options = Options(precision=check_float("precision", precision, minimum=0.0))

    @property
    def options(self) -> Options:
        """Return the default options: the precision."""
        return copy(self._default_options)

    def run(
        self,
        circuits: Sequence[QuantumCircuit],
        observables: Sequence[BaseOperator],
        parameter_values: Sequence[Sequence[float]] | np.ndarray,
        parameters: Sequence[Sequence[Parameter] | None] | None = None,
        **options: Any,
    ) -> AlgorithmJob:
        """Compute the gradient of the expectation value of ``observables[i]`` on ``circuits[i]``, for each i.

        Args:
            circuits: The circuits; or one alone.
            observables: The observables; or one alone.
            parameter_values: Values of each circuit's parameters, in the order of ``QuantumCircuit.parameters``.
            parameters: By which parameters to differentiate; None, for all or for one circuit, for all of them.
            **options: ``precision``, instead of the default.

        Returns:
            A job whose result has ``gradients[i]``, (num_parameters,).

        Raises:
            ValueError: If the numbers of arguments, of values or of qubits do not fit each other.
            GradientError: If the rule does not fit a circuit.
            ArgumentError: If there are other options.
        """
        circuits = (circuits,) if isinstance(circuits, QuantumCircuit) else circuits
        observables = (observables,) if isinstance(observables, BaseOperator) else observables
        chosen = parameters_of(circuits, parameters)
        validate_once(self._validate_arguments, (circuits, observables, parameter_values, chosen), values=2)
        # Rows are drawn and the job is sent here, so that calls take effect in their order; the thread only waits.
        sent = self._send(circuits, observables, parameter_values, chosen, options)
        job = AlgorithmJob(self._collect, sent, chosen)
        job.submit()
        return job

    def _run(
        self,
        circuits: Sequence[QuantumCircuit],
        observables: Sequence[BaseOperator],
        parameter_values: Sequence[Sequence[float]] | np.ndarray,
        parameters: Sequence[Sequence[Parameter]],
        **options: Any,
    ) -> EstimatorGradientResult:
        return self._collect(self._send(circuits, observables, parameter_values, parameters, options), parameters)

    @abstractmethod
    def _rule(self, circuit: QuantumCircuit) -> AbstractGradientRule:
        """Return the rule for a circuit."""

    def _send(
        self,
        circuits: Sequence[QuantumCircuit],
        observables: Sequence[BaseOperator],
        parameter_values: Sequence[Sequence[float]] | np.ndarray,
        parameters: Sequence[Sequence[Parameter]],
        options: dict[str, Any],
    ) -> _Sent:
        precision = single_option("precision", {**self._default_options.__dict__, **options})
        requests = [
            _Request.of(group, self._rule(group.circuit), [observables[number] for number in group.numbers])
            for group in rows_by_circuit(circuits, parameter_values, parameters)
        ]
        pubs = [request.pub for request in requests if request.num_rows]
        job = self._estimator.run(pubs, precision=precision) if pubs else None
        return _Sent(requests, job, Options(**({} if precision is None else {"precision": precision})))

    def _collect(self, sent: _Sent, parameters: Sequence[Sequence[Parameter]]) -> EstimatorGradientResult:
        results = iter(sent.job.result() if sent.job is not None else ())
        gradients: list[NDArray[np.float64]] = [np.empty(0)] * len(parameters)
        for request in sent.requests:
            values = np.asarray(next(results).data.evs, np.float64) if request.num_rows else None
            for number, gradient in zip(request.group.numbers, request.gradients(values), strict=True):
                gradients[number] = gradient
        metadata = [{"parameters": chosen} for chosen in parameters]
        return EstimatorGradientResult(gradients=gradients, metadata=metadata, options=sent.options)


class BroadcastParamShiftEstimatorGradient(AbstractBroadcastEstimatorGradient):
    """The exact parameter-shift rule (arXiv 1811.11184) on any V2 estimator, one PUB for batch, shifts and observables.

    ``EstimatorQNN(..., estimator=estimator, gradient=BroadcastParamShiftEstimatorGradient(estimator))`` sends one PUB
    in one job for a backward pass, with two rows for each sample and each angle that depends on a parameter. The
    results are those of ``ParamShiftEstimatorGradient``, which sends as many PUBs as there are samples times
    observables times rows, and no precision.

    Args:
        estimator: The estimator.
        precision: The precision to ask for; None for the estimator's own.

    Raises:
        ArgumentTypeError: If ``estimator`` is none.
        ArgumentError: If ``precision`` is negative.
    """

    def __init__(self, estimator: BaseEstimatorV2, *, precision: float | None = None) -> None:
        super().__init__(estimator, precision=precision)
        self._rules = ShiftRuleCache()

    def _rule(self, circuit: QuantumCircuit) -> AbstractGradientRule:
        return self._rules.get(circuit)


class BroadcastSPSAEstimatorGradient(AbstractBroadcastEstimatorGradient):
    """Simultaneous perturbation (Spall 2000, doi 10.1109/TAC.2000.880982) on any V2 estimator, one PUB in one job.

    A random estimate from 2 ``batch_size`` rows a sample, whatever the number of parameters. Each sample draws its own
    directions, as in ``SPSAEstimatorGradient``, here common to all its observables; parameters whose derivative is not
    asked for stay where they are. The larger ``epsilon`` is, the less shot noise the estimate has, and the more bias.

    Args:
        estimator: The estimator.
        epsilon: How far a parameter moves, above 0.
        batch_size: Number of directions to average over.
        seed: Seed of the directions, or a generator that is advanced; an integer gives a reproducible stream, not the
            same directions at each call.
        precision: The precision to ask for; None for the estimator's own.

    Raises:
        ArgumentTypeError: If ``estimator`` is none.
        ArgumentError: If an option is out of range.
    """

    def __init__(
        self,
        estimator: BaseEstimatorV2,
        *,
        epsilon: float = 0.1,
        batch_size: int = 1,
        seed: np.random.Generator | int | None = None,
        precision: float | None = None,
    ) -> None:
        super().__init__(estimator, precision=precision)
        if not isinstance(seed, np.random.Generator | None):
            check_int("seed", seed, minimum=0)
        self._make_rule = partial(
            PerturbationRule,
            epsilon=check_float("epsilon", epsilon, minimum=0.0, open_minimum=True),
            batch_size=check_int("batch_size", batch_size, minimum=1),
            seed=np.random.default_rng(seed),
        )

    def _rule(self, circuit: QuantumCircuit) -> AbstractGradientRule:
        return self._make_rule(circuit)


@dataclass(frozen=True)
class _Request:
    """One PUB, and how its values become gradients."""

    group: RowsOfCircuit
    shifted: ShiftedRows
    pub: tuple[QuantumCircuit, ObservablesArray, NDArray[np.float64]]
    places: list[tuple[int, int]]
    """Of each item of the group, the sample of ``shifted`` and the output."""

    @classmethod
    def of(cls, group: RowsOfCircuit, rule: AbstractGradientRule, observables: list[BaseOperator]) -> _Request:
        outputs: dict[int, list[int]] = {}
        for place, observable in enumerate(observables):
            outputs.setdefault(id(observable), []).append(place)
        blocks = [group.values[places] for places in outputs.values()]
        shared = all(np.array_equal(block, blocks[0]) for block in blocks)  # every observable at the same samples
        shifted = rule.shifted(blocks[0] if shared else group.values, group.wanted)
        rows = shifted.rows
        if not shared:
            array = ObservablesArray.coerce(observables).reshape(-1, 1)
            pub = (rule.circuit, array, rows)
            return cls(group, shifted, pub, [(place, 0) for place in range(len(observables))])
        array = ObservablesArray.coerce([observables[places[0]] for places in outputs.values()]).reshape(-1, 1)
        pub = (rule.circuit, array, rows.reshape(rows.shape[0] * rows.shape[1], rows.shape[2]))
        found = [(0, 0)] * len(observables)
        for output, places in enumerate(outputs.values()):
            for sample, place in enumerate(places):
                found[place] = (sample, output)
        return cls(group, shifted, pub, found)

    @property
    def num_rows(self) -> int:
        """The number of rows to run; none if nothing depends on the parameters."""
        return self.shifted.rows.shape[0] * self.shifted.rows.shape[1]

    def gradients(self, values: NDArray[np.float64] | None) -> list[NDArray[np.float64]]:
        """Return the gradient of each item of the group from the values of the PUB."""
        if values is None:
            return [np.zeros(len(self.group.wanted)) for _ in self.places]
        samples = len(self.shifted.rows)
        by_row = values.reshape(-1, self.num_rows).T
        found = self.shifted.derivatives(by_row).reshape(samples, len(self.group.wanted), by_row.shape[1])
        return [found[sample, :, output] for sample, output in self.places]


@dataclass(frozen=True)
class _Sent:
    requests: list[_Request]
    job: BasePrimitiveJob | None
    options: Options
