"""Gradients of probabilities on any V2 sampler: one PUB for the batch and the shifts."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from itertools import pairwise
from typing import Any

import numpy as np
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.primitives import BasePrimitiveJob, BaseSamplerV2, PubResult
from qiskit.providers import Options
from qiskit_machine_learning.algorithm_job import AlgorithmJob
from qiskit_machine_learning.gradients import BaseSamplerGradient, SamplerGradientResult

from qiskit_qgen._checks import check_int, check_type
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.gradients.outcomes import read_outcomes
from qiskit_qgen.gradients.requests import parameters_of, validate_once
from qiskit_qgen.gradients.rows import RowsOfCircuit, rows_by_circuit, single_option
from qiskit_qgen.gradients.rule import ShiftedRows
from qiskit_qgen.gradients.shift_rule import ShiftRuleCache

_Request = tuple[RowsOfCircuit, ShiftedRows, bool]


class BroadcastParamShiftSamplerGradient(BaseSamplerGradient):
    """The exact parameter-shift rule (arXiv 1811.11184) on any V2 sampler, one PUB for the batch and all shifts.

    ``SamplerQNN(..., sampler=sampler, gradient=BroadcastParamShiftSamplerGradient(sampler))`` sends one PUB in one job
    for a backward pass. One call of :meth:`run` is one job, with one PUB for each different circuit (and choice of
    ``parameters``); circuits are told apart by identity, and nothing is transpiled. Classical registers may have any
    names; several are joined as ``SamplerPubResult.join_data`` does.

    Args:
        sampler: The sampler, of shots or exact.
        shots: The number of shots of each row; None for the sampler's own.

    Raises:
        ArgumentTypeError: If ``sampler`` is none.
        ArgumentError: If ``shots`` is not positive.
    """

    def __init__(self, sampler: BaseSamplerV2, *, shots: int | None = None) -> None:
        check_type("sampler", sampler, BaseSamplerV2, "a V2 sampler")
        super().__init__(sampler=sampler)
        if shots is not None:
            self._default_options = Options(shots=check_int("shots", shots, minimum=1))
        self._rules = ShiftRuleCache()

    @property
    def options(self) -> Options:
        """Return the default options: the number of shots."""
        return copy(self._default_options)

    def run(
        self,
        circuits: Sequence[QuantumCircuit],
        parameter_values: Sequence[Sequence[float]] | np.ndarray,
        parameters: Sequence[Sequence[Parameter] | None] | None = None,
        **options: Any,
    ) -> AlgorithmJob:
        """Compute the gradient of the probabilities of the outcomes of ``circuits[i]``, for each i.

        Args:
            circuits: The circuits, measured; or one alone.
            parameter_values: Values of each circuit's parameters, in the order of ``QuantumCircuit.parameters``.
            parameters: By which parameters to differentiate; None, for all or for one circuit, for all of them.
            **options: ``shots``, instead of the default.

        Returns:
            A job whose result has ``gradients[i][j]``, the derivatives of the probabilities by parameter j: a
            dictionary from outcomes, as integers, to numbers that are not zero.

        Raises:
            ValueError: If the numbers of arguments or of values do not fit each other.
            GradientError: If a gate with parameters has no exact rule.
            ArgumentError: If a circuit has no measurements, or there are other options.
        """
        circuits = (circuits,) if isinstance(circuits, QuantumCircuit) else circuits
        chosen = parameters_of(circuits, parameters)
        validate_once(self._validate_arguments, (circuits, parameter_values, chosen), values=1)
        requests, job, used = self._send(circuits, parameter_values, chosen, options)
        waiting = AlgorithmJob(_collect, requests, job, chosen, used)
        waiting.submit()
        return waiting

    def _run(
        self,
        circuits: Sequence[QuantumCircuit],
        parameter_values: Sequence[Sequence[float]] | np.ndarray,
        parameters: Sequence[Sequence[Parameter]],
        **options: Any,
    ) -> SamplerGradientResult:
        requests, job, used = self._send(circuits, parameter_values, parameters, options)
        return _collect(requests, job, parameters, used)

    def _send(
        self,
        circuits: Sequence[QuantumCircuit],
        parameter_values: Sequence[Sequence[float]] | np.ndarray,
        parameters: Sequence[Sequence[Parameter]],
        options: dict[str, Any],
    ) -> tuple[list[_Request], BasePrimitiveJob | None, Options]:
        shots = single_option("shots", {**self._default_options.__dict__, **options})
        requests: list[_Request] = []
        pubs = []
        for group in rows_by_circuit(circuits, parameter_values, parameters):
            if not group.circuit.num_clbits:
                raise ArgumentError(
                    "Argument `circuits` must hold measured circuits, but one has no classical bits: add measurements, "
                    "as `measure_all()` does."
                )
            rule = self._rules.get(group.circuit)
            shifted = rule.shifted(group.values, group.wanted)
            rows = shifted.rows.reshape(shifted.rows.shape[0] * shifted.rows.shape[1], shifted.rows.shape[2])
            requests.append((group, shifted, bool(len(rows))))
            if len(rows):
                pubs.append((rule.circuit, rows))
        job = self._sampler.run(pubs, shots=shots) if pubs else None
        return requests, job, Options(**({} if shots is None else {"shots": shots}))


def _collect(
    requests: list[_Request],
    job: BasePrimitiveJob | None,
    parameters: Sequence[Sequence[Parameter]],
    options: Options,
) -> SamplerGradientResult:
    results = iter(job.result() if job is not None else ())
    gradients: list[list[dict[int, float]]] = [[] for _ in parameters]
    for group, shifted, was_sent in requests:
        if was_sent:
            found = _distributions(next(results), shifted)
        else:
            found = [{} for _ in group.numbers for _ in group.wanted]
        for place, number in enumerate(group.numbers):
            gradients[number] = found[place * len(group.wanted) : (place + 1) * len(group.wanted)]
    metadata = [[{"parameters": chosen}] for chosen in parameters]
    return SamplerGradientResult(gradients=gradients, metadata=metadata, options=options)


def _distributions(result: PubResult, shifted: ShiftedRows) -> list[dict[int, float]]:
    """Return the derivatives of all samples by all parameters."""
    seen, probabilities = read_outcomes(result)
    matrix = shifted.derivatives(probabilities)
    matrix.eliminate_zeros()
    outcomes, slopes, ends = seen[matrix.indices].tolist(), matrix.data.tolist(), matrix.indptr.tolist()
    return [dict(zip(outcomes[start:end], slopes[start:end], strict=True)) for start, end in pairwise(ends)]
