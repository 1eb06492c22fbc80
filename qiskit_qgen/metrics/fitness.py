"""Which scores may be concluded from: those by which trained models stand before every trivial baseline."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics.baselines import BASELINES

HIGHER_IS_BETTER = ("precision", "recall", "density", "coverage", "inception_score")
"""The scores of which more is better; of all others less is."""


class Estimate(NamedTuple):
    """A score and its interval of 95 %; both bounds are the value itself where no interval is known."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, given: float | Mapping[str, Any] | Sequence[float]) -> Estimate:
        """Make an estimate of a number, of a mapping of `mean`, `low` and `high`, or of (value, low, high)."""
        if isinstance(given, Mapping):
            parts: Sequence[Any] = (given["mean"], given["low"], given["high"])
        else:
            parts = given if isinstance(given, Sequence) else (given, None, None)
        if len(parts) != 3:
            raise ArgumentError(f"An estimate must be a number or (value, low, high), but is {given!r}.")
        value, low, high = (math.nan if part is None else float(part) for part in parts)
        return cls(value, value if math.isnan(low) else low, value if math.isnan(high) else high)


@dataclass(frozen=True)
class Verdict:
    """What a score is fit for, given what baselines reach by it.

    Attributes:
        score: The score's name.
        beaten_by: The baselines of kind "trivial" or "fitted" that are at least as good as the trained models.
        can_rank: Whether trained models may be compared with each other by it: no trivial baseline is as good.
        reaches_bound: Whether the models are as good as the training data repeated; None if that was not scored. Then
            the score alone cannot say whether they generalise or repeat: read it beside the scores of memorisation.
        sentence: All of this in words; empty if the score is fit for any conclusion.
    """

    score: str
    beaten_by: tuple[str, ...]
    can_rank: bool
    reaches_bound: bool | None
    sentence: str

    @property
    def is_unfit(self) -> bool:
        """Whether a baseline that takes no training of a generator is as good as the trained models, or better."""
        return bool(self.beaten_by)


def judge_score(
    score: str,
    trained: Mapping[str, Any],
    baselines: Mapping[str, Any],
    *,
    higher_is_better: bool | None = None,
) -> Verdict:
    """Say what may be concluded from a score, by the rule below.

    A baseline is *at least as good* as the trained models unless the best of these is better by more than the half
    width of the difference's interval, ``sqrt(h_model^2 + h_baseline^2)``, where h is half of each interval of 95 %
    (0 where none is known). With this,

    1. a score by which a trivial baseline (of :data:`~qiskit_qgen.metrics.BASELINES` the untrained model, N(0, I),
       shuffled columns, the fitted Gaussian) is at least as good is unfit for any conclusion: it does not tell a
       trained model from one that has learnt nothing;
    2. one by which only the fitted mixture is at least as good is unfit for a conclusion in the models' favour; they
       may be ranked by it;
    3. the training data repeated are not a rival but a bound, since they win by any distance between distributions:
       they make no score unfit, and a model that reaches them is to be judged by the scores of memorisation.

    Args:
        score: The score's name.
        trained: Estimates of the trained models by name, of which the best counts: numbers, (value, low, high) or
            mappings of `mean`, `low`, `high`.
        baselines: Estimates of baselines by their names in :data:`~qiskit_qgen.metrics.BASELINES`.
        higher_is_better: Whether more is better; None knows it of this package's scores by name.

    Raises:
        ArgumentError: If ``trained`` is empty, a baseline is unknown or an estimate has another form.
    """
    if not trained:
        raise ArgumentError("Argument `trained` must hold at least one estimate, but is empty.")
    for name in baselines:
        if name not in BASELINES:
            raise ArgumentError(f"Argument `baselines` must name some of {', '.join(BASELINES)}, but names {name!r}.")
    more = score.startswith(HIGHER_IS_BETTER) if higher_is_better is None else higher_is_better
    sign = -1.0 if more else 1.0
    models = {name: Estimate.of(given) for name, given in trained.items()}
    best = min(models.values(), key=lambda each: sign * each.value)
    rivals = {name: Estimate.of(given) for name, given in baselines.items()}
    as_good = [name for name in BASELINES if name in rivals and not _is_better(best, rivals[name], sign)]
    beaten_by = tuple(name for name in as_good if BASELINES[name].kind != "bound")
    trivial = [name for name in beaten_by if BASELINES[name].kind == "trivial"]
    reaches = None
    if "training" in rivals:
        reaches = not _is_better(rivals["training"], best, sign)
    sentence = _sentence(score, best, rivals, trivial, beaten_by, reaches, "models" if len(models) > 1 else "model")
    return Verdict(score, beaten_by, not trivial, reaches, sentence)


def _is_better(first: Estimate, second: Estimate, sign: float) -> bool:
    half = math.hypot(first.high - first.low, second.high - second.low) / 2
    return sign * (second.value - first.value) > half


def _sentence(
    score: str,
    best: Estimate,
    rivals: Mapping[str, Estimate],
    trivial: Sequence[str],
    beaten_by: Sequence[str],
    reaches: bool | None,
    noun: str,
) -> str:
    name = score.replace("_", " ")
    trained = f"the trained {noun} {best.value:.4g}" if noun == "model" else f"the best trained model {best.value:.4g}"
    listed = ", ".join(f"{BASELINES[each].title} {rivals[each].value:.4g}" for each in (trivial or beaten_by))
    if trivial:
        return (
            f"Unfit: by {name}, {trained} is not shown to be better than {listed}; the score does not tell a trained "
            "model from one that has learnt nothing, and nothing is concluded from it."
        )
    if beaten_by:
        return (
            f"Unfit to speak for the {noun}: by {name}, {trained} is not shown to be better than {listed}, which takes "
            "no training of a generator; it may rank trained models among each other."
        )
    if reaches:
        return (
            f"By {name}, {trained} is as good as the training data repeated ({rivals['training'].value:.4g}): whether "
            "it generalises or repeats is to be read from the scores of memorisation."
        )
    return ""
