"""The server: its options, its parts, and how the client finds it."""

from __future__ import annotations

import os
import tempfile
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from qiskit_qgen.testing.loopback.account import Account
from qiskit_qgen.testing.loopback.devices import Device
from qiskit_qgen.testing.loopback.faults import Fault, Faults
from qiskit_qgen.testing.loopback.jobs import Jobs
from qiskit_qgen.testing.loopback.routing import Answer, ApiError, Request, Router
from qiskit_qgen.testing.loopback.sessions import Sessions
from qiskit_qgen.testing.loopback.store import Job, Store
from qiskit_qgen.testing.loopback.transport import LoopbackHTTPServer
from qiskit_qgen.testing.loopback.workers import Workers

if TYPE_CHECKING:
    from qiskit_ibm_runtime import QiskitRuntimeService


@dataclass(frozen=True)
class LoopbackOptions:
    """How the server behaves."""

    devices: tuple[str, ...] = ("kolkata", "torino", "manila")
    """Fake devices, without ``fake_``; "kolkata" is served as the backend "ibm_kolkata"."""
    noise: bool = True
    """Whether the devices err."""
    plan: Literal["premium", "open"] = "premium"
    """The open plan has no sessions."""
    queue_seconds: float = 0.0
    run_seconds: float = 0.0
    """How long a job stays queued, and runs, at least."""
    workers: int = 1
    """How many jobs run at once."""
    max_pending_jobs: int | None = None
    usage_limit_seconds: float = 36_000.0
    seed: int = 1
    """Job n is simulated with seed + n."""
    token: str = "loopback-token"  # noqa: S105 (no secret)
    instance: str = "crn:v1:bluemix:public:quantum-computing:us-east:a/loopback:rehearsal::"
    instance_name: str = "rehearsal"
    verbose: bool = False


class Service:
    """The parts of the server, which know each other through it."""

    def __init__(self, options: LoopbackOptions, folder: Path) -> None:
        self.options = options
        self.faults = Faults()
        self.store = Store(folder)
        devices = [Device(label, prefix, options.noise) for label in options.devices for prefix in ("ibm", "mock")]
        self.devices = {device.name: device for device in devices}
        self.account, self.sessions, self.jobs = Account(self), Sessions(self), Jobs(self)
        self.workers = Workers(self)
        self.router = Router()
        for part in (self.account, self.sessions, self.jobs):
            part.register(self.router)
        self.router.add("GET /_loopback/state", lambda _: Answer.json(self.state()), needs_token=False)
        self.router.add("POST /_loopback/faults", self._add_fault, needs_token=False)
        self.router.add("DELETE /_loopback/faults", self._clear_faults, needs_token=False)

    def device(self, name: str | None) -> Device:
        """Return a backend.

        Raises:
            ApiError: If there is none of this name (404).
        """
        if name not in self.devices:
            raise ApiError(404, 1211, f"Backend {name} is not found.", "Check the list of backends.")
        return self.devices[name]

    def usage_left(self) -> float:
        """Return the quantum seconds that the instance has left."""
        return self.options.usage_limit_seconds - self.store.consumed_seconds()

    def _add_fault(self, request: Request) -> Answer:
        try:
            self.faults.add(Fault(**request.json()))
        except (TypeError, ValueError) as error:
            raise ApiError(400, 1221, f"{error}") from None
        return Answer.json(self.faults.as_list())

    def _clear_faults(self, request: Request) -> Answer:  # noqa: ARG002
        self.faults.clear()
        return Answer(204)

    def state(self) -> dict[str, Any]:
        """Return all counts and states, as `GET /_loopback/state` does."""
        store = self.store
        with store.lock:
            return {
                "requests": dict(store.requests),
                "submissions": store.submissions(),
                "jobs": [asdict(job) for job in store.jobs.values()],
                "sessions": [asdict(session) for session in store.sessions.values()],
                "faults": self.faults.as_list(),
                "usage_seconds": store.consumed_seconds(),
            }


class LoopbackServer:
    """The server, for use from Python; a context manager.

    Args:
        options: How it behaves.
        port: Port on 127.0.0.1; 0 takes a free one.
        folder: Where its state is kept; None: in a folder that is removed when it stops.
    """

    def __init__(self, options: LoopbackOptions | None = None, *, port: int = 0, folder: Path | None = None) -> None:
        self.options = options or LoopbackOptions()
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        if folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="loopback-")
            folder = Path(self._temporary.name)
        self.folder = folder
        self._stopped = False
        self._service = Service(self.options, self.folder)
        self._http = LoopbackHTTPServer(("127.0.0.1", port), self._service)
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(0.05,), name="loopback-http", daemon=True
        )

    def start(self) -> LoopbackServer:
        """Start to listen, and return the server."""
        self._service.workers.start()
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop; jobs that are not finished stay queued in the folder."""
        if self._stopped:
            return
        self._stopped = True
        self._http.stop()
        self._thread.join()
        self._service.workers.stop()
        if self._temporary is not None:
            self._temporary.cleanup()

    def __enter__(self) -> LoopbackServer:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port on 127.0.0.1."""
        return self._http.server_address[1]

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def faults(self) -> Faults:
        """The faults in force; its methods add to them."""
        return self._service.faults

    @property
    def devices(self) -> dict[str, Device]:
        """The backends by name."""
        return self._service.devices

    def environment(self) -> dict[str, str]:
        """Return the environment variables that make `QiskitRuntimeService()` this server's client."""
        return {
            "QISKIT_IBM_CHANNEL": "ibm_quantum_platform",
            "QISKIT_IBM_TOKEN": self.options.token,
            "QISKIT_IBM_INSTANCE": self.options.instance,
            "QISKIT_IBM_URL": f"{self.url}/experimental/api/v1",
            "IAM_URL": self.url,
            "GLOBAL_SEARCH_URL": self.url,
            "GLOBAL_CATALOG_URL": f"{self.url}/catalog",
            "USAGE_DATA_OPT_OUT": "True",
            "NO_PROXY": ",".join(filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1"])),
        }

    def service(self, **arguments: Any) -> QiskitRuntimeService:
        """Return a real `QiskitRuntimeService` that is a client of this server.

        The client looks for IBM's token exchange and list of instances in environment variables: those of `environment`
        must be set.

        Args:
            **arguments: Arguments of `QiskitRuntimeService` that go before the server's own.
        """
        from qiskit_ibm_runtime import QiskitRuntimeService

        defaults = {
            "channel": "ibm_quantum_platform",
            "token": self.options.token,
            "instance": self.options.instance,
            "url": f"{self.url}/experimental/api/v1",
        }
        return QiskitRuntimeService(**defaults | arguments)

    def state(self) -> dict[str, Any]:
        """Return all counts and states."""
        return self._service.state()

    @property
    def requests(self) -> dict[str, int]:
        """Return how often each route was asked since the start, such as {"POST /jobs": 1}."""
        return dict(self._service.store.requests)

    @property
    def submissions(self) -> list[dict[str, Any]]:
        """Return what was accepted, in order: the job's id, program, backend, num_circuits, digest and so on."""
        return self._service.store.submissions()

    @property
    def jobs(self) -> list[Job]:
        """The jobs that are kept, oldest first."""
        return list(self._service.store.jobs.values())

    def expire_sessions(self) -> None:
        """Close every session, as the service does when their time is over: jobs in their queues fail."""
        for session in list(self._service.store.sessions.values()):
            self._service.sessions.close(session)
