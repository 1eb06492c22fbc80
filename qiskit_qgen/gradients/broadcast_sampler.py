"""Gradients of probabilities on any V2 sampler: one PUB for the batch and the shifts."""

from __future__ import annotations

from itertools import pairwise

from qiskit.circuit import QuantumCircuit
from qiskit.primitives import BaseSamplerV2, PubResult

from qiskit_qgen._checks import check_int, check_type
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.gradients.broadcast import AbstractBroadcastGradient, Request
from qiskit_qgen.gradients.outcomes import read_outcomes
from qiskit_qgen.gradients.requests import AbstractSamplerGradient, Group
from qiskit_qgen.gradients.rule import AbstractGradientRule


class BroadcastParamShiftSamplerGradient(AbstractBroadcastGradient, AbstractSamplerGradient):
    """The exact parameter-shift rule (arXiv 1811.11184) on any V2 sampler, one PUB for the batch and all shifts.

    ``SamplerQNN(..., sampler=sampler, gradient=BroadcastParamShiftSamplerGradient(sampler))`` sends one PUB in one job
    for a backward pass. One call of :meth:`run` is one job, with one PUB for each different circuit (and choice of
    ``parameters``); circuits are distinguished by identity, and nothing is transpiled. Classical registers may have any
    names; several are joined as ``SamplerPubResult.join_data`` does.

    Args:
        sampler: The sampler, of shots or exact.
        shots: The number of shots of each row; None for the sampler's own.

    Raises:
        ArgumentTypeError: If ``sampler`` is none.
        ArgumentError: If ``shots`` is not positive.
    """

    _option = "shots"

    def __init__(self, sampler: BaseSamplerV2, *, shots: int | None = None) -> None:
        check_type("sampler", sampler, BaseSamplerV2, "a V2 sampler")
        super().__init__(sampler, None if shots is None else check_int("shots", shots, minimum=1))

    def _rule(self, circuit: QuantumCircuit) -> AbstractGradientRule:
        if not circuit.num_clbits:
            raise ArgumentError(
                "Argument `circuits` must hold measured circuits, but one has no classical bits: add measurements, "
                "as `measure_all()` does."
            )
        return super()._rule(circuit)

    def _request(self, group: Group, rule: AbstractGradientRule) -> Request:
        shifted = rule.shifted(group.values, group.wanted)
        return _Request(group, shifted, (rule.circuit, shifted.flat))


class _Request(Request):
    def gradients(self, result: PubResult | None) -> list[list[dict[int, float]]]:
        """Return the derivatives of each item's probabilities by all parameters."""
        items, parameters = len(self.group.numbers), len(self.group.wanted)
        if result is None:
            return [[{} for _ in range(parameters)] for _ in range(items)]
        seen, probabilities = read_outcomes(result)
        matrix = self.shifted.derivatives(probabilities)
        matrix.eliminate_zeros()
        outcomes, slopes, ends = seen[matrix.indices].tolist(), matrix.data.tolist(), matrix.indptr.tolist()
        found = [dict(zip(outcomes[start:end], slopes[start:end], strict=True)) for start, end in pairwise(ends)]
        return [found[item * parameters : (item + 1) * parameters] for item in range(items)]
