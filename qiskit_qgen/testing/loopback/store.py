"""What the server remembers: jobs, sessions and counts, kept in a folder so that they survive a restart."""

from __future__ import annotations

import json
import threading
import uuid
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FINAL_STATES = ("Completed", "Failed", "Cancelled")


@dataclass
class Job:
    """One job."""

    id: str
    program: str
    backend: str
    created: str
    digest: str
    """SHA-256 of the program and its parameters: two submissions with the same digest asked for the same thing."""
    num_pubs: int
    num_circuits: int
    """Circuits after broadcasting, twirling and noise amplification."""
    executions: int
    """Circuits times shots."""
    session_id: str | None = None
    tags: list[str] = field(default_factory=list)
    private: bool = False
    max_execution_seconds: float | None = None
    estimated_seconds: float = 0.0
    status: str = "Queued"
    reason: str | None = None
    reason_code: int | None = None
    running: str | None = None
    finished: str | None = None
    usage_seconds: float = 0.0
    fault: dict[str, Any] | None = None
    number: int = 0

    @property
    def final(self) -> bool:
        """Whether the job has ended."""
        return self.status in FINAL_STATES


@dataclass
class Session:
    """One session or batch."""

    id: str
    backend: str
    mode: str
    """"dedicated" or "batch"."""
    created: str
    max_seconds: int
    state: str = "open"
    accepting_jobs: bool = True
    activated: str | None = None
    closed: str | None = None


class Store:
    """The jobs, sessions and counts.

    Args:
        folder: Where they are kept, one file for each job, its parameters, its result and each session.
    """

    def __init__(self, folder: Path) -> None:
        self.lock = threading.RLock()
        self.folder = folder
        self.requests: Counter[str] = Counter()
        self._submissions = folder / "submissions.jsonl"
        for name in ("jobs", "params", "results", "sessions"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self.jobs: dict[str, Job] = {job.id: job for job in self._load("jobs", Job)}
        self.sessions: dict[str, Session] = {session.id: session for session in self._load("sessions", Session)}

    def _load(self, name: str, kind: type) -> list[Any]:
        records = [kind(**json.loads(path.read_text())) for path in (self.folder / name).glob("*.json")]
        return sorted(records, key=lambda record: record.created)

    @staticmethod
    def new_id() -> str:
        """Return a new id of a job or session."""
        return uuid.uuid4().hex[:20]

    def write(self, name: str, data: bytes) -> None:
        """Write a file of the folder, all of it or nothing."""
        path = self.folder / name
        temporary = path.with_suffix(f".{uuid.uuid4().hex}.tmp")
        temporary.write_bytes(data)
        temporary.replace(path)

    def read(self, name: str) -> bytes:
        """Read a file of the folder."""
        return (self.folder / name).read_bytes()

    def save_job(self, job: Job) -> None:
        """Write a job that was not deleted."""
        with self.lock:
            if job.id in self.jobs:
                self.write(f"jobs/{job.id}.json", json.dumps(asdict(job)).encode())

    def add_job(self, job: Job, params: bytes) -> None:
        """Accept a job."""
        with self.lock:
            job.number = len(self.submissions()) + 1
            self.write(f"params/{job.id}.json", params)
            self.jobs[job.id] = job
            self.save_job(job)
            shown = (
                "id",
                "program",
                "backend",
                "session_id",
                "num_pubs",
                "num_circuits",
                "executions",
                "tags",
                "digest",
            )
            with self._submissions.open("a") as file:
                file.write(json.dumps({name: getattr(job, name) for name in shown}) + "\n")

    def delete_job(self, job_id: str) -> None:
        """Forget a job, but not that it was submitted."""
        with self.lock:
            del self.jobs[job_id]
            for name in ("jobs", "params", "results"):
                (self.folder / name / f"{job_id}.json").unlink(missing_ok=True)

    def save_session(self, session: Session) -> None:
        """Keep a session."""
        with self.lock:
            self.sessions[session.id] = session
            self.write(f"sessions/{session.id}.json", json.dumps(asdict(session)).encode())

    def submissions(self) -> list[dict[str, Any]]:
        """Return every job that was ever accepted, in order: deleted ones too."""
        with self.lock:
            if not self._submissions.exists():
                return []
            return [json.loads(line) for line in self._submissions.read_text().splitlines()]

    def pending(self, **match: Any) -> list[Job]:
        """Return the jobs that are queued or running and have these attributes."""
        with self.lock:
            jobs = [job for job in self.jobs.values() if not job.final]
        return [job for job in jobs if all(getattr(job, name) == value for name, value in match.items())]

    def session_jobs(self, session_id: str) -> list[Job]:
        """Return the jobs of a session."""
        with self.lock:
            return [job for job in self.jobs.values() if job.session_id == session_id]

    def consumed_seconds(self) -> float:
        """Return the quantum seconds of all jobs."""
        with self.lock:
            return sum(job.usage_seconds for job in self.jobs.values())
