"""What of a source its rivals share: each source's own report, and tests of two samples against it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qiskit_qgen._checks import check_type
from qiskit_qgen._random import torch_generator
from qiskit_qgen.noise.base import AbstractNoise
from qiskit_qgen.noise.report import NoiseCheck, NoiseReport, noise_report
from qiskit_qgen.noise.rivals import noise_rivals

_OTHER_STREAM = 0x72697661


@dataclass(frozen=True)
class NoiseComparison:
    """What :func:`compare_noise` found."""

    reports: dict[str, NoiseReport]
    """Each source against standard normal noise; "source" is the source itself."""
    differences: dict[str, tuple[NoiseCheck, ...]]
    """Of each rival: how its marginal distributions, correlations and correlations of squares differ from the source's.
    "source" is the source against another sample of itself."""

    def table(self) -> str:
        """Return everything as a Markdown table: worst component and p-value, a source a column."""
        names = list(self.reports)
        lines = [f"| property | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
        for found in (self._checks_of_reports(), self.differences):
            for rows in zip(*(found[name] for name in names), strict=True):
                cells = " | ".join(f"{row.worst:.3g} (p {row.p_value:.2g})" for row in rows)
                lines.append(f"| {rows[0].name} | {cells} |")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        return {
            "reports": {name: report.to_dict() for name, report in self.reports.items()},
            "differences": {name: [vars(row) for row in rows] for name, rows in self.differences.items()},
        }

    def _checks_of_reports(self) -> dict[str, tuple[NoiseCheck, ...]]:
        return {name: report.checks for name, report in self.reports.items()}


def compare_noise(
    source: AbstractNoise,
    rivals: Mapping[str, AbstractNoise] | None = None,
    *,
    num_numbers: int = 1_000_000,
    seed: int = 0,
    level: float = 0.001,
) -> NoiseComparison:
    """Compare a source with its classical rivals.

    Each has its :func:`~qiskit_qgen.noise.noise_report`. Then, of two samples of equal size: the largest
    Kolmogorov-Smirnov distance of a component's distributions; the largest difference of a correlation, in Fisher's z;
    and the same of the components' squares, which a normal copula does not set freely. Each has one p-value, of the
    worst component or pair, corrected for how many there are; those of correlations take errors of normal numbers.

    Args:
        source: The source.
        rivals: Others by name; None for :func:`~qiskit_qgen.noise.noise_rivals` of the source.
        num_numbers: As for ``noise_report``.
        seed: Seed of all draws.
        level: As for ``noise_report``.

    Raises:
        ArgumentError: If a number is out of range.
        ArgumentTypeError: If one is not a source of noise.
    """
    check_type("source", source, AbstractNoise, "a source of noise such as QuantumCircuitNoise")
    others = dict(noise_rivals(source, seed=seed) if rivals is None else rivals)
    reports = {
        name: noise_report(each, num_numbers, seed=seed, level=level)
        for name, each in ({"source": source} | others).items()
    }
    number = reports["source"].num_vectors
    own = source.sample(number, torch_generator(seed)).double().numpy()
    differences = {}
    for name, each in ({"source": source} | others).items():
        rows = each.sample(number, torch_generator(seed, _OTHER_STREAM)).double().numpy()
        differences[name] = tuple(_differences(own, rows))
    return NoiseComparison(reports, differences)


def _differences(own: NDArray[np.float64], other: NDArray[np.float64]) -> list[NoiseCheck]:
    from scipy.stats import ks_2samp  # slow to import

    tests = [ks_2samp(*columns, method="asymp") for columns in zip(own.T, other.T, strict=True)]
    p_value = min(min(float(each.pvalue) for each in tests) * len(tests), 1.0)
    found = [NoiseCheck("marginals, against the source", max(float(each.statistic) for each in tests), 0.0, p_value)]
    if own.shape[1] > 1:
        for name, power in (("correlations", 1), ("correlations of squares", 2)):
            found.append(_of_correlations(f"{name}, against the source", own**power, other**power))
    return found


def _of_correlations(name: str, own: NDArray[np.float64], other: NDArray[np.float64]) -> NoiseCheck:
    """The largest difference of two correlations, by Fisher's z, whose error is 1 / sqrt(N - 3) of each."""
    pairs = np.triu_indices(own.shape[1], 1)
    found = (np.atleast_2d(np.corrcoef(rows, rowvar=False)) for rows in (own, other))
    first, second = (each[pairs].clip(-1 + 1e-12, 1 - 1e-12) for each in found)
    worst = int(np.abs(np.arctanh(second) - np.arctanh(first)).argmax())
    distance = abs(math.atanh(second[worst]) - math.atanh(first[worst]))
    p_value = math.erfc(distance / math.sqrt(2 / (len(own) - 3)) / math.sqrt(2)) * len(first)
    return NoiseCheck(name, float(second[worst] - first[worst]), 0.0, min(p_value, 1.0))
