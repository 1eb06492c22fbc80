"""The job that this package's Runtime primitives return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from qiskit.primitives import BasePrimitiveJob, PrimitiveResult, PubResult

_FINAL = ("DONE", "ERROR", "CANCELLED")


class CollectedJob(BasePrimitiveJob[PrimitiveResult[PubResult], str]):
    """One or several jobs of Runtime, with one result.

    Args:
        collect: Waits for the jobs and returns their result.
        jobs: Runtime's jobs; None for those whose results were known already.
    """

    def __init__(self, collect: Callable[[], PrimitiveResult[PubResult]], jobs: Sequence[Any]) -> None:
        self._jobs = [job for job in jobs if job is not None]
        super().__init__(",".join(str(job.job_id()) for job in self._jobs) or "ledger")
        self._collect = collect
        self._result: PrimitiveResult[PubResult] | None = None

    @property
    def jobs(self) -> list[Any]:
        """Runtime's jobs that were submitted or found; none for results read from the ledger."""
        return list(self._jobs)

    def result(self) -> PrimitiveResult[PubResult]:
        """Wait for the jobs and return their result.

        Raises:
            ExecutionError: If a job failed for good or the service cannot be reached; what finished is kept.
        """
        if self._result is None:
            self._result = self._collect()
        return self._result

    def status(self) -> str:
        """Return "DONE" if all is there, else the state of the first job that is not."""
        states = [getattr(state := job.status(), "name", str(state)) for job in self._jobs]
        return next((state for state in states if state != "DONE"), "DONE")

    def done(self) -> bool:
        """Return whether all jobs ran successfully."""
        return self.status() == "DONE"

    def running(self) -> bool:
        """Return whether a job is running."""
        return self.status() == "RUNNING"

    def cancelled(self) -> bool:
        """Return whether a job was cancelled."""
        return self.status() == "CANCELLED"

    def in_final_state(self) -> bool:
        """Return whether no job will change any more."""
        return self.status() in _FINAL

    def cancel(self) -> None:
        """Cancel the jobs."""
        for job in self._jobs:
            job.cancel()
