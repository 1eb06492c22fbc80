"""What the gradients that ask a V2 primitive share: one PUB for each circuit, all in one job."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.primitives import BasePrimitiveJob, PubResult
from qiskit.providers import Options
from qiskit_machine_learning.algorithm_job import AlgorithmJob

from qiskit_qgen.gradients.requests import AbstractGradient, Group, group_items
from qiskit_qgen.gradients.rule import AbstractGradientRule, ShiftedRows
from qiskit_qgen.gradients.shift_rule import ShiftRule
from qiskit_qgen.simulator.cache import RecentCircuits


@dataclass(frozen=True)
class Request(ABC):
    """One PUB, and how its result becomes gradients."""

    group: Group
    shifted: ShiftedRows
    pub: tuple[Any, ...]

    @abstractmethod
    def gradients(self, result: PubResult | None) -> Iterable[Any]:
        """Return the gradient of each item of the group; there is no result if nothing depends on the parameters."""


class AbstractBroadcastGradient(AbstractGradient):
    """A gradient rule on a V2 primitive."""

    def __init__(self, primitive: Any, default: Any) -> None:
        super().__init__(primitive)  # type: ignore[call-arg]  # QML's own
        self._primitive = primitive
        self._default_options = Options() if default is None else Options(**{str(self._option): default})
        self._rules: RecentCircuits[ShiftRule] = RecentCircuits()

    def _rule(self, circuit: QuantumCircuit) -> AbstractGradientRule:
        """Return the rule for a circuit."""
        return self._rules.recall(circuit, lambda: ShiftRule(circuit))

    @abstractmethod
    def _request(self, group: Group, rule: AbstractGradientRule) -> Request:
        """Return the PUB of a group."""

    def _job(self, *arguments: Any, **options: Any) -> AlgorithmJob:
        # Rows are drawn and the job is sent here, so that calls take effect in their order; the thread only waits.
        job = AlgorithmJob(self._collect, self._send(*arguments, **options))
        job.submit()
        return job

    def _run(self, *arguments: Any, **options: Any) -> Any:
        return self._collect(self._send(*arguments, **options))

    def _send(self, *arguments: Any, **options: Any) -> _Sent:
        option = self._value_of_option(options)
        requests = [self._request(group, self._rule(group.circuit)) for group in group_items(*arguments)]
        pubs = [request.pub for request in requests if request.shifted.num_rows]
        job = self._primitive.run(pubs, **{str(self._option): option}) if pubs else None
        return _Sent(requests, job, arguments[-1], option)

    def _collect(self, sent: _Sent) -> Any:
        results = iter(sent.job.result() if sent.job is not None else ())
        found = [
            (request.group, request.gradients(next(results) if request.shifted.num_rows else None))
            for request in sent.requests
        ]
        return self._answer(found, sent.parameters, sent.option)


@dataclass(frozen=True)
class _Sent:
    requests: list[Request]
    job: BasePrimitiveJob | None
    parameters: Sequence[Sequence[Parameter]]
    option: Any
