"""Gradients of expectation values on any V2 estimator: one PUB for the batch, the shifts and all observables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, PubResult
from qiskit.primitives.containers.observables_array import ObservablesArray

from qiskit_qgen._checks import check_float, check_type
from qiskit_qgen.gradients.broadcast import AbstractBroadcastGradient, Request
from qiskit_qgen.gradients.perturbation_rule import PerturbationRule
from qiskit_qgen.gradients.requests import AbstractEstimatorGradient, Group
from qiskit_qgen.gradients.rule import AbstractGradientRule


class AbstractBroadcastEstimatorGradient(AbstractBroadcastGradient, AbstractEstimatorGradient):
    """A gradient rule on a V2 estimator.

    One call of :meth:`run` is one job, with one PUB for each different circuit (and choice of ``parameters``): its
    rows are the shifts of all parameter values, its observables broadcast over them. A stock ``EstimatorQNN`` asks for
    every observable at every sample, which takes no more rows than one observable. Circuits are distinguished by
    identity, and nothing is transpiled.
    """

    _option = "precision"

    def __init__(self, estimator: BaseEstimatorV2, *, precision: float | None = None) -> None:
        check_type("estimator", estimator, BaseEstimatorV2, "a V2 estimator")
        super().__init__(estimator, None if precision is None else check_float("precision", precision, minimum=0.0))

    def _request(self, group: Group, rule: AbstractGradientRule) -> Request:
        observables = group.observables
        outputs: dict[int, list[int]] = {}
        for place, observable in enumerate(observables):
            outputs.setdefault(id(observable), []).append(place)
        blocks = [group.values[places] for places in outputs.values()]
        if not all(np.array_equal(block, blocks[0]) for block in blocks):
            shifted = rule.shifted(group.values, group.wanted)
            pub = (rule.circuit, ObservablesArray.coerce(observables).reshape(-1, 1), shifted.rows)
            return _Request(group, shifted, pub, [(place, 0) for place in range(len(observables))])
        shifted = rule.shifted(blocks[0], group.wanted)  # every observable at the same samples
        array = ObservablesArray.coerce([observables[places[0]] for places in outputs.values()]).reshape(-1, 1)
        found = [(0, 0)] * len(observables)
        for output, places in enumerate(outputs.values()):
            for sample, place in enumerate(places):
                found[place] = (sample, output)
        return _Request(group, shifted, (rule.circuit, array, shifted.flat), found)


@dataclass(frozen=True)
class _Request(Request):
    places: list[tuple[int, int]]
    """Of each item of the group, the sample of ``shifted`` and the output."""

    def gradients(self, result: PubResult | None) -> list[NDArray[np.float64]]:
        """Return the gradient of each item of the group."""
        wanted = len(self.group.wanted)
        if result is None:
            return [np.zeros(wanted) for _ in self.places]
        by_row = np.asarray(result.data.evs, np.float64).reshape(-1, self.shifted.num_rows).T
        found = self.shifted.derivatives(by_row).reshape(len(self.shifted.rows), wanted, by_row.shape[1])
        return [found[sample, :, output] for sample, output in self.places]


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
        PerturbationRule(QuantumCircuit(), epsilon=epsilon, batch_size=batch_size, seed=seed)  # checks the options
        generator = np.random.default_rng(seed)
        self._make_rule = partial(PerturbationRule, epsilon=epsilon, batch_size=batch_size, seed=generator)

    def _rule(self, circuit: QuantumCircuit) -> AbstractGradientRule:
        return self._make_rule(circuit)
