"""Comparisons of a study's arms, seed by seed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from qiskit_qgen.studies.arms.power import LEVEL, detectable_effect
from qiskit_qgen.studies.intervals import Interval, bootstrap_interval, interval_text, mean_interval
from qiskit_qgen.studies.tables import markdown_table

_LARGEST_LOG = 700.0  # beyond it, a ratio overflows
ByArm = Mapping[str, Mapping[int, float]]
"""A score by seed, by arm."""


@dataclass(frozen=True, kw_only=True)
class PairedComparison:
    """The mean of ``arm - baseline``, or of a log ratio, over the common seeds, and the result of its test."""

    extractor: str
    """The extractor whose features compare the two."""
    size: int | None
    """Number of training images of both; None for the mean of the log ratio over all sizes."""
    arm: str
    baseline: str
    num_pairs: int
    difference: Interval
    """Mean and interval by Student's t distribution, for this comparison alone."""
    bootstrap: Interval
    """Mean and bootstrap interval, which is too narrow for few pairs."""
    deviation: float | None
    """Standard deviation of the differences; None for a single pair."""
    p_value: float | None
    """The p-value of the paired t test; None for a single pair."""
    adjusted: float | None = None
    """The p-value corrected by Holm's method for all comparisons that are tested together."""
    num_tests: int = 1
    """The number of these comparisons."""

    @property
    def is_clear(self) -> bool:
        """Whether the difference is significant at the 5 % level, for all comparisons together."""
        return self.adjusted is not None and self.adjusted < LEVEL

    @property
    def detectable(self) -> float | None:
        """The smallest true difference that four of five studies would detect with this spread."""
        if self.deviation is None:
            return None
        return self.deviation * detectable_effect(self.num_pairs, self.num_tests)

    def to_dict(self) -> dict[str, Any]:
        """Return everything in a form that JSON can store."""
        return {**asdict(self), "is_clear": self.is_clear, "detectable": self.detectable}


def compare_arms(
    scores: ByArm, pairs: Iterable[tuple[str, str]], *, extractor: str, size: int | None
) -> list[PairedComparison]:
    """Compare arms in pairs over the common seeds; pairs without a common seed are omitted.

    ``scores`` holds the score by seed, by arm; the second arm of each pair is the baseline.
    """
    found = []
    for arm, baseline in pairs:
        own, other = scores.get(arm, {}), scores.get(baseline, {})
        if differences := [score - other[seed] for seed, score in own.items() if seed in other]:
            found.append(_comparison(differences, extractor=extractor, size=size, arm=arm, baseline=baseline))
    return found


def compare_pooled(
    scores: Mapping[int, ByArm], pairs: Iterable[tuple[str, str]], *, extractor: str
) -> list[PairedComparison]:
    """Compare arms over all sizes at once: one number per seed, tested over the seeds.

    A seed's number is the mean over the sizes of ``log(score / score of the baseline)``, so that no size dominates, and
    seeds with high distances do not dominate those with low ones. The subsets of a seed are nested, so its scores at
    several sizes are not independent repetitions; only seeds are. A pair is omitted if it has no common seed or a
    distance that is not positive, as unbiased distances near zero may be.

    ``scores`` holds the score by seed, by arm, by size.
    """
    found = []
    for arm, baseline in pairs:
        cells = [(by_arm.get(arm, {}), by_arm.get(baseline, {})) for by_arm in scores.values()]
        seeds = [seed for seed in cells[0][0] if all(seed in own and seed in other for own, other in cells)]
        if not seeds or any(min(own[seed], other[seed]) <= 0 for own, other in cells for seed in seeds):
            continue
        ratios = [math.fsum(math.log(own[seed] / other[seed]) for own, other in cells) / len(cells) for seed in seeds]
        found.append(_comparison(ratios, extractor=extractor, size=None, arm=arm, baseline=baseline))
    return found


def adjusted_together(comparisons: Sequence[PairedComparison]) -> list[PairedComparison]:
    """Return the comparisons with p-values for all of them together, by Holm's method."""
    values = [each.p_value for each in comparisons if each.p_value is not None]
    by_value = dict(zip(values, holm(values), strict=True))
    return [
        replace(each, adjusted=None if each.p_value is None else by_value[each.p_value], num_tests=max(1, len(values)))
        for each in comparisons
    ]


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values of Holm's step-down method (Scandinavian Journal of Statistics 6, 65, 1979)."""
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def comparison_table(comparisons: Sequence[PairedComparison]) -> str:
    """Return the comparisons as a Markdown table; those over all sizes as ratios."""
    titles = (
        "features", "images", "comparison", "seeds", "mean [95 %, Student's t]", "[95 %, bootstrap]", "p, Holm",
        "shown", "80 % power from",
    )  # fmt: skip
    return markdown_table(titles, map(_cells, comparisons))


def _cells(each: PairedComparison) -> tuple[object, ...]:
    def shown(interval: Interval) -> str:
        return interval_text(interval if each.size is not None else _exponential(interval))

    least = each.detectable
    if least is not None and each.size is None:
        least = math.exp(min(least, _LARGEST_LOG))
    return (
        each.extractor,
        "all" if each.size is None else each.size,
        f"{each.arm} {'/' if each.size is None else '-'} {each.baseline}",
        each.num_pairs,
        shown(each.difference),
        shown(each.bootstrap).partition(" ")[2] or "-",
        "-" if each.adjusted is None else f"{each.adjusted:.2g}",
        "yes" if each.is_clear else "no",
        "-" if least is None else f"{least:.3g}",
    )


def _exponential(interval: Interval) -> Interval:
    def raised(value: float | None) -> float | None:
        return None if value is None else math.exp(min(value, _LARGEST_LOG))

    low, high = raised(interval["low"]), raised(interval["high"])
    return {"mean": math.exp(interval["mean"]), "low": low, "high": high}


def _comparison(differences: Sequence[float], **known: Any) -> PairedComparison:
    interval, count = mean_interval(differences), len(differences)
    deviation = p_value = None
    if count > 1:
        from scipy.stats import ttest_1samp  # slow to import

        deviation = math.sqrt(math.fsum((each - interval["mean"]) ** 2 for each in differences) / (count - 1))
        p_value = float(ttest_1samp(differences, 0).pvalue) if deviation else float(not interval["mean"])
    return PairedComparison(
        num_pairs=count,
        difference=interval,
        bootstrap=bootstrap_interval(differences),
        deviation=deviation,
        p_value=p_value,
        **known,
    )
