"""The conclusions of a study of arms: fit scores, independent extractors, and what the design can show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from qiskit_qgen.metrics.baselines import BASELINES
from qiskit_qgen.metrics.fitness import Verdict, judge_score
from qiskit_qgen.studies.arms.paired import PairedComparison
from qiskit_qgen.studies.arms.power import seeds_table
from qiskit_qgen.studies.arms.scores import REPEATED, SCORES


def judge(arms: Mapping[str, Mapping[str, Any]], baselines: Mapping[str, Mapping[str, Any]]) -> dict[str, Verdict]:
    """Return what each of the scores is fit for, given intervals by arm or baseline and score."""
    return {
        score: judge_score(
            score,
            {arm: found[score] for arm, found in arms.items()},
            {name: found[score] for name, found in baselines.items()},
        )
        for score in SCORES
    }


def independent(extractors: Sequence[str], backbone: str | None) -> list[str]:
    """Return the extractors that do not use the network on which a discriminator is built."""
    return [name for name in extractors if backbone is None or not name.startswith(backbone)]


def backbone_sentence(extractors: Sequence[str], backbone: str | None) -> str:
    """Return which extractors use the network on which a discriminator is built; "" if none does."""
    rest = independent(extractors, backbone)
    shared = [name for name in extractors if name not in rest]
    if not shared:
        return ""
    remedy = f"what is concluded has to hold by {', '.join(rest)}" if rest else "so nothing is concluded from it"
    return (
        f"**{', '.join(shared)}** is the frozen network of the discriminators, too: generators were trained to look "
        f"right to it; {remedy}."
    )


def concluded_sentence(comparisons: Sequence[tuple[PairedComparison, bool]], judges: Sequence[str]) -> str:
    """Return which comparisons all of the extractors ``judges`` show with the same sign.

    Args:
        comparisons: Each comparison, with whether its score is fit.
        judges: The extractors that are independent of the models.
    """
    if not judges:
        return "**Nothing is concluded**: no extractor is independent of the discriminators."
    found = []
    for pair in dict.fromkeys((each.arm, each.baseline) for each, _ in comparisons):
        own = [
            (each.extractor, is_fit and each.is_clear, each.difference["mean"] < 0)
            for each, is_fit in comparisons
            if (each.arm, each.baseline) == pair and each.extractor in judges
        ]
        if {name for name, clear, _ in own if clear} == set(judges) and len({below for *_, below in own}) == 1:
            found.append(f"{pair[0]} {'below' if own[0][2] else 'above'} {pair[1]}")
    return f"**Concluded**, by each of {', '.join(judges)}: {'; '.join(found) or 'nothing'}."


def copies_sentence(comparisons: Sequence[PairedComparison]) -> str:
    """Return whether an arm comes closer to held-out images than its repeated training images do.

    Args:
        comparisons: Comparisons of arms with the repeated training images, tested together.
    """
    won = [each for each in comparisons if each.is_clear and each.difference["mean"] < 0]
    extractors = list(dict.fromkeys(each.extractor for each in comparisons))
    sentences = []
    for extractor in extractors:
        own = [f"{each.arm} at {each.size}" for each in won if each.extractor == extractor]
        if own:
            sentences.append(f"By {extractor}, these beat repeating their training images: {', '.join(own)}.")
        else:
            sentences.append(
                f"By {extractor}, no arm is shown to beat repeating its training images at any size: by it the study "
                "cannot test whether an arm generalises from few images, and ranks arms alone."
            )
    return " ".join(sentences)


def power_sentence(comparisons: Sequence[PairedComparison]) -> str:
    """Return what the design can show with the spread measured over all sizes, and what more seeds could show."""
    measured = [each for each in comparisons if each.deviation]
    if not measured:
        return ""
    first = measured[0].extractor
    own = [each for each in measured if each.extractor == first]
    spread = math.sqrt(math.fsum(each.deviation**2 for each in own if each.deviation) / len(own))
    known = seeds_table(spread, own[0].num_tests)
    listed = ", ".join(f"{number} seeds {math.exp(min(value, 99)):.3g}" for number, value in known.items())
    return (
        f"*Power.* Log ratios of paired scores spread by {spread:.2g} (root mean square, {first}). With that spread "
        f"and {own[0].num_tests} tests by Holm's method, a study shows with a chance of 80 % a ratio of {listed}, or "
        "its inverse (4,000 simulated studies each). A smaller difference that is not shown says nothing."
    )


def title(baseline: str) -> str:
    """Return a baseline's name for tables."""
    return "its images, repeated" if baseline == REPEATED else BASELINES[baseline].title
