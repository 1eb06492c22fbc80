"""Sessions and batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qiskit_qgen.testing.loopback.routing import Answer, ApiError, Request, Router
from qiskit_qgen.testing.loopback.store import Job, Session
from qiskit_qgen.testing.loopback.usage import now, seconds_between

if TYPE_CHECKING:
    from qiskit_qgen.testing.loopback.server import Service

MAX_SECONDS = {"dedicated": 8 * 3600, "batch": 8 * 3600}
INTERACTIVE_SECONDS = 60


class Sessions:
    """Opens, closes and describes sessions."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def register(self, router: Router) -> None:
        """Add the routes of this part."""
        router.add("POST /sessions", self._create)
        router.add("GET /sessions/{id}", self._details)
        router.add("PATCH /sessions/{id}", self._update)
        router.add("DELETE /sessions/{id}/close", self._cancel)

    def _create(self, request: Request) -> Answer:
        asked = request.json()
        mode = asked.get("mode", "dedicated")
        if mode not in MAX_SECONDS:
            raise ApiError(400, 1221, f"Mode {mode!r} is neither 'dedicated' nor 'batch'.")
        if mode == "dedicated" and self._service.options.plan == "open":
            message = "You are not authorized to run a session when using the open plan."
            raise ApiError(
                400, 1352, message, "Create an instance of a different plan type or use a different execution mode."
            )
        self._service.device(asked.get("backend"))
        seconds = min(asked.get("max_ttl") or MAX_SECONDS[mode], MAX_SECONDS[mode])
        store = self._service.store
        session = Session(store.new_id(), asked["backend"], mode, created=now(), max_seconds=seconds)
        store.save_session(session)
        return Answer.json({"id": session.id} | self._describe(session), status=201)

    def find(self, session_id: str) -> Session:
        """Return a session, which is closed first if its time is over.

        Raises:
            ApiError: If there is none with this id (404).
        """
        session = self._service.store.sessions.get(session_id)
        if session is None:
            raise ApiError(404, 1216, f"Session {session_id} is not found.", "Check the session's id.")
        if session.activated and not session.closed and seconds_between(session.activated, None) > session.max_seconds:
            self.close(session)
        return session

    def _details(self, request: Request, id: str) -> Answer:  # noqa: ARG002, A002
        return Answer.json(self._describe(self.find(id)))

    def _describe(self, session: Session) -> dict[str, Any]:
        jobs = self._service.store.session_jobs(session.id)
        if session.mode == "batch":
            elapsed = sum(job.usage_seconds for job in jobs)
        else:
            elapsed = seconds_between(session.activated, session.closed)
        times = [("open", session.created), ("active", session.activated), ("closed", session.closed)]
        return {
            "id": session.id,
            "backend_name": session.backend,
            "mode": session.mode,
            "state": session.state,
            "accepting_jobs": session.accepting_jobs,
            "max_ttl": session.max_seconds,
            "active_ttl": session.max_seconds,
            "interactive_ttl": INTERACTIVE_SECONDS,
            "started_at": session.created,
            "activated_at": session.activated,
            "closed_at": session.closed,
            "last_job_started": max((job.running for job in jobs if job.running), default=None),
            "last_job_completed": max((job.finished for job in jobs if job.finished), default=None),
            "elapsed_time": round(elapsed, 3),
            "timestamps": [{"status": status, "timestamp": time} for status, time in times if time],
        }

    def _update(self, request: Request, id: str) -> Answer:  # noqa: A002
        session = self.find(id)
        if request.json().get("accepting_jobs") is False:
            with self._service.store.lock:
                session.accepting_jobs = False
                self._service.store.save_session(session)
                self._close_if_done(session)
        return Answer(204)

    def _cancel(self, request: Request, id: str) -> Answer:  # noqa: ARG002, A002
        self.close(self.find(id), status="Cancelled")
        return Answer(204)

    def close(self, session: Session, status: str = "Failed") -> None:
        """Close a session: jobs that run go on, jobs in its queue end as `status`."""
        store = self._service.store
        with store.lock:
            if session.closed:
                return
            session.state, session.accepting_jobs, session.closed = "closed", False, now()
            store.save_session(session)
            for job in store.pending(session_id=session.id, status="Queued"):
                job.status, job.finished = status, now()
                job.reason, job.reason_code = "Session has been closed.", 1217
                store.save_job(job)

    def _close_if_done(self, session: Session) -> None:
        if not session.accepting_jobs and not session.closed and not self._service.store.pending(session_id=session.id):
            self.close(session)

    def admit(self, session_id: str, backend: str) -> Session:
        """Return the session that a new job asks for.

        Raises:
            ApiError: If it does not exist, is closed or is of another backend.
        """
        session = self.find(session_id)
        if self._service.faults.take("POST /jobs", ("expire_session",)):
            self.close(session)
        if not session.accepting_jobs:
            raise ApiError(400, 1217, "Session has been closed.", "Create a new session.")
        if session.backend != backend:
            raise ApiError(400, 1218, f"Session {session_id} is one of backend {session.backend}, not of {backend}.")
        return session

    def job_started(self, job: Job) -> None:
        """Activate the job's session."""
        session = self._service.store.sessions.get(job.session_id or "")
        if session is not None and session.activated is None:
            session.state, session.activated = "active", now()
            self._service.store.save_session(session)

    def job_finished(self, job: Job) -> None:
        """Close the job's session if it was the last that it waited for."""
        session = self._service.store.sessions.get(job.session_id or "")
        if session is not None:
            self._close_if_done(session)
