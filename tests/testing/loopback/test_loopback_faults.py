"""Each fault, and what the real client makes of it."""

from __future__ import annotations

import time

import pytest
import requests
from loopback_programs import sampler_pub
from qiskit.providers import QiskitBackendNotFoundError
from qiskit_ibm_runtime.api.exceptions import RequestsApiError
from qiskit_ibm_runtime.exceptions import (
    IBMNotAuthorizedError,
    IBMRuntimeError,
    RuntimeInvalidStateError,
    RuntimeJobFailureError,
    RuntimeJobMaxTimeoutError,
)
from qiskit_ibm_runtime.executor_sampler import Sampler

from qiskit_qgen.testing.loopback.faults import Fault


@pytest.fixture
def submit(ibm_server):
    """Return a function that submits a small job with the tag "mine"."""
    backend = ibm_server.service().backend("ibm_manila")
    pub = sampler_pub(backend)
    return lambda: Sampler(backend, options={"environment": {"job_tags": ["mine"]}}).run([pub], shots=32)


def test_errors_before_the_job_is_accepted(ibm_server, submit):
    ibm_server.faults.error("POST /jobs", 503, times=2)
    assert submit().result(poll_interval=0.1)[0].data.meas.num_shots == 32
    assert ibm_server.requests["POST /jobs"] == 3
    assert len(ibm_server.submissions) == 1


def test_error_after_the_job_is_accepted_makes_the_client_submit_it_twice(ibm_server, submit):
    ibm_server.faults.error("POST /jobs", 504, after=True)
    submit().result(poll_interval=0.1)
    first, second = ibm_server.submissions
    assert first["id"] != second["id"]
    assert first["digest"] == second["digest"]


def test_permanent_error(ibm_server, submit):
    ibm_server.faults.error("POST /jobs", 400, code=1517, message="The schema is not met.")
    with pytest.raises(IBMRuntimeError, match=r"1517.*The schema is not met"):
        submit()
    assert ibm_server.submissions == []


def test_connection_lost_before_the_job_is_accepted(ibm_server, submit):
    ibm_server.faults.drop("POST /jobs")
    with pytest.raises(IBMRuntimeError, match="Connection aborted"):
        submit()
    assert ibm_server.submissions == []


def test_connection_lost_after_the_job_is_accepted(ibm_server, submit):
    ibm_server.faults.drop("POST /jobs", after=True)
    with pytest.raises(IBMRuntimeError, match="Connection aborted"):
        submit()
    (lost,) = ibm_server.submissions
    (found,) = ibm_server.service().jobs(job_tags=["mine"])
    assert found.job_id() == lost["id"]
    assert found.result(poll_interval=0.1)[0].data.meas.num_shots == 32


def test_connections_lost_while_polling_are_retried(ibm_server, submit):
    job = submit()
    ibm_server.faults.drop("GET /jobs/{id}", times=2)
    assert job.result(poll_interval=0.1)[0].data.meas.num_shots == 32
    assert len(ibm_server.submissions) == 1


def test_error_while_polling(ibm_server, submit):
    job = submit()
    ibm_server.faults.error("GET /jobs/{id}", 404, code=1291, message="Job not found.")
    with pytest.raises(RequestsApiError, match="1291"):
        job.status()
    assert job.result(poll_interval=0.1)[0].data.meas.num_shots == 32


def test_slow_polls(ibm_server, submit):
    job = submit()
    ibm_server.faults.delay("GET /jobs/{id}", 0.5)
    start = time.monotonic()
    job.status()
    assert time.monotonic() - start > 0.5


def test_truncated_results(ibm_server, submit):
    job = submit()
    ibm_server.faults.truncate()
    with pytest.raises(TypeError):  # the client takes what is not JSON for a result that is a string
        job.result(poll_interval=0.1)
    assert job.result()[0].data.meas.num_shots == 32


def test_connection_lost_in_the_middle_of_the_results(ibm_server, submit):
    job = submit()
    ibm_server.faults.truncate(cut=True)
    with pytest.raises(RequestsApiError, match="IncompleteRead"):
        job.result(poll_interval=0.1)
    assert job.result()[0].data.meas.num_shots == 32


def test_failed_job(ibm_server, submit):
    ibm_server.faults.fail_job("Temporary internal error.", code=9707, skip=1)
    submit().result(poll_interval=0.1)
    job = submit()
    with pytest.raises(RuntimeJobFailureError, match="9707; Temporary internal error"):
        job.result(poll_interval=0.1)
    assert job.usage() > 1.0  # and it is charged
    submit().result(poll_interval=0.1)


def test_cancelled_jobs(ibm_server, submit):
    ibm_server.faults.cancel_job()
    with pytest.raises(RuntimeInvalidStateError, match="cancelled"):
        submit().result(poll_interval=0.1)
    ibm_server.faults.cancel_job("Ran too long.", code=1305)
    with pytest.raises(RuntimeJobMaxTimeoutError, match="Ran too long"):
        submit().result(poll_interval=0.1)


def test_held_job_runs_when_the_faults_are_cleared(ibm_server, submit):
    ibm_server.faults.hold_job()
    held, free = submit(), submit()
    free.result(poll_interval=0.1)
    assert held.status() == "QUEUED"
    ibm_server.faults.clear()
    assert held.result(poll_interval=0.1)[0].data.meas.num_shots == 32


def test_rejected_token(ibm_server, submit):
    job = submit()
    ibm_server.faults.reject_token()
    with pytest.raises(IBMNotAuthorizedError, match="Invalid credentials"):
        job.status()
    with pytest.raises(QiskitBackendNotFoundError):  # the client takes the refusal for an instance without backends
        submit()
    ibm_server.faults.clear()
    assert job.result(poll_interval=0.1)[0].data.meas.num_shots == 32


def test_faults_and_counts_over_http(ibm_server, submit):
    fault = {"kind": "fail_job", "message": "Asked for by a script.", "code": 1}
    answer = requests.post(f"{ibm_server.url}/_loopback/faults", json=fault, timeout=10)
    assert answer.json()[0]["kind"] == "fail_job"
    with pytest.raises(RuntimeJobFailureError, match="Asked for by a script"):
        submit().result(poll_interval=0.1)
    state = requests.get(f"{ibm_server.url}/_loopback/state", timeout=10).json()
    assert state["requests"]["POST /jobs"] == 1
    assert state["jobs"][0]["status"] == "Failed"
    assert state["submissions"] == ibm_server.submissions
    assert state["faults"] == []
    wrong = requests.post(f"{ibm_server.url}/_loopback/faults", json={"kind": "explode"}, timeout=10)
    assert wrong.status_code == 400
    assert requests.delete(f"{ibm_server.url}/_loopback/faults", timeout=10).status_code == 204


def test_faults_are_read_from_a_line():
    fault = Fault.parse("error,route=POST /jobs,status=502,times=2,after=true")
    assert fault == Fault("error", "POST /jobs", times=2, status=502, after=True)
    with pytest.raises(ValueError, match="has no colour"):
        Fault.parse("drop,colour=red")
    with pytest.raises(ValueError, match="must be one of"):
        Fault.parse("explode")
    with pytest.raises(ValueError, match="has no `after`"):
        Fault.parse("delay,after=true")
