"""Sessions and batches through the real client."""

from __future__ import annotations

import time

import pytest
from loopback_programs import estimator_pub, sampler_pub
from qiskit_ibm_runtime import Batch, Session
from qiskit_ibm_runtime.api.exceptions import RequestsApiError
from qiskit_ibm_runtime.exceptions import IBMRuntimeError, RuntimeJobFailureError
from qiskit_ibm_runtime.executor_estimator import Estimator
from qiskit_ibm_runtime.executor_sampler import Sampler


@pytest.fixture
def backend(ibm_server):
    return ibm_server.service().backend("ibm_manila")


def test_session(ibm_server, backend):
    with Session(backend, max_time=600) as session:
        assert session.status() == "Pending"
        jobs = [
            Sampler(session).run([sampler_pub(backend)], shots=32),
            Estimator(session).run([estimator_pub(backend)]),
        ]
        for job in jobs:
            job.result()
        assert session.status() == "In progress, accepting new jobs"
        assert session.details()["max_time"] == 600
    assert session.status() == "Closed"
    assert session.usage() > 0
    assert [entry["session_id"] for entry in ibm_server.submissions] == [session.session_id] * 2
    assert [job.session_id for job in ibm_server.service().jobs(session_id=session.session_id)] == [
        session.session_id
    ] * 2
    again = Session.from_id(session.session_id, ibm_server.service())
    assert again.details()["mode"] == "dedicated"


def test_batch_is_charged_for_its_jobs(ibm_server, backend):
    with Batch(backend) as batch:
        jobs = [Sampler(batch).run([sampler_pub(backend)], shots=32) for _ in range(3)]
    for job in jobs:
        job.result()
    assert batch.status() == "Closed"
    assert batch.usage() == pytest.approx(sum(job.usage() for job in jobs), abs=1e-3)
    assert len(ibm_server.submissions) == 3


def test_open_plan_has_batches_and_no_sessions(start_ibm_server):
    server = start_ibm_server(noise=False, plan="open")
    backend = server.service().backend("ibm_manila")
    with pytest.raises(RequestsApiError, match='"code":1352,"message":"You are not authorized to run a session'):
        Session(backend)
    with Batch(backend) as batch:
        assert Sampler(batch).run([sampler_pub(backend)], shots=32).result()[0].data.meas.num_shots == 32


def test_session_that_expires_before_the_next_job(ibm_server, backend):
    with Session(backend) as session:
        Sampler(session).run([sampler_pub(backend)], shots=32).result()
        ibm_server.faults.expire_session()
        with pytest.raises(IBMRuntimeError, match='"code":1217,"message":"Session has been closed'):
            Sampler(session).run([sampler_pub(backend)], shots=32)
        with pytest.raises(IBMRuntimeError, match="Session has been closed"):
            Sampler(session).run([sampler_pub(backend)], shots=32)
    assert len(ibm_server.submissions) == 1


def test_jobs_in_the_queue_of_an_expired_session_fail(ibm_server, backend):
    ibm_server.faults.hold_job()
    session = Session(backend)
    job = Sampler(session).run([sampler_pub(backend)], shots=32)
    ibm_server.expire_sessions()
    with pytest.raises(RuntimeJobFailureError, match="Session has been closed"):
        job.result()


def test_session_ends_after_its_time(ibm_server, backend):
    session = Session(backend, max_time=1)
    Sampler(session).run([sampler_pub(backend)], shots=32).result()
    time.sleep(1.1)
    assert session.status() == "Closed"
    with pytest.raises(IBMRuntimeError, match="Session has been closed"):
        Sampler(session).run([sampler_pub(backend)], shots=32)
    assert len(ibm_server.submissions) == 1


def test_cancelled_session_cancels_its_queue(ibm_server, backend):
    ibm_server.faults.hold_job()
    session = Session(backend)
    job = Sampler(session).run([sampler_pub(backend)], shots=32)
    session.cancel()
    assert job.status() == "CANCELLED"
