"""The result of running one part of a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from qiskit_qgen.exceptions import ExecutionError
from qiskit_qgen.studies.intervals import Interval

Verdict = Literal["reproduced", "not reproduced", "cannot be told"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Tables, verdict and samples of one part."""

    verdict: Verdict
    reason: str
    """Why, in a sentence with figures."""
    tables: dict[str, str]
    """Markdown tables by their titles."""
    images: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """Rows of images (N, C, H, W) by their names, for each figure by its caption."""
    marginals: dict[str, tuple[Sequence[str], Mapping[str, Any]]] = field(default_factory=dict)
    """Names of columns, and tables (N, D) by their names, real ones first, for each figure by its caption."""


def done_records(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the records, or raise :class:`ExecutionError` if a trial failed: a comparison needs all of them."""
    for record in records:
        if record["status"] != "done":
            raise ExecutionError(f"A trial failed with {record['error']} The option --retry-failed runs it again.")
    return list(records)


def below(value: Interval, bound: float) -> Verdict:
    """Return whether an interval lies entirely below a bound, entirely above it, or neither."""
    if value["low"] is None or value["high"] is None:
        return "cannot be told"
    if value["high"] <= bound:
        return "reproduced"
    return "not reproduced" if value["low"] > bound else "cannot be told"


def joint(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the joint verdict of several parts: their common verdict, or undecided."""
    return verdicts[0] if len(set(verdicts)) == 1 else "cannot be told"
