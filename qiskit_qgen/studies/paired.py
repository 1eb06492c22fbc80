"""Arms of a study compared with one of them, seed by seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from qiskit_qgen.studies.intervals import Interval, bootstrap_interval, interval_text, paired_difference


@dataclass(frozen=True, kw_only=True)
class PairedComparison:
    """The mean of ``arm - baseline`` over the seeds that both have."""

    setting: int | str
    """What both have in common, such as the number of training pictures."""
    arm: str
    baseline: str
    num_pairs: int
    difference: Interval
    """Mean and interval by Student's t distribution."""
    bootstrap: Interval
    """Mean and interval by the bootstrap, which is too narrow for few pairs."""

    @property
    def excludes_zero(self) -> bool:
        """Whether 0 lies outside of the interval by Student's t distribution."""
        low, high = self.difference["low"], self.difference["high"]
        return low is not None and high is not None and (low > 0 or high < 0)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON can hold it."""
        return {**asdict(self), "excludes_zero": self.excludes_zero}


def compare_arms(
    scores: Mapping[str, Mapping[int, float]],
    pairs: Iterable[tuple[str, str]],
    *,
    setting: int | str = "",
    seed: int = 0,
) -> list[PairedComparison]:
    """Compare arms in pairs over the seeds that both of a pair have; a pair without a common seed is left out.

    Args:
        scores: Score by seed, by arm.
        pairs: An arm and its baseline, each.
        setting: What all have in common, for tables.
        seed: Seed of the bootstrap.
    """
    found = []
    for arm, baseline in pairs:
        seeds = [each for each in scores[arm] if each in scores[baseline]]
        if not seeds:
            continue
        ours, theirs = [scores[arm][each] for each in seeds], [scores[baseline][each] for each in seeds]
        differences = [one - other for one, other in zip(ours, theirs, strict=True)]
        found.append(
            PairedComparison(
                setting=setting,
                arm=arm,
                baseline=baseline,
                num_pairs=len(seeds),
                difference=paired_difference(ours, theirs),
                bootstrap=bootstrap_interval(differences, seed=seed),
            )
        )
    return found


def comparison_table(comparisons: Sequence[PairedComparison], *, title: str = "setting") -> str:
    """Return the comparisons as a Markdown table, marked where the interval excludes zero."""
    lines = [
        f"| {title} | difference | pairs | mean [95 %, Student's t] | [95 %, bootstrap] | excludes zero |",
        "|---|---|---|---|---|---|",
    ]
    for each in comparisons:
        bootstrap = interval_text(each.bootstrap).partition(" ")[2] or "-"
        verdict = "yes" if each.excludes_zero else "no"
        lines.append(
            f"| {each.setting} | {each.arm} - {each.baseline} | {each.num_pairs} | {interval_text(each.difference)} | "
            f"{bootstrap} | {verdict} |"
        )
    return "\n".join(lines)


def comparison_reading(comparisons: Sequence[PairedComparison], *, score: str, unit: str = "") -> str:
    """Say in words which differences have intervals that exclude zero.

    Args:
        comparisons: The differences.
        score: What they are differences of; less is better.
        unit: What follows a comparison's setting, such as "pictures".
    """
    if not comparisons:
        return "Nothing is compared: that takes trials of the baseline and of another arm with the same seed."
    tested = [each for each in comparisons if each.difference["low"] is not None]
    clear = [each for each in tested if each.excludes_zero]
    if not tested:
        return "No difference has an interval: that takes at least two seeds."
    chance = f"by chance alone about {0.05 * len(tested):.1f} would"
    if not clear:
        return f"None of the {len(tested)} intervals of a difference in {score} excludes zero ({chance})."
    told = "; ".join(
        f"{each.arm} is {'worse' if each.difference['mean'] > 0 else 'better'} than {each.baseline}"
        f"{f' at {each.setting} {unit}'.rstrip() if each.setting != '' else ''} ({interval_text(each.difference)})"
        for each in clear
    )
    return f"{len(clear)} of the {len(tested)} intervals of a difference in {score} exclude zero ({chance}): {told}."
