"""Job, batch and session mode: what a job is submitted to, opened when needed and closed on every way out."""

from __future__ import annotations

import logging
import warnings
from typing import Any

from qiskit.providers import BackendV2

from qiskit_qgen.exceptions import ArgumentError, ExecutionError
from qiskit_qgen.execution.runtime.backends import is_local
from qiskit_qgen.execution.runtime.failures import is_transient
from qiskit_qgen.execution.runtime.ledger import Ledger
from qiskit_qgen.execution.runtime.sessions import SessionRecord

_LOGGER = logging.getLogger(__name__)


class Connection:
    """A device and the mode its jobs run in.

    Args:
        backend: The device. A local one has no modes: its jobs run at once.
        mode: "job", "batch" or "session". Accounts of the open plan have no sessions: a warning is given and a batch
        used. ledger: Where batches and sessions are recorded, so that those of a process that was killed are closed by
            the next one; None for nowhere.
    """

    def __init__(self, backend: BackendV2, mode: str, ledger: Ledger | None = None) -> None:
        self.backend = backend
        self.local = is_local(backend)
        self.mode = mode
        self._entered = False
        self._open: Any = None
        self._record = SessionRecord(None if self.local else ledger)

    @property
    def service(self) -> Any:
        """The service of the device."""
        return self.backend.service

    def enter(self) -> None:
        """Begin a block in which all jobs share one batch or session."""
        if self._entered:
            raise ArgumentError("This execution must be entered once, but its `with` block is already open.")
        self._close_left_open()
        self._entered = True

    def exit(self) -> None:
        """End the block: close what was opened."""
        self._entered = False
        self.close()

    def target(self, backend: BackendV2, *, several: bool) -> Any:
        """Return what a primitive takes as its mode: the device, or the batch or session that is open on it.

        Args:
            backend: The device, or the part of a local one that is simulated.
            several: Whether more jobs follow; outside a ``with`` block a single job needs no batch.
        """
        if self.local:
            return backend
        if self.mode == "session" and not self._entered:
            raise ArgumentError(
                'Argument `mode` must be "job" or "batch" outside a `with` block: a session is billed while it is '
                "open, so write `with RuntimeExecution(...) as execution:`."
            )
        if self.mode == "job" or not (self._entered or several):
            return self.backend
        if self._open is None:
            self._close_left_open()
            self._open = self._opened()
            mode = "session" if self.mode == "session" else "batch"
            self._record.opened(self._open.session_id, backend=self.backend.name, mode=mode)
        return self._open

    def repeat_no_post(self) -> None:
        """Keep the client from repeating submissions itself: one that ends in a gateway error may have made a job."""
        if self.local:
            return
        from requests.adapters import HTTPAdapter

        service = self.service
        for client in (service._active_api_client, *service._api_clients.values()):
            session = client._session
            jobs = f"{session.base_url}/jobs"
            if jobs not in session.adapters:
                retries = session.get_adapter(jobs).max_retries
                session.mount(jobs, HTTPAdapter(max_retries=retries.new(status_forcelist=())))

    def reopen_if_closed(self) -> bool:
        """Forget the batch or session if the service has closed it, so that the next job opens another."""
        if self._open is None:
            return False
        details = self._open.details()
        if details is not None and details["accepting_jobs"] and details["state"] != "closed":
            return False
        self._record.closed(self._open.session_id)
        self._open = None
        return True

    def end_of_pass(self) -> None:
        """Close the batch that was opened for one call outside a ``with`` block."""
        if not self._entered:
            self.close()

    def close(self) -> None:
        """Close the batch or session; one that the service cannot be told of stays in the ledger as open."""
        opened, self._open = self._open, None
        if opened is not None:
            from qiskit_ibm_runtime.exceptions import IBMError

            try:
                opened.close()
            except (IBMError, OSError) as error:
                _LOGGER.warning("The %s %s could not be closed: %s", self.mode, opened.session_id, error)
                self._record.given_up(opened.session_id)
            else:
                self._record.closed(opened.session_id)

    def _close_left_open(self) -> None:
        """Close what processes with this ledger opened on this device and, killed, never closed."""
        from qiskit_ibm_runtime import Batch, Session
        from qiskit_ibm_runtime.exceptions import IBMError

        for session_id, mode in self._record.left_open(self.backend.name):
            try:
                (Session if mode == "session" else Batch).from_id(session_id, self.service).close()
            except (IBMError, OSError) as error:
                _LOGGER.warning("The %s %s was left open, and could not be closed: %s", mode, session_id, error)
                if is_transient(error):
                    continue
            else:
                _LOGGER.warning("The %s %s was left open by a process that ended: it is closed now.", mode, session_id)
            self._record.closed(session_id)

    def _opened(self) -> Any:
        from qiskit_ibm_runtime import Batch, Session
        from qiskit_ibm_runtime.exceptions import IBMError

        if self.mode == "session" and self._plan() == "open":
            self._use_batch()
        try:
            return (Session if self.mode == "session" else Batch)(backend=self.backend)
        except IBMError as error:
            if self.mode == "session" and "open plan" in str(error).lower():
                self._use_batch()
                return Batch(backend=self.backend)
            if is_transient(error):
                raise
            raise ExecutionError(f"The service opens no {self.mode} on {self.backend.name}: {error}") from error

    def _use_batch(self) -> None:
        warnings.warn(
            "This account's plan is the open one, which has no sessions: a batch is used, whose jobs queue one by one.",
            UserWarning,
            stacklevel=2,
        )
        self.mode = "batch"

    def _plan(self) -> str | None:
        instance = getattr(self.backend, "_instance", None)
        for each in self.service.instances():
            if each.get("crn") == instance:
                return str(each.get("plan")).lower()
        return None
