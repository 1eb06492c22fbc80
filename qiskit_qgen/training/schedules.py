"""Learning-rate schedules: pure functions of the step, without state to save."""

from __future__ import annotations

import math
from typing import Literal

from qiskit_qgen._checks import check_choice, check_float

Schedule = Literal["constant", "linear", "cosine"]
SCHEDULES: tuple[Schedule, ...] = ("constant", "linear", "cosine")


def learning_rate_factor(schedule: Schedule, step: int, num_steps: int, *, warmup: float = 0.0) -> float:
    """Return the factor on the learning rate at ``step`` of ``num_steps``.

    With ``t = step / num_steps``: "constant" is 1, "linear" is ``1 - t``, "cosine" is ``(1 + cos(pi t)) / 2``; the last
    two would reach 0 one step after the last. Over the first fraction ``warmup`` of the steps, the factor rises in
    proportion to ``step + 1``, so that the first step has an effect.

    Args:
        schedule: "constant", "linear" or "cosine".
        step: Number of completed steps, from 0 to ``num_steps``.
        num_steps: Length of the schedule in steps.
        warmup: Fraction of the steps over which the factor rises, in [0, 1).

    Returns:
        A number in [0, 1].

    Raises:
        ArgumentError: If ``schedule`` is not one of these or ``warmup`` is out of range.
    """
    check_choice("schedule", schedule, SCHEDULES)
    check_float("warmup", warmup, minimum=0, maximum=1, open_maximum=True)
    progress = step / max(num_steps, 1)
    rise = min(1.0, (step + 1) / max(warmup * num_steps, 1.0))
    if schedule == "constant":
        return rise
    if schedule == "linear":
        return rise * (1.0 - progress)
    return rise * 0.5 * (1.0 + math.cos(math.pi * progress))
