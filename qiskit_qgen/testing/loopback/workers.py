"""The threads that take jobs from the queue and run them."""

from __future__ import annotations

import queue
import threading
import time
import traceback
from typing import TYPE_CHECKING

from qiskit_qgen.testing.loopback.execution import Program, decode
from qiskit_qgen.testing.loopback.faults import Fault
from qiskit_qgen.testing.loopback.store import Job
from qiskit_qgen.testing.loopback.usage import MAX_EXECUTION_SECONDS, now, qpu_seconds

if TYPE_CHECKING:
    from qiskit_qgen.testing.loopback.server import Service


class Workers:
    """Runs jobs, in the order of their submission.

    Args:
        service: Devices, store, faults and options.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._queue: queue.Queue[tuple[str, Program | None, threading.Event] | None] = queue.Queue()
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, name=f"loopback-worker-{index}", daemon=True)
            for index in range(service.options.workers)
        ]

    def start(self) -> None:
        """Start, with the jobs that an earlier server left in its folder."""
        for thread in self._threads:
            thread.start()
        for job in sorted(self._service.store.pending(), key=lambda job: job.number):
            self.submit(job, None)  # from before a restart

    def submit(self, job: Job, program: Program | None) -> None:
        """Put a job into the queue."""
        # The event is fetched before the answer to the request, since faults may be cleared right after it.
        self._queue.put((job.id, program, self._service.faults.cleared()))

    def stop(self) -> None:
        """Stop; a running job is waited for, others stay queued."""
        self._stopped.set()
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join(timeout=30)

    def _work(self) -> None:
        while (entry := self._queue.get()) is not None and not self._stopped.is_set():
            job = self._service.store.jobs.get(entry[0])
            if job is None or job.final:
                continue
            fault = Fault(**job.fault) if job.fault else None
            if fault is not None and fault.kind == "hold_job":
                threading.Thread(target=self._hold, args=(job, *entry[1:]), daemon=True).start()
                continue
            try:
                self._run(job, entry[1], fault)
            except Exception:
                self._finish(job, "Failed", traceback.format_exc(), 9999)

    def _hold(self, job: Job, program: Program | None, cleared: threading.Event) -> None:
        while not cleared.wait(0.05):
            if self._stopped.is_set():
                return
        with self._service.store.lock:
            job.fault = None
            self._service.store.save_job(job)
        self.submit(job, program)

    def _wait(self, job: Job, seconds: float) -> bool:
        """Wait so long, and return whether the job is still wanted."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if job.final or self._stopped.wait(min(left, 0.05)):
                return False
        return not job.final

    def _run(self, job: Job, program: Program | None, fault: Fault | None) -> None:
        service = self._service
        if not self._wait(job, service.options.queue_seconds):
            return
        with service.store.lock:
            if job.final:
                return
            job.status, job.running = "Running", now()
            service.store.save_job(job)
            service.sessions.job_started(job)
        program = program or decode(job.program, service.store.read(f"params/{job.id}.json"))
        charge = qpu_seconds(program.executions)
        limit = min(job.max_execution_seconds or MAX_EXECUTION_SECONDS, MAX_EXECUTION_SECONDS)
        device = service.devices[job.backend]
        if not self._wait(job, service.options.run_seconds):
            return
        if charge > limit:
            self._finish(job, "Cancelled", "The job ran too long.", 1305, usage=limit)
        elif fault is not None and fault.kind == "fail_job":
            self._finish(job, "Failed", fault.message, fault.code, usage=charge)
        elif fault is not None and fault.kind == "cancel_job":
            self._finish(job, "Cancelled", fault.message, fault.code, usage=charge)
        else:
            result = program.run(device, service.options.seed + job.number)
            service.store.write(f"results/{job.id}.json", result.encode())
            self._finish(job, "Completed", usage=0.0 if device.is_mock else charge)

    def _finish(
        self, job: Job, status: str, reason: str | None = None, code: int | None = None, usage: float = 0.0
    ) -> None:
        store = self._service.store
        with store.lock:
            if job.final:
                return
            job.status, job.reason, job.reason_code = status, reason, code
            job.finished, job.usage_seconds = now(), usage
            store.save_job(job)
            self._service.sessions.job_finished(job)
