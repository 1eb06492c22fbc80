"""Jobs: submission, state, results, listing, tags."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from qiskit_qgen.testing.loopback.execution import decode
from qiskit_qgen.testing.loopback.faults import JOB_KINDS, Fault
from qiskit_qgen.testing.loopback.routing import Answer, ApiError, Request, Router
from qiskit_qgen.testing.loopback.store import Job
from qiskit_qgen.testing.loopback.usage import now, parse_time, qpu_seconds

if TYPE_CHECKING:
    from qiskit_qgen.testing.loopback.server import Service


class Jobs:
    """Answers everything about jobs."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def register(self, router: Router) -> None:
        """Add the routes of this part."""
        router.add("POST /jobs", self._submit)
        router.add("GET /jobs", self._list)
        router.add("GET /jobs/{id}", self._get)
        router.add("DELETE /jobs/{id}", self._delete)
        router.add("GET /jobs/{id}/results", self._results)
        router.add("GET /jobs/{id}/metrics", self._metrics)
        router.add("GET /jobs/{id}/logs", self._logs)
        router.add("POST /jobs/{id}/cancel", self._cancel)
        router.add("PUT /jobs/{id}/tags", self._tags)

    def _submit(self, request: Request) -> Answer:
        service, store = self._service, self._service.store
        asked = request.json()
        device = service.device(asked.get("backend"))
        program_id = asked.get("program_id", "")
        program = decode(program_id, request.body)
        if program.num_qubits > device.num_qubits:
            message = f"A circuit has {program.num_qubits} qubits, and {device.name} has {device.num_qubits}."
            raise ApiError(400, 1002, message, "Transpile the circuit for the backend.")
        if asked.get("session_id"):
            service.sessions.admit(asked["session_id"], device.name)
        params = {"program_id": program_id, "params": asked.get("params")}
        with store.lock:
            limit = service.options.max_pending_jobs
            if limit is not None and len(store.pending()) >= limit:
                message = f"You have reached the maximum number of pending jobs, which is {limit}."
                raise ApiError(400, 3458, message, "Wait for a job to finish before you submit the next.")
            job = Job(
                store.new_id(),
                program_id,
                device.name,
                created=now(),
                digest=hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest(),
                num_pubs=program.num_pubs,
                num_circuits=program.num_circuits,
                executions=program.executions,
                session_id=asked.get("session_id"),
                tags=asked.get("tags", []),
                private=asked.get("private", False),
                max_execution_seconds=asked.get("cost"),
                estimated_seconds=qpu_seconds(program.executions),
                fault=self._fault(),
            )
            store.add_job(job, json.dumps(params).encode())
        service.workers.submit(job, program)
        return Answer.json({"id": job.id, "backend": job.backend})

    def _fault(self) -> dict[str, Any] | None:
        met = self._service.faults.take("POST /jobs", JOB_KINDS)
        if not met and self._service.usage_left() <= 0:
            met = [Fault("hold_job")]  # an instance without time left accepts jobs, and does not run them
        return asdict(met[0]) if met else None

    def find(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            ApiError: If there is none with this id (404).
        """
        job = self._service.store.jobs.get(job_id)
        if job is None:
            raise ApiError(404, 1291, f"Job not found. Job ID: {job_id}", "Check the job's id.")
        return job

    def _describe(self, job: Job, *, params: bool = False) -> dict[str, Any]:
        described = {
            "id": job.id,
            "backend": job.backend,
            "state": {"status": job.status, "reason": job.reason, "reason_code": job.reason_code},
            "status": job.status,
            "created": job.created,
            "ended": job.finished,
            "program": {"id": job.program},
            "session_id": job.session_id,
            "tags": job.tags,
            "private": job.private,
            "cost": job.max_execution_seconds,
            "estimated_running_time_seconds": job.estimated_seconds,
            "runtime": "",
            "usage": {"seconds": job.usage_seconds},
        }
        if params:
            described["params"] = json.loads(self._service.store.read(f"params/{job.id}.json"))["params"]
        return described

    def _get(self, request: Request, id: str) -> Answer:  # noqa: A002
        with_params = request.first("exclude_params") != "true"
        return Answer.json(self._describe(self.find(id), params=with_params))

    def _list(self, request: Request) -> Answer:
        jobs = [job for job in list(self._service.store.jobs.values()) if self._listed(job, request)]
        jobs.sort(key=lambda job: job.number, reverse=request.first("sort") != "ASC")
        limit, offset = int(request.first("limit", "200")), int(request.first("offset", "0"))
        page = jobs[offset : offset + limit]
        described = [self._describe(job, params=request.first("exclude_params") != "true") for job in page]
        return Answer.json({"jobs": described, "count": len(jobs), "limit": limit, "offset": offset})

    def _listed(self, job: Job, request: Request) -> bool:
        equal = {"backend": job.backend, "program": job.program, "session_id": job.session_id or ""}
        equal["pending"] = "false" if job.final else "true"
        if any(request.first(name, value) != value for name, value in equal.items()):
            return False
        if not set(request.query.get("tags", [])) <= set(job.tags):
            return False
        if self._service.devices[job.backend].is_mock and request.first("include_mocks", "").lower() != "true":
            return False
        created = parse_time(job.created)
        after, before = request.first("created_after"), request.first("created_before")
        return (not after or created >= parse_time(after)) and (not before or created <= parse_time(before))

    def _results(self, request: Request, id: str) -> Answer:  # noqa: ARG002, A002
        job = self.find(id)
        if job.status == "Completed":
            return Answer(200, self._service.store.read(f"results/{job.id}.json"))
        return Answer.text(job.reason or "") if job.final else Answer(204)

    def _metrics(self, request: Request, id: str) -> Answer:  # noqa: ARG002, A002
        job = self.find(id)
        usage = {
            "status": "complete" if job.final else "pending",
            "qpu_charge_time_seconds": job.usage_seconds,
            "quantum_seconds": job.usage_seconds,
            "seconds": job.usage_seconds,
        }
        times = {"created": job.created, "running": job.running, "finished": job.finished}
        return Answer.json({"timestamps": times, "usage": usage, "num_circuits": job.num_circuits})

    def _logs(self, request: Request, id: str) -> Answer:  # noqa: ARG002, A002
        job = self.find(id)
        if not job.final:
            raise ApiError(404, 1292, f"Job {job.id} has no logs yet.", "Wait until it has finished.")
        return Answer.text(f"{job.finished} {job.program} on {job.backend}: {job.status}. {job.reason or ''}\n")

    def _cancel(self, request: Request, id: str) -> Answer:  # noqa: ARG002, A002
        with self._service.store.lock:
            job = self.find(id)
            if job.final:
                raise ApiError(409, 1293, f"Job {job.id} is not in a state that can be cancelled: it is {job.status}.")
            job.status, job.finished, job.reason = "Cancelled", now(), "Cancelled by the user."
            self._service.store.save_job(job)
            self._service.sessions.job_finished(job)
        return Answer(204)

    def _delete(self, request: Request, id: str) -> Answer:  # noqa: ARG002, A002
        with self._service.store.lock:
            job = self.find(id)
            if not job.final:
                job.status = "Cancelled"
            self._service.store.delete_job(job.id)
        return Answer(204)

    def _tags(self, request: Request, id: str) -> Answer:  # noqa: A002
        with self._service.store.lock:
            job = self.find(id)
            job.tags = [str(tag) for tag in request.json().get("tags", [])]
            self._service.store.save_job(job)
        return Answer(204)
