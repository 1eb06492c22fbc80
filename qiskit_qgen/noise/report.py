"""Is it standard normal noise? A source's moments, distribution and correlations, each against its expected error."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qiskit_qgen._checks import check_float, check_int, check_type
from qiskit_qgen._random import torch_generator
from qiskit_qgen.noise.base import AbstractNoise

TESTED = ("mean", "variance", "skewness", "kurtosis", "distribution", "autocorrelation")
_LAGS = 10


@dataclass(frozen=True)
class NoiseCheck:
    """One property of a source, over all its components."""

    name: str
    worst: float
    """The component's value farthest from what is expected; of the distribution, the largest Kolmogorov-Smirnov
    distance; of correlations, the largest in absolute value."""
    expected: float
    p_value: float
    """Probability that ideal noise of the same size is as far off somewhere, Bonferroni-corrected: at most 1."""


@dataclass(frozen=True)
class NoiseReport:
    """What :func:`noise_report` found."""

    source: str
    num_vectors: int
    dim: int
    seconds: float
    level: float
    checks: tuple[NoiseCheck, ...]

    @property
    def numbers_per_second(self) -> float:
        """Throughput of the source."""
        return self.num_vectors * self.dim / max(self.seconds, 1e-9)

    @property
    def failed(self) -> list[str]:
        """The properties that standard normal noise would show with a probability below the level.

        Correlation between components is not among them: it is what an entangled source is for. Its row says how much
        there is.
        """
        return [check.name for check in self.checks if check.name in TESTED and check.p_value < self.level]

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not self.failed

    def table(self) -> str:
        """Return the report as a Markdown table."""
        lines = ["| property | worst component | expected | p |", "|---|---|---|---|"]
        lines += [f"| {c.name} | {c.worst:.5g} | {c.expected:.5g} | {c.p_value:.3g} |" for c in self.checks]
        verdict = "passed" if self.passed else f"failed: {', '.join(self.failed)}"
        size = f"{self.num_vectors} vectors of {self.dim}, {self.numbers_per_second:.3g} numbers a second"
        return "\n".join([*lines, "", f"{self.source}: {verdict} at level {self.level:g}; {size}."])

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        rows = [vars(check) for check in self.checks]
        kept = {name: value for name, value in vars(self).items() if name != "checks"}
        return {**kept, "passed": self.passed, "numbers_per_second": self.numbers_per_second, "checks": rows}


def noise_report(
    source: AbstractNoise, num_numbers: int = 1_000_000, *, seed: int = 0, level: float = 0.001
) -> NoiseReport:
    """Draw numbers from a source and compare them with the standard normal distribution.

    For each component over the vectors: mean, variance, skewness and excess kurtosis against their normal errors,
    Kolmogorov-Smirnov's distance, and the correlation with the vectors 1 to 10 before; and the correlation between
    components. Each property has one p-value: that of its worst component, corrected for how many there are.

    Args:
        source: The source.
        num_numbers: How many numbers to draw; at least 1000 vectors are drawn.
        seed: Seed of the draw.
        level: p-values below it fail, in (0, 1).

    Raises:
        ArgumentError: If a number is out of range.
        ArgumentTypeError: If ``source`` is not a source of noise.
    """
    check_type("source", source, AbstractNoise, "a source of noise such as GaussianNoise")
    check_int("num_numbers", num_numbers, minimum=1)
    check_float("level", level, minimum=0, maximum=1, open_minimum=True, open_maximum=True)
    num_vectors = max(math.ceil(num_numbers / source.dim), 1000)
    generator = torch_generator(seed)
    start = time.perf_counter()
    rows = source.sample(num_vectors, generator)
    seconds = time.perf_counter() - start
    values = rows.double().numpy()
    return NoiseReport(repr(source), num_vectors, source.dim, seconds, level, tuple(_checks(values)))


def _checks(values: NDArray[np.float64]) -> list[NoiseCheck]:
    from scipy.stats import kstwobign  # slow to import

    count = len(values)
    centred = values - values.mean(0)
    spread = np.sqrt((centred**2).mean(0)).clip(min=1e-300)
    scaled = centred / spread
    found = [
        _by_error("mean", values.mean(0), 0.0, count**-0.5),
        _by_error("variance", values.var(0, ddof=1), 1.0, math.sqrt(2 / count)),
        _by_error("skewness", (scaled**3).mean(0), 0.0, math.sqrt(6 / count)),
        _by_error("kurtosis", (scaled**4).mean(0) - 3, 0.0, math.sqrt(24 / count)),
    ]
    distances = _kolmogorov_smirnov(values)
    p_value = float(kstwobign.sf(distances.max() * math.sqrt(count)) * len(distances))
    found.append(NoiseCheck("distribution", float(distances.max()), 0.0, min(p_value, 1.0)))
    lagged = np.concatenate([(scaled[lag:] * scaled[:-lag]).sum(0) / count for lag in range(1, _LAGS + 1)])
    found.append(_by_error("autocorrelation", lagged, 0.0, count**-0.5))
    if values.shape[1] > 1:
        between = (scaled.T @ scaled / count)[np.triu_indices(values.shape[1], 1)]
        found.append(_by_error("cross-correlation", between, 0.0, count**-0.5))
    return found


def _by_error(name: str, values: NDArray[np.float64], expected: float, error: float) -> NoiseCheck:
    """The value farthest from ``expected``, if each has a normal error of standard deviation ``error``."""
    worst = float(values[np.abs(values - expected).argmax()])
    p_value = math.erfc(abs(worst - expected) / error / math.sqrt(2)) * values.size
    return NoiseCheck(name, worst, expected, min(p_value, 1.0))


def _kolmogorov_smirnov(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The distance of each component's distribution from the normal one."""
    from scipy.special import ndtr

    ranks = np.arange(len(values) + 1)[:, None] / len(values)
    expected = ndtr(np.sort(values, axis=0))
    distances: NDArray[np.float64] = np.maximum(ranks[1:] - expected, expected - ranks[:-1]).max(0)
    return distances
