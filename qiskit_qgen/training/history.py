"""The record of a training run: every loss and score with its step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from qiskit_qgen._checks import check_int, check_path
from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import ArgumentError, CheckpointError
from qiskit_qgen.persistence import atomic_write
from qiskit_qgen.persistence.json_text import parse_json


class History:
    """All losses and scores of a run, by phase and name: the single source for plots, progress bars and stopping rules.

    Values are kept as numbers at increasing step counts: 1 after the first step of a phase, 0 before it. Two histories
    are equal if their phases, names, steps and values are equal; times are not compared.

    Example:
        >>> history = History()
        >>> history.record("adversarial", 1, {"critic": 0.5})
        >>> history.record("adversarial", 2, {"critic": 0.25})
        >>> history.steps("adversarial", "critic"), history.values("adversarial", "critic")
        ([1, 2], [0.5, 0.25])
    """

    def __init__(self) -> None:
        self._series: dict[str, dict[str, tuple[list[int], list[float]]]] = {}
        self._seconds: dict[str, float] = {}

    @property
    def phases(self) -> tuple[str, ...]:
        """Names of the phases that have records, in the order of training."""
        return tuple(self._series)

    @property
    def seconds(self) -> dict[str, float]:
        """Wall-clock seconds spent in each phase, over all parts of an interrupted run."""
        return dict(self._seconds)

    def names(self, phase: str) -> tuple[str, ...]:
        """Names of the losses and scores of ``phase``; empty if it has no record."""
        return tuple(self._series.get(phase, {}))

    def steps(self, phase: str, name: str) -> list[int]:
        """Steps at which ``name`` was recorded in ``phase``.

        Raises:
            ArgumentError: If there is no such record.
        """
        return list(self._find(phase, name)[0])

    def values(self, phase: str, name: str) -> list[float]:
        """Values of ``name`` in ``phase``, one for each of its steps.

        Raises:
            ArgumentError: If there is no such record.
        """
        return list(self._find(phase, name)[1])

    def last(self, phase: str, name: str) -> float:
        """The latest value of ``name`` in ``phase``.

        Raises:
            ArgumentError: If there is no such record.
        """
        return self._find(phase, name)[1][-1]

    def record(self, phase: str, step: int, values: Mapping[str, float]) -> None:
        """Add ``values`` of ``phase`` at ``step``.

        Args:
            phase: Name of the phase.
            step: Number of completed steps of the phase.
            values: Numbers by name.

        Raises:
            ArgumentError: If ``step`` is negative, or not later than the last record of a name.
        """
        check_int("step", step, minimum=0)
        series = self._series.setdefault(phase, {})
        for name, value in values.items():
            steps, numbers = series.setdefault(name, ([], []))
            if steps and steps[-1] >= step:
                raise ArgumentError(
                    f"Argument `step` must be greater than {steps[-1]}, the last step at which {name!r} of phase "
                    f"{phase!r} was recorded, but is {step}."
                )
            steps.append(step)
            numbers.append(float(value))

    def add_seconds(self, phase: str, seconds: float) -> None:
        """Add wall-clock ``seconds`` to the time spent in ``phase``."""
        self._seconds[phase] = self._seconds.get(phase, 0.0) + seconds

    def replace(self, other: History) -> None:
        """Replace all records and times with those of ``other``."""
        self._series, self._seconds = other._series, other._seconds

    def to_dict(self) -> dict[str, Any]:
        """Return the history as JSON-serialisable lists and numbers; :meth:`from_dict` is the inverse."""
        phases = {
            phase: {name: {"steps": list(steps), "values": list(values)} for name, (steps, values) in series.items()}
            for phase, series in self._series.items()
        }
        return {"phases": phases, "seconds": self.seconds}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> History:
        """Return the history from ``content``, the result of :meth:`to_dict`.

        Raises:
            ArgumentError: If ``content`` has another form.
        """
        history = cls()
        try:
            for phase, series in content["phases"].items():
                history._series[phase] = {
                    name: ([int(step) for step in columns["steps"]], [float(value) for value in columns["values"]])
                    for name, columns in series.items()
                }
                if any(len(steps) != len(values) for steps, values in history._series[phase].values()):
                    raise ValueError(f"steps and values of {phase!r} differ in number")
            history._seconds = {phase: float(seconds) for phase, seconds in content["seconds"].items()}
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise ArgumentError(
                f"Argument `content` must be what `History.to_dict` returns, but reading it failed: {error!r}."
            ) from error
        return history

    def to_tensors(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return all steps (int64) and values (float64) as tensors by name, and the rest as JSON-serialisable values.

        :meth:`from_tensors` is the inverse. This form stays small and exact for long trainings.
        """
        tensors = {}
        names = [(phase, name) for phase in self.phases for name in self.names(phase)]
        for phase, name in names:
            steps, values = self._series[phase][name]
            tensors[f"{phase}/{name}/steps"] = torch.tensor(steps, dtype=torch.int64)
            tensors[f"{phase}/{name}/values"] = torch.tensor(values, dtype=torch.float64)
        return tensors, {"series": [list(pair) for pair in names], "seconds": self.seconds}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], description: Mapping[str, Any]) -> History:
        """Return the history from ``tensors`` and ``description``, the results of :meth:`to_tensors`."""
        phases: dict[str, dict[str, Any]] = {}
        for phase, name in description["series"]:
            columns = {key: tensors[f"{phase}/{name}/{key}"].tolist() for key in ("steps", "values")}
            phases.setdefault(phase, {})[name] = columns
        return cls.from_dict({"phases": phases, "seconds": description["seconds"]})

    def save(self, path: PathLike) -> None:
        """Write the history as JSON to ``path``, replacing the file atomically.

        Raises:
            ArgumentTypeError: If ``path`` is not a path.
        """
        atomic_write(check_path("path", path), json.dumps(self.to_dict()))

    @classmethod
    def load(cls, path: PathLike) -> History:
        """Read a history that :meth:`save` wrote.

        Raises:
            ArgumentError: If the file is not such a history.
            ArgumentTypeError: If ``path`` is not a path.
            FileNotFoundError: If there is no such file.
        """
        try:
            content = parse_json(check_path("path", path).read_bytes(), f"File {path}")
        except CheckpointError as error:
            raise ArgumentError(
                f"Argument `path` must name a JSON file, but {str(path)!r} is not one: {error}"
            ) from error
        return cls.from_dict(content)

    def _find(self, phase: str, name: str) -> tuple[list[int], list[float]]:
        try:
            return self._series[phase][name]
        except KeyError:
            known = ", ".join(f"{phase}/{name}" for phase in self.phases for name in self.names(phase))
            raise ArgumentError(f"The history has no record {phase}/{name}; it has: {known or 'none'}.") from None

    def __eq__(self, other: object) -> bool:
        return self._series == other._series if isinstance(other, History) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # a history changes while it is recorded

    def __repr__(self) -> str:
        parts = ", ".join(f"{phase}: {', '.join(self.names(phase))}" for phase in self.phases)
        return f"History({parts})"
