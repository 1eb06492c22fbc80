"""What a job costs on the server's imaginary quantum processor."""

from __future__ import annotations

from datetime import UTC, datetime

SECONDS_PER_JOB = 1.0
"""Charged for every job that ran."""

SECONDS_PER_EXECUTION = 250e-6
"""Charged for every shot of every circuit: the repetition delay of today's devices."""

MAX_EXECUTION_SECONDS = 3 * 3600
"""No job may take longer."""

MAX_EXECUTIONS = 10_000_000
"""Shots times circuits that one job of the older sampler may have."""


def qpu_seconds(executions: int) -> float:
    """Return the quantum seconds that a job of so many executions (circuits times shots) is charged."""
    return round(SECONDS_PER_JOB + executions * SECONDS_PER_EXECUTION, 6)


def now() -> str:
    """Return the time as the API writes it."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """Read a time as the API writes it; without a zone it is UTC."""
    time = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def seconds_between(start: str | None, stop: str | None) -> float:
    """Return the seconds from `start` to `stop` (None: now); 0 where nothing has started."""
    if start is None:
        return 0.0
    return (parse_time(stop or now()) - parse_time(start)).total_seconds()
