"""What the exact gradients on the built-in simulator share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any

import torch
from qiskit_machine_learning.algorithm_job import AlgorithmJob

from qiskit_qgen._jobs import FinishedJob
from qiskit_qgen.gradients.requests import AbstractGradient, Group, group_items
from qiskit_qgen.simulator.cache import RecentCircuits
from qiskit_qgen.simulator.options import check_simulation_options


class _FinishedGradientJob(FinishedJob[Any], AlgorithmJob):
    """A job of a gradient that is finished when it is made."""


class AbstractReverseGradient(AbstractGradient):
    """A gradient that computes by itself, at once."""

    _cache_type: type[RecentCircuits[Any]]

    def __init__(
        self, *, dtype: torch.dtype = torch.float64, device: str | torch.device = "cpu", threads: int | None = None
    ) -> None:
        self._device = check_simulation_options(device, dtype, threads)
        self._dtype, self._threads = dtype, threads
        self._cache = self._cache_type(threads=threads)
        super().__init__(None)  # type: ignore[call-arg]  # QML's own, without a primitive

    @abstractmethod
    def _gradients_of(self, group: Group) -> Iterable[Any]:
        """Return the gradients of a group's items."""

    def _job(self, *arguments: Any, **options: Any) -> AlgorithmJob:
        return _FinishedGradientJob(self._run, *arguments, **options)

    def _run(self, *arguments: Any, **options: Any) -> Any:
        """Return the result; the arguments have been checked."""
        self._value_of_option(options)
        found = [(group, self._gradients_of(group)) for group in group_items(*arguments)]
        return self._answer(found, arguments[-1])
