"""Jobs that survive: recorded before they are waited for, found again, and submitted again only if they failed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qiskit_qgen.exceptions import ExecutionError
from qiskit_qgen.execution.runtime.connection import Connection
from qiskit_qgen.execution.runtime.failures import RetryPolicy, refusal
from qiskit_qgen.execution.runtime.ledger import Ledger

Arrays = dict[str, np.ndarray]
_FINAL = ("DONE", "ERROR", "CANCELLED")
_READINGS = 3  # how often a result that cannot be read is fetched


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """One job to run.

    Args:
        digest: A digest of all that its result depends on.
        submit: Submits it with the given tags and returns Runtime's job.
        encode: Makes arrays of the job's result.
        facts: What else the ledger says of it.
    """

    digest: str
    submit: Callable[[list[str], bool], Any]
    encode: Callable[[Any], Arrays]
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True)
class _Pending:
    request: JobRequest
    tag: str = ""
    job: Any = None
    arrays: Arrays | None = None


class JobRunner:
    """Runs jobs on one connection, with a ledger.

    Args:
        connection: The device and its mode.
        ledger: Where jobs are recorded; None for nowhere.
        policy: How often and how long the service is asked again.
    """

    def __init__(self, connection: Connection, ledger: Ledger | None, policy: RetryPolicy) -> None:
        self._connection = connection
        self._ledger = ledger
        self._policy = policy

    def start(self, requests: Sequence[JobRequest], approve: Callable[[Sequence[int]], None]) -> list[_Pending]:
        """Find each request's result or job, or submit it; return what is to be collected.

        Args:
            requests: The requests.
            approve: Called with the numbers of those of which neither is found, before any is submitted; what it raises
                ends the call.
        """
        pending: list[_Pending | None] = []
        try:
            for request in requests:
                with self._locked():
                    pending.append(self._found(request))
            approve([number for number, each in enumerate(pending) if each is None])
            started = []
            for request, known in zip(requests, pending, strict=True):
                with self._locked():
                    started.append(known or self._found(request) or self._submitted(request, several=len(requests) > 1))
        except BaseException:
            self._connection.end_of_pass()
            raise
        return started

    def collect(self, pending: Sequence[_Pending]) -> list[Arrays]:
        """Wait for all jobs and return their results; all that finish are kept before an error is raised.

        Raises:
            ExecutionError: If a job failed for good or the service cannot be reached.
        """
        errors: list[ExecutionError] = []
        try:
            for each in pending:
                try:
                    each.arrays = self._result(each)
                except ExecutionError as error:
                    errors.append(error)
        finally:
            self._connection.end_of_pass()
        if errors:
            kept = sum(each.arrays is not None for each in pending)
            where = "" if self._ledger is None else f" and kept in {self._ledger.folder}"
            raise ExecutionError(
                f"{errors[0]} Of {len(pending)} jobs, {kept} finished{where}; the same call asks for the rest only."
            ) from errors[0]
        return [each.arrays for each in pending if each.arrays is not None]

    def _locked(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if self._ledger is None else self._ledger.lock()

    def _found(self, request: JobRequest) -> _Pending | None:
        """Return what the ledger knows of a request: its result, or its job on the service."""
        if self._ledger is None:
            return None
        entry = self._ledger.entry(request.digest)
        if entry is None or entry.status == "failed":
            return None
        if entry.status == "finished":
            arrays = self._ledger.results(entry)
            if arrays is not None:
                return _Pending(request=request, tag=entry.tag, arrays=arrays)
        job = self._job_on_service(entry.tag, entry.job_id)
        if job is None:
            self._ledger.failed(request.digest, entry.tag, "the service knows no such job")
            return None
        if entry.job_id is None:
            self._ledger.submitted(request.digest, entry.tag, job.job_id())
        return _Pending(request=request, tag=entry.tag, job=job)

    def _job_on_service(self, tag: str, job_id: str | None) -> Any:
        """Return the job of this number or, if its number is not known here or there, of this tag; None for none."""
        if self._connection.local:
            return None
        from qiskit_ibm_runtime.exceptions import RuntimeJobNotFound

        service = self._connection.service
        if job_id is not None:
            with contextlib.suppress(RuntimeJobNotFound):
                return self._asked(service.job, job_id)
        name = self._connection.backend.name
        found = self._asked(service.jobs, job_tags=[tag], limit=1, backend_name=name, descending=False)
        return found[0] if found else None

    def _asked(self, ask: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Return what the service answers, asked patiently.

        Raises:
            ExecutionError: If it refuses to answer.
            RuntimeJobNotFound: If it knows no such job.
        """
        from qiskit_ibm_runtime.exceptions import RuntimeJobNotFound

        try:
            return self._policy.patiently(ask, *arguments, **options)
        except (ExecutionError, RuntimeJobNotFound):
            raise
        except Exception as error:
            reason = refusal(error)
            if reason is None:
                raise
            raise ExecutionError(
                f"{reason} Jobs that were submitted go on by themselves: the same call finds them again."
            ) from error

    def _submitted(self, request: JobRequest, *, several: bool) -> _Pending:
        """Submit a request, recorded before and after."""
        if self._ledger is None:
            return _Pending(request=request, job=self._post(request, "", several=several))
        tag = self._ledger.intend(request.digest, backend=self._connection.backend.name, **request.facts)
        job = self._post(request, tag, several=several)  # after an error the job may be there: its tag stays intended
        self._ledger.submitted(request.digest, tag, job.job_id())
        return _Pending(request=request, tag=tag, job=job)

    def _post(self, request: JobRequest, tag: str, *, several: bool) -> Any:
        """Return the job, which a submission whose answer was lost may already have made."""
        from qiskit.providers.exceptions import QiskitBackendNotFoundError
        from qiskit_ibm_runtime.api.exceptions import RequestsApiError
        from qiskit_ibm_runtime.exceptions import IBMError

        sent = False

        def attempt() -> Any:
            nonlocal sent
            if sent and tag:
                job = self._job_on_service(tag, None)
                if job is not None:
                    return job
            sent = True
            self._connection.repeat_no_post()
            return request.submit([tag] if tag else [], several)

        reopened = 0
        while True:
            try:
                try:
                    return self._policy.patiently(attempt)
                except QiskitBackendNotFoundError:
                    self._asked(self._connection.service.usage)  # the client hides why: a refused key?
                    raise
            except QiskitBackendNotFoundError as error:
                raise ExecutionError(
                    f"The service no longer offers the device {self._connection.backend.name}."
                ) from error
            except (IBMError, RequestsApiError) as error:
                if reopened < self._policy.max_retries and self._asked(self._connection.reopen_if_closed):
                    sent, reopened = False, reopened + 1
                    continue
                raise ExecutionError(refusal(error)) from error

    def _result(self, pending: _Pending) -> Arrays:
        """Return a job's arrays, submitting it again if it failed, and keep them."""
        if pending.arrays is not None:
            return pending.arrays
        for attempt in range(self._policy.max_retries + 1):
            reason, again = self._outcome(pending)
            if not reason:
                break
            if not again or attempt == self._policy.max_retries:
                if self._ledger is not None:
                    self._ledger.failed(pending.request.digest, pending.tag, reason)
                tries = f" after {attempt + 1} attempts" if attempt else ""
                raise ExecutionError(f"Job {pending.job.job_id()} failed{tries}: {reason.rstrip('.')}.")
            with self._locked():
                renewed = self._renewed(pending, reason)
            pending.tag, pending.job = renewed.tag, renewed.job
            if renewed.arrays is not None:
                return renewed.arrays
        arrays = self._read(pending)
        if self._ledger is not None:
            self._ledger.finish(pending.request.digest, pending.tag, arrays, job_id=pending.job.job_id())
        return arrays

    def _renewed(self, pending: _Pending, reason: str) -> _Pending:
        """Return the job that takes the place of one that failed: another's who waited for it too, or a new one."""
        if self._ledger is not None:
            entry = self._ledger.entry(pending.request.digest)
            if entry is not None and entry.tag != pending.tag:
                found = self._found(pending.request)
                if found is not None:
                    return found
            self._ledger.failed(pending.request.digest, pending.tag, reason)
        return self._submitted(pending.request, several=False)

    def _outcome(self, pending: _Pending) -> tuple[str, bool]:
        """Wait for the end of a job; return why it failed, or "", and whether it may be asked again."""
        if self._connection.local:
            return "", False
        job, delay = pending.job, self._policy.first_delay
        while (status := self._asked(job.status)) not in _FINAL:
            time.sleep(delay)
            delay = self._policy.next_delay(delay)
        if status == "DONE":
            return "", False
        reason = str(job._reason or job._error_message or status.lower())
        if status == "ERROR":
            return reason, job._reason_code != 1305  # 1305: it ran longer than it may
        closed = self._asked(self._connection.reopen_if_closed)
        return f"it was cancelled ({reason})" if reason != "cancelled" else "it was cancelled", closed

    def _read(self, pending: _Pending) -> Arrays:
        """Return the arrays of a finished job; a result that arrives damaged is fetched again."""
        if self._connection.local:
            return pending.request.encode(pending.job.result())
        problem: Exception | None = None
        for _ in range(_READINGS):
            try:
                return pending.request.encode(self._asked(pending.job.result))
            except ExecutionError:
                raise
            except Exception as error:  # damaged text fails anywhere in the client's decoders
                problem = error
        raise ExecutionError(
            f"The result of job {pending.job.job_id()} cannot be read ({type(problem).__name__}: {problem}). The job "
            "stays in the ledger: the same call fetches its result again."
        ) from problem
