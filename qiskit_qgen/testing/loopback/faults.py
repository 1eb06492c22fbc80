"""Faults that the server is told to commit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

FaultKind = Literal["error", "drop", "delay", "truncate", "cut", "fail_job", "cancel_job", "hold_job", "expire_session"]

API = "* /backends*|* /instances*|* /jobs*|* /sessions*"
"""The routes that need a token."""

JOB_KINDS = ("fail_job", "cancel_job", "hold_job")


@dataclass
class Fault:
    """One fault.

    - `error`: answer with `status`, `code` and `message`.
    - `drop`: close the connection without an answer.
    - `delay`: wait `seconds` before the answer.
    - `truncate`: send half of the body as if it were all of it.
    - `cut`: announce the whole body, send half of it and close the connection.
    - `fail_job`, `cancel_job`: the next jobs end so after having run, with `message` and `code` as reason and its code.
    - `hold_job`: the next jobs stay queued until the fault is cleared.
    - `expire_session`: the session of the next job that is submitted in one has just been closed.
    """

    kind: FaultKind
    route: str = "*"
    """Which routes: globs over names such as "GET /jobs/{id}", with "|" between them."""
    times: int = 1
    """How often; -1: until cleared."""
    skip: int = 0
    """How many matching requests (or jobs) are let through first."""
    after: bool = False
    """For `error` and `drop`: whether the request is carried out first, so that only its answer is lost."""
    status: int = 503
    code: int | None = None
    message: str = "Injected by the loopback server."
    seconds: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            raise ValueError(f"Fault `kind` must be one of {', '.join(get_args(FaultKind))}, but is {self.kind!r}.")
        if self.after and self.kind not in ("error", "drop"):
            raise ValueError(f"Fault {self.kind!r} has no `after`: only 'error' and 'drop' have.")

    def meets(self, route: str) -> bool:
        """Whether requests to this route are meant."""
        return any(fnmatchcase(route, glob) for glob in self.route.split("|"))

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read a fault as the command line gives it: `error,route=POST /jobs,status=502,times=2,after=true`."""
        kind, *pairs = text.split(",")
        given = dict(pair.split("=", 1) for pair in pairs)
        readers: dict[str, Callable[[str], object]] = {
            "times": int,
            "skip": int,
            "status": int,
            "code": int,
            "seconds": float,
            "after": lambda value: value == "true",
        }
        known = {entry.name for entry in fields(cls)}
        if unknown := set(given) - known:
            raise ValueError(f"A fault has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(known))}.")
        values: dict[str, Any] = {name: readers.get(name, str)(value) for name, value in given.items()}
        return cls(**values | {"kind": kind})


class Faults:
    """The faults in force, oldest first; every method adds one and returns it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._cleared = threading.Event()

    def add(self, fault: Fault) -> Fault:
        """Add a fault."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def error(self, route: str = "*", status: int = 503, **options: Any) -> Fault:
        """Answer the next `times` requests to `route` with an HTTP error."""
        return self.add(Fault("error", route, status=status, **options))

    def drop(self, route: str = "*", **options: Any) -> Fault:
        """Close the connection without an answer; with `after=True` once the request has been carried out."""
        return self.add(Fault("drop", route, **options))

    def delay(self, route: str, seconds: float, **options: Any) -> Fault:
        """Answer late."""
        return self.add(Fault("delay", route, seconds=seconds, **options))

    def truncate(self, route: str = "GET /jobs/{id}/results", *, cut: bool = False, **options: Any) -> Fault:
        """Send half of the body; with `cut=True` the announced length tells so."""
        return self.add(Fault("cut" if cut else "truncate", route, **options))

    def reject_token(self, times: int = -1) -> Fault:
        """Refuse the credentials of every request to the API, even good ones."""
        return self.error(API, 401, times=times, code=1201, message="Invalid credentials.")

    def fail_job(self, message: str = "Internal error.", code: int = 9707, **options: Any) -> Fault:
        """Let the next jobs fail."""
        return self.add(Fault("fail_job", message=message, code=code, **options))

    def cancel_job(self, message: str = "Cancelled by the service.", code: int | None = None, **options: Any) -> Fault:
        """Let the next jobs be cancelled by the service (code 1305: because they ran too long)."""
        return self.add(Fault("cancel_job", message=message, code=code, **options))

    def hold_job(self, **options: Any) -> Fault:
        """Leave the next jobs in the queue until `clear`."""
        return self.add(Fault("hold_job", **options))

    def expire_session(self, **options: Any) -> Fault:
        """Close the session of the next job that is submitted in one, before it is."""
        return self.add(Fault("expire_session", **options))

    def clear(self) -> None:
        """Commit no further fault, and let go of jobs that are held."""
        with self._lock:
            self._faults.clear()
            self._cleared.set()
            self._cleared = threading.Event()

    def take(self, route: str, kinds: tuple[str, ...]) -> list[Fault]:
        """Return the faults of these kinds that this request meets, and count them as committed."""
        with self._lock:
            met = []
            for fault in self._faults:
                if fault.kind not in kinds or fault.times == 0 or not fault.meets(route):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= fault.times > 0
                met.append(fault)
                if fault.kind != "delay":
                    break
            return met

    def cleared(self) -> threading.Event:
        """Return the event that is set when the faults in force now are cleared."""
        return self._cleared

    def as_list(self) -> list[dict[str, Any]]:
        """Return the faults that are left, as `GET /_loopback/state` does."""
        with self._lock:
            return [asdict(fault) for fault in self._faults if fault.times]
