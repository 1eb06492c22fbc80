"""Arms of a study compared with each other, seed by seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from qiskit_qgen.studies.intervals import Interval, bootstrap_interval, interval_text, mean_interval
from qiskit_qgen.studies.tables import markdown_table

_CHANCE = 0.05  # of an interval of 95 % to exclude zero where there is no difference


@dataclass(frozen=True, kw_only=True)
class PairedComparison:
    """The mean of ``arm - baseline`` over the seeds that both have."""

    size: int
    """Number of training images of both."""
    step: int
    """Step of the training at which both were scored."""
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
    scores: Mapping[str, Mapping[int, float]], pairs: Iterable[tuple[str, str]], *, size: int, step: int
) -> list[PairedComparison]:
    """Compare arms in pairs over the seeds that both of a pair have; a pair without a common seed is left out.

    ``scores`` holds the score by seed, by arm; of each pair the second is the baseline.
    """
    found = []
    for arm, baseline in pairs:
        differences = [
            score - scores[baseline][seed] for seed, score in scores[arm].items() if seed in scores[baseline]
        ]
        if not differences:
            continue
        found.append(
            PairedComparison(
                size=size,
                step=step,
                arm=arm,
                baseline=baseline,
                num_pairs=len(differences),
                difference=mean_interval(differences),
                bootstrap=bootstrap_interval(differences),
            )
        )
    return found


def comparison_table(comparisons: Sequence[PairedComparison]) -> str:
    """Return the comparisons as a Markdown table, and how many exclude zero beside how many would by chance."""
    titles = ("images", "step", "difference", "pairs", "mean [95 %, Student's t]", "[95 %, bootstrap]", "excludes zero")
    rows = [
        (
            each.size,
            each.step,
            f"{each.arm} - {each.baseline}",
            each.num_pairs,
            interval_text(each.difference),
            interval_text(each.bootstrap).partition(" ")[2] or "-",
            "yes" if each.excludes_zero else "no",
        )
        for each in comparisons
    ]
    tested = sum(each.difference["low"] is not None for each in comparisons)
    clear = sum(each.excludes_zero for each in comparisons)
    verdict = f"{clear} of {tested} intervals exclude zero; by chance alone about {_CHANCE * tested:.1f} would."
    return f"{markdown_table(titles, rows)}\n\n{verdict}"
