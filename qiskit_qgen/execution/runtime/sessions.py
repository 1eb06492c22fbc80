"""Which batches and sessions a ledger's processes opened, so that those of a killed one are closed by the next."""

from __future__ import annotations

from filelock import FileLock, Timeout

from qiskit_qgen.execution.runtime.digests import digest
from qiskit_qgen.execution.runtime.ledger import Ledger


class SessionRecord:
    """The batches and sessions in a ledger.

    While one is open, its process holds a lock on a file of its own, which the system frees when the process ends in
    whatever way: one that is recorded as open and not locked belongs to nobody.

    Args:
        ledger: The ledger; None for none, which knows nothing.
    """

    def __init__(self, ledger: Ledger | None) -> None:
        self._ledger = ledger
        self._locks: dict[str, FileLock] = {}

    def opened(self, session_id: str, *, backend: str, mode: str) -> None:
        """Record that this process opened a batch or session."""
        if self._ledger is None:
            return
        lock = self._lock(self._ledger, session_id)
        if lock is not None:
            self._locks[session_id] = lock
        self._ledger.append({"event": "opened", "session_id": session_id, "backend": backend, "mode": mode})

    def closed(self, session_id: str) -> None:
        """Record that a batch or session was closed, by this process, the service or the one that cleans up."""
        if self._ledger is None:
            return
        self._ledger.append({"event": "closed", "session_id": session_id})
        self.given_up(session_id)
        self._ledger.session_lock(digest(session_id)).unlink(missing_ok=True)

    def given_up(self, session_id: str) -> None:
        """Leave a batch or session that could not be closed to whoever opens the next one."""
        lock = self._locks.pop(session_id, None)
        if lock is not None:
            lock.release()

    def left_open(self, backend: str) -> list[tuple[str, str]]:
        """Return identifier and mode of what was opened on a device, never closed, and belongs to no living process."""
        if self._ledger is None:
            return []
        known: dict[str, str] = {}
        for record in self._ledger.session_records():
            if record["event"] == "opened" and record.get("backend") == backend:
                known[record["session_id"]] = record["mode"]
            elif record["event"] == "closed":
                known.pop(record["session_id"], None)
        return [(each, mode) for each, mode in known.items() if self._abandoned(self._ledger, each)]

    def _abandoned(self, ledger: Ledger, session_id: str) -> bool:
        lock = self._lock(ledger, session_id)
        if lock is None:
            return False
        lock.release()
        return True

    def _lock(self, ledger: Ledger, session_id: str) -> FileLock | None:
        """Return the lock of a batch or session, taken, or None if another process has it."""
        path = ledger.session_lock(digest(session_id))
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, blocking=False, thread_local=False)
        try:
            lock.acquire()
        except Timeout:
            return None
        return lock
