"""Searches for the best of a few classical twins on validation data."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

import torch
from torch import Tensor

from qiskit_qgen._random import torch_generator
from qiskit_qgen._settings import Settings
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.metrics import maximum_mean_discrepancy
from qiskit_qgen.models.base import AbstractGenerativeModel, count
from qiskit_qgen.studies.challengers.operations import exchanged_parts
from qiskit_qgen.studies.challengers.settings import TwinSettings
from qiskit_qgen.studies.tables import markdown_table

_RATES = ("generator_learning_rate", "learning_rate")
_SPLIT_STREAM, _CHOICE_STREAM = 0, 1


@dataclass(frozen=True)
class Candidate:
    """One training of a search."""

    width: int
    depth: int
    learning_rate: float
    """Factor for the training's learning rate."""
    num_weights: int
    """Trainable weights of the circuits' replacements."""
    score: float
    """Score on the validation split; lower is better."""
    seconds: float


@dataclass(frozen=True)
class TwinSearch:
    """The candidates in order of the search, and its result."""

    candidates: tuple[Candidate, ...]
    training: Settings
    """How the best candidate was trained."""
    num_training: int
    """Number of training samples."""
    num_validation: int
    """Number of validation samples."""
    num_combinations: int
    """Number of combinations of widths, depths and learning rates from which the candidates were drawn."""

    @property
    def best(self) -> Candidate:
        """The candidate with the lowest score."""
        return min(self.candidates, key=lambda each: each.score)

    @property
    def budget(self) -> str:
        """The cost of the search, in one sentence."""
        options: Any = self.training
        return (
            f"Best of {len(self.candidates)} trainings, drawn from {self.num_combinations} combinations, of "
            f"{options.steps:,} steps of {options.batch_size} on {self.num_training:,} samples, scored on "
            f"{self.num_validation:,} others; {sum(each.seconds for each in self.candidates):.0f} s."
        )

    def table(self) -> str:
        """Return the candidates as a Markdown table, best first."""
        titles = ("width", "depth", "learning rate", "weights", "score")
        rows = [
            (each.width, each.depth, f"{each.learning_rate:g} x", f"{each.num_weights:,}", f"{each.score:.4g}")
            for each in sorted(self.candidates, key=lambda each: each.score)
        ]
        return f"{markdown_table(titles, rows)}\n\n{self.budget}"

    def to_dict(self) -> dict[str, Any]:
        """Return everything in a form that JSON can store."""
        kept = ("num_training", "num_validation", "num_combinations", "budget")
        return {
            "candidates": [asdict(each) for each in self.candidates],
            "training": self.training.to_dict(),
            **{name: getattr(self, name) for name in kept},
        }


def search_twin(
    build: Callable[[int, int], AbstractGenerativeModel],
    model: AbstractGenerativeModel,
    parts: Sequence[str],
    data: Any,
    training: Settings | None,
    score: Callable[[Tensor, Tensor], float] | None,
    settings: TwinSettings,
) -> TwinSearch:
    """Train and score candidates.

    Args:
        build: Returns an untrained candidate of the given width and depth.
        model: The model for which to search a twin.
        parts: Names of its quantum parts.
        data: Training data of the model.
        training: How candidates are trained, apart from the search's settings; None uses the defaults.
        score: Scores generated samples against validation samples, lower is better; None for the default score.
        settings: The search space and the budget.

    Raises:
        ArgumentError: If the data cannot be split as requested, or a score is not a finite number.
        ArgumentTypeError: If ``score`` is not a function.
    """
    if score is not None and not callable(score):
        raise ArgumentTypeError(
            "Argument `score` must be a function of generated and of validation samples, or None, but is of type "
            f"{type(score).__name__}."
        )
    samples = model._check_data(data, name="data")
    order = torch.randperm(len(samples), generator=torch_generator(settings.seed, _SPLIT_STREAM))
    num_validation = round(settings.validation * len(samples))
    if min(num_validation, len(samples) - num_validation) < 2:
        raise ArgumentError(
            f"Argument `validation` must leave at least 2 of the {len(samples)} samples on each side, but is "
            f"{settings.validation}."
        )
    validation, rest = samples[order[:num_validation]], samples[order[num_validation:]]
    usual = model.training_class() if training is None else training
    rate = next(name for name in _RATES if hasattr(usual, name))
    usual = replace(usual, steps=settings.steps, batch_size=settings.batch_size)
    combinations = _combinations(build, settings)
    chosen = torch.randperm(len(combinations), generator=torch_generator(settings.seed, _CHOICE_STREAM))
    found, trainings = [], []
    for number in chosen[: settings.num_trials].tolist():
        width, depth, factor = combinations[number]
        start, candidate = time.perf_counter(), build(width, depth)
        own = replace(usual, **{rate: factor * getattr(usual, rate)})
        candidate.fit(rest, training=own, seed=settings.seed, callbacks=[])
        made = candidate.sample(settings.num_samples, seed=settings.seed)
        value = _checked_score((score or _discrepancy)(made, validation))
        seconds = time.perf_counter() - start
        num_weights = sum(count(exchanged_parts(candidate)[part]) for part in parts)
        found.append(Candidate(width, depth, factor, num_weights, value, seconds))
        trainings.append(own)
    best = min(range(len(found)), key=lambda each: found[each].score)
    return TwinSearch(tuple(found), trainings[best], len(rest), len(validation), len(combinations))


def _combinations(
    build: Callable[[int, int], AbstractGenerativeModel], settings: TwinSettings
) -> list[tuple[int, int, float]]:
    """Return all distinct combinations; a twin with one hidden layer has only one depth."""
    width = settings.widths[0]
    shallow = len({str(build(width, depth).config) for depth in settings.depths}) == 1
    depths = settings.depths[:1] if shallow else settings.depths
    return list(product(settings.widths, depths, settings.learning_rates))


def _checked_score(value: Any) -> float:
    """Return the value of a score; lower is better.

    Raises:
        ArgumentError: If it is not a finite number.
    """
    try:
        number = float(value)
    except (TypeError, ValueError, RuntimeError):
        number = math.nan
    if not math.isfinite(number):
        raise ArgumentError(f"Argument `score` must be a function that returns a finite number, but it gave {value!r}.")
    return number


def _discrepancy(made: Tensor, validation: Tensor) -> float:
    """The kernel two-sample distance between images' pixels, or between a table's standardised columns."""
    rows, others = made.flatten(1).cpu(), validation.flatten(1).cpu()
    if validation.dim() == 2:
        mean, spread = others.mean(0), others.std(0).clamp(min=torch.finfo(others.dtype).tiny)
        rows, others = (rows - mean) / spread, (others - mean) / spread
    return float(maximum_mean_discrepancy(rows, others))
