"""What was asked of a service, on disk before it is waited for: a killed run finds its jobs again."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import os
import secrets
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from filelock import FileLock

from qiskit_qgen._checks import check_path
from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import ArgumentError, ExecutionError
from qiskit_qgen.persistence import atomic_write, cache_folder

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class LedgerEntry:
    """The latest that is known of one request."""

    digest: str
    tag: str
    """The job's own tag: by it, a job is found whose number never arrived."""
    status: str
    """"intended", "submitted", "finished" or "failed"."""
    job_id: str | None = None
    reason: str | None = None
    sha256: str | None = None
    """Of the file with the results."""


class Ledger:
    """An append-only record of jobs, with the results of those that finished.

    Each line of ``jobs.jsonl`` is one JSON object, forced to the disk before the next step is taken: the intent to
    submit, with a tag that only this job bears; the job's number; that it finished or failed. Results lie beside it as
    ``results/DIGEST.npz``, without pickle. Several processes may share a ledger.

    Args:
        path: A folder, or a file whose name ends with ".jsonl"; created when first written to. None takes ``runtime``
            in the folder that the environment variable ``QISKIT_QGEN_CACHE`` names, or in the platform's cache folder
            of `qiskit_qgen`.

    Raises:
        ArgumentTypeError: If ``path`` is not a path.
        ArgumentError: If ``path`` is empty, or something of the wrong kind, or not writable, is in its place.
    """

    def __init__(self, path: PathLike | None = None) -> None:
        given = cache_folder("runtime") if path is None else check_path("ledger", path)
        if path is not None and not str(path):
            raise ArgumentError('Argument `ledger` must name a folder or a file ending with ".jsonl", but is empty.')
        is_file = given.suffix == ".jsonl"
        self.folder = given.parent if is_file else given
        self.file = given if is_file else given / "jobs.jsonl"
        for folder in (self.folder, self.folder / "results", self.circuits, self.folder / "sessions"):
            _check_place(folder, is_folder=True)
        for file in (self.file, self.folder / ".lock", self.folder / ".append"):
            _check_place(file, is_folder=False)
        self._damaged: set[int] = set()  # lines that were told already

    @property
    def circuits(self) -> Path:
        """The folder for transpiled circuits."""
        return self.folder / "circuits"

    def session_lock(self, name: str) -> Path:
        """Return the file that the process which opened a batch or session keeps locked."""
        return self.folder / "sessions" / f"{name}.lock"

    def records(self) -> list[dict[str, Any]]:
        """Return all lines about jobs, oldest first; damaged ones, as a crash leaves them, are left out."""
        return [record for record in self._lines() if "digest" in record]

    def session_records(self) -> list[dict[str, Any]]:
        """Return all lines about batches and sessions, oldest first: "opened" or "closed"."""
        return [record for record in self._lines() if "session_id" in record]

    def _lines(self) -> list[dict[str, Any]]:
        if not self.file.is_file():
            return []
        found = []
        for number, line in enumerate(self.file.read_bytes().split(b"\n"), start=1):
            record: Any = None
            with contextlib.suppress(ValueError, RecursionError):
                record = json.loads(line) if line else None
            if _is_record(record):
                found.append(record)
            elif line and number not in self._damaged:
                self._damaged.add(number)
                _LOGGER.warning("Line %d of %s is damaged, and left out.", number, self.file)
        return found

    def entry(self, digest: str) -> LedgerEntry | None:
        """Return the latest that is known of a request, or None if it was never intended.

        Records of a job that another has replaced no longer count, unless it finished after all.
        """
        latest: dict[str, Any] = {}
        for record in self.records():
            if record["digest"] != digest:
                continue
            if record["event"] == "intended":
                latest = record
            elif record["event"] == "finished" or record["tag"] == latest.get("tag", record["tag"]):
                latest = latest | record
        if not latest:
            return None
        return LedgerEntry(
            digest=digest,
            tag=latest["tag"],
            status=latest["event"],
            job_id=latest.get("job_id"),
            reason=latest.get("reason"),
            sha256=latest.get("sha256"),
        )

    def intend(self, digest: str, **facts: Any) -> str:
        """Record that a request is about to be submitted, and return the tag for its job."""
        tag = f"qgen-{secrets.token_hex(12)}"
        self.append({"event": "intended", "digest": digest, "tag": tag} | facts)
        return tag

    def submitted(self, digest: str, tag: str, job_id: str) -> None:
        """Record the number of a job."""
        self.append({"event": "submitted", "digest": digest, "tag": tag, "job_id": job_id})

    def failed(self, digest: str, tag: str, reason: str) -> None:
        """Record that a job failed, or was never created, so that the request may be asked again."""
        self.append({"event": "failed", "digest": digest, "tag": tag, "reason": reason})

    def finish(self, digest: str, tag: str, arrays: Mapping[str, Any], **facts: Any) -> None:
        """Keep the results of a job, then record that it finished."""
        content = io.BytesIO()
        np.savez_compressed(content, **arrays)
        path = self._results(digest)
        with self._written():
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(path, content.getbuffer().tobytes())
        sha256 = hashlib.sha256(content.getbuffer()).hexdigest()
        self.append({"event": "finished", "digest": digest, "tag": tag, "result": path.name, "sha256": sha256} | facts)

    def results(self, entry: LedgerEntry) -> dict[str, np.ndarray] | None:
        """Return what was kept of a request that finished, or None if it is not there as it was written."""
        with contextlib.suppress(OSError, ValueError, EOFError, BadZipFile, zlib.error):
            content = self._results(entry.digest).read_bytes()
            if hashlib.sha256(content).hexdigest() == entry.sha256:
                with np.load(io.BytesIO(content)) as arrays:
                    return dict(arrays)
            _LOGGER.warning("The results in %s are damaged, and fetched again.", self._results(entry.digest))
        return None

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the ledger while a request is looked up and submitted, so that two processes never submit it twice."""
        with self._written():
            (self.folder / "results").mkdir(parents=True, exist_ok=True)
            held = FileLock(self.folder / ".lock").acquire()
        with held:
            yield

    def _results(self, digest: str) -> Path:
        return self.folder / "results" / f"{digest}.npz"

    def append(self, record: dict[str, Any]) -> None:
        """Write a line, with the time, and force it to the disk.

        Raises:
            ExecutionError: If the disk refuses it.
        """
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = json.dumps({"time": stamp} | record, allow_nan=False).encode()
        with self._written():
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / ".append"):
                descriptor = os.open(self.file, os.O_CREAT | os.O_APPEND | os.O_RDWR, 0o666)
                try:
                    _append_whole(descriptor, line + b"\n")
                finally:
                    os.close(descriptor)

    @contextmanager
    def _written(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ExecutionError(f"The ledger in {self.folder} cannot be written: {error}.") from error


def _append_whole(descriptor: int, line: bytes) -> None:
    """Append a line to a file and force it to the disk; what cannot be written whole is taken back."""
    size = os.lseek(descriptor, 0, os.SEEK_END)
    if size:
        os.lseek(descriptor, size - 1, os.SEEK_SET)
        if os.read(descriptor, 1) != b"\n":  # a process that was killed left a part of a line
            line = b"\n" + line
    try:
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, size)
        raise


def _is_record(record: Any) -> bool:
    """Return whether this says something of a job, a batch or a session."""
    if not isinstance(record, dict) or not isinstance(record.get("event"), str):
        return False
    kinds: dict[str, Any] = dict.fromkeys(("digest", "tag", "session_id", "backend", "mode"), str)
    kinds |= dict.fromkeys(("job_id", "reason", "sha256"), str | None)
    if any(name in record and not isinstance(record[name], kind) for name, kind in kinds.items()):
        return False
    if "session_id" in record:
        return record["event"] == "closed" or (record["event"] == "opened" and {"backend", "mode"} <= record.keys())
    return {"digest", "tag"} <= record.keys() and record["event"] in ("intended", "submitted", "finished", "failed")


def _check_place(path: Path, *, is_folder: bool) -> None:
    """Raise ArgumentError if a folder, or a file, cannot be at ``path``."""
    found = path
    while not found.exists() and found != found.parent:
        found = found.parent
    wants_folder = is_folder or found != path
    if not (found.is_dir() if wants_folder else found.is_file()):
        kind = "a folder" if wants_folder else "a file"
        raise ArgumentError(
            f'Argument `ledger` must name a folder or a file ending with ".jsonl", but {found} is not {kind}.'
        )
    if not os.access(found, os.W_OK | os.X_OK if wants_folder else os.W_OK | os.R_OK):
        raise ArgumentError(f"Argument `ledger` must name a place to write to, but {found} is not writable.")
