"""Jobs through the real client: both families of primitives, retrieval, listing, cancellation, limits, restarts."""

from __future__ import annotations

import time
import warnings
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from loopback_programs import ANGLES, estimator_pub, exact, sampler_pub
from qiskit.circuit import QuantumCircuit
from qiskit_ibm_runtime import EstimatorV2, SamplerV2
from qiskit_ibm_runtime.exceptions import (
    IBMRuntimeError,
    RuntimeInvalidStateError,
    RuntimeJobMaxTimeoutError,
    RuntimeJobNotFound,
    RuntimeJobTimeoutError,
)
from qiskit_ibm_runtime.executor_estimator import Estimator
from qiskit_ibm_runtime.executor_sampler import Sampler

SIGMA = 1 / 64  # of a mean of 4,096 values of +-1


@pytest.fixture
def backend(ibm_server):
    return ibm_server.service().backend("ibm_kolkata")


def older(primitive, *arguments, **options):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*V2.* deprecated", DeprecationWarning)
        return primitive(*arguments, **options)


def test_estimator_of_the_client(ibm_server, backend):
    job = Estimator(backend, options={"resilience_level": 0}).run([estimator_pub(backend)])
    np.testing.assert_allclose(job.result(poll_interval=0.1)[0].data.evs, exact(), atol=5 * SIGMA)
    (submission,) = ibm_server.submissions
    assert submission["program"] == "executor"
    assert submission["num_pubs"] == 1
    assert submission["num_circuits"] == 9  # three angles, and bases Z, X and Y
    assert submission["executions"] == 9 * 4096
    assert job.usage() == pytest.approx(1.0 + 9 * 4096 * 250e-6)
    assert ibm_server.state()["usage_seconds"] == job.usage()


@pytest.mark.parametrize("level", [1, 2])
def test_estimator_mitigates_on_the_noisy_device(start_ibm_server, level):
    backend = start_ibm_server(noise=True).service().backend("ibm_manila")
    pub = estimator_pub(backend)
    raw, mitigated = (
        Estimator(backend, options={"resilience_level": chosen, "default_precision": 0.01})
        .run([pub])
        .result()[0]
        .data.evs
        for chosen in (0, level)
    )
    error, remaining = (np.abs(values - exact()).mean() for values in (raw, mitigated))
    assert error > 0.05
    assert remaining < error / 2


def test_sampler_of_the_client(backend):
    result = Sampler(backend).run([sampler_pub(backend)], shots=4096).result(poll_interval=0.1)
    ones = [counts.get("11", 0) / 4096 for counts in (result[0].data.meas.get_counts(i) for i in range(3))]
    np.testing.assert_allclose(ones, np.sin(ANGLES[:, 0] / 2) ** 2, atol=5 * SIGMA / 2)
    assert all(set(result[0].data.meas.get_counts(i)) <= {"00", "11"} for i in range(3))


def test_older_estimator(ibm_server, backend):
    job = older(EstimatorV2, backend).run([estimator_pub(backend)])
    result = job.result(poll_interval=0.1)[0]
    np.testing.assert_allclose(result.data.evs, exact(), atol=5 * SIGMA)
    np.testing.assert_allclose(result.data.stds, np.sqrt(1 - exact() ** 2) * SIGMA, atol=3e-3)
    assert (ibm_server.submissions[0]["program"], ibm_server.submissions[0]["num_circuits"]) == ("estimator", 9)


def test_older_sampler(ibm_server, backend):
    job = older(SamplerV2, backend).run([sampler_pub(backend)], shots=4096)
    ones = [job.result(poll_interval=0.1)[0].data.meas.get_counts(i).get("11", 0) / 4096 for i in range(3)]
    np.testing.assert_allclose(ones, np.sin(ANGLES[:, 0] / 2) ** 2, atol=5 * SIGMA / 2)
    assert (ibm_server.submissions[0]["program"], ibm_server.submissions[0]["executions"]) == ("sampler", 3 * 4096)


def test_small_job_takes_less_than_two_seconds(backend):
    pub = estimator_pub(backend)

    def seconds() -> float:
        start = time.monotonic()
        Estimator(backend).run([pub]).result()
        return time.monotonic() - start

    assert any(seconds() < 2.0 for _ in range(4))  # the first compiles and imports, and the machine may be busy


def test_dry_run_costs_nothing_and_its_results_are_random(ibm_server, backend):
    job = Sampler(backend).run([sampler_pub(backend)], shots=4096, dry_run=True)
    counts = job.result(poll_interval=0.1)[0].data.meas.get_counts(0)
    assert counts["01"] == pytest.approx(1024, abs=5 * 28)  # which the circuit never gives
    assert job.backend().name == "mock_kolkata"
    assert job.usage() == 0
    assert job.usage_estimation["quantum_seconds"] == pytest.approx(1.0 + 3 * 4096 * 250e-6)
    assert ibm_server.state()["usage_seconds"] == 0


def test_job_is_found_again_by_its_id(ibm_server, backend):
    job = Estimator(backend).run([estimator_pub(backend)])
    expected = job.result(poll_interval=0.1)[0].data.evs
    again = ibm_server.service().job(job.job_id())
    np.testing.assert_array_equal(again.result()[0].data.evs, expected)
    assert again.backend().name == "ibm_kolkata"
    assert again.inputs["schema_version"] == "v2.0"
    assert "Completed" in again.logs()
    assert list(again.metrics()["timestamps"]) == ["created", "running", "finished"]
    with pytest.raises(RuntimeJobNotFound):
        ibm_server.service().job("unknown")
    assert len(ibm_server.submissions) == 1


def test_jobs_are_listed(ibm_server, backend):
    service = ibm_server.service()
    ids = []
    for number in range(3):
        sampler = Sampler(backend, options={"environment": {"job_tags": ["all", f"number-{number}"]}})
        ids.append(sampler.run([sampler_pub(backend)], shots=16).job_id())
    last = service.job(ids[-1])
    last.wait_for_final_state(poll_interval=0.1)
    assert [job.job_id() for job in service.jobs()] == ids[::-1]
    assert [job.job_id() for job in service.jobs(descending=False, limit=2)] == ids[:2]
    assert [job.job_id() for job in service.jobs(job_tags=["all", "number-1"])] == [ids[1]]
    assert [job.job_id() for job in service.jobs(limit=None, pending=True)] == []
    assert service.jobs(program_id="sampler") == []
    assert service.jobs(backend_name="ibm_torino") == []
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert service.jobs(created_after=later) == []
    assert len(service.jobs(created_before=later)) == 3
    assert sorted(last.update_tags(["new"])) == ["new"]
    service.delete_job(ids[0])
    assert len(service.jobs()) == 2
    assert len(ibm_server.submissions) == 3


def test_cancelled_job(start_ibm_server):
    server = start_ibm_server(noise=False, queue_seconds=60.0)
    backend = server.service().backend("ibm_manila")
    job = Sampler(backend).run([sampler_pub(backend)])
    assert job.status() == "QUEUED"
    assert backend.status().pending_jobs == 1
    with pytest.raises(RuntimeJobTimeoutError):
        job.result(timeout=0.2, poll_interval=0.1)
    job.cancel()
    with pytest.raises(RuntimeInvalidStateError, match="cancelled"):
        job.result()
    with pytest.raises(RuntimeInvalidStateError, match="cannot be cancelled"):
        server.service().job(job.job_id()).cancel()


def test_job_that_takes_longer_than_allowed(backend):
    job = Sampler(backend, options={"max_execution_time": 1}).run([sampler_pub(backend)], shots=4096)
    with pytest.raises(RuntimeJobMaxTimeoutError, match="1305"):
        job.result(poll_interval=0.1)
    assert job.usage() == 1.0


def test_limits(start_ibm_server):
    server = start_ibm_server(noise=False, queue_seconds=60.0, max_pending_jobs=1)
    backend = server.service().backend("ibm_manila")
    Sampler(backend).run([sampler_pub(backend)])
    with pytest.raises(IBMRuntimeError, match="maximum number of pending jobs"):
        Sampler(backend).run([sampler_pub(backend)])
    with pytest.raises(IBMRuntimeError, match="executions"):
        older(SamplerV2, backend).run([sampler_pub(backend)], shots=5_000_000)
    wide = QuantumCircuit(6)
    wide.measure_all()
    with pytest.raises(IBMRuntimeError, match="6 qubits, and ibm_manila has 5"):
        Sampler(backend).run([wide])
    assert len(server.submissions) == 1


def test_instance_without_time_left_accepts_jobs_and_does_not_run_them(start_ibm_server):
    server = start_ibm_server(noise=False, usage_limit_seconds=0.5)
    backend = server.service().backend("ibm_manila")
    Sampler(backend).run([sampler_pub(backend)], shots=16).result()
    with pytest.warns(UserWarning, match="usage limit"):
        job = Sampler(backend).run([sampler_pub(backend)], shots=16)
    time.sleep(0.3)
    assert job.status() == "QUEUED"


def test_state_survives_the_server(start_ibm_server, tmp_path):
    server = start_ibm_server(noise=False, folder=tmp_path / "state")
    backend = server.service().backend("ibm_manila")
    finished = Sampler(backend).run([sampler_pub(backend)], shots=64)
    counts = finished.result(poll_interval=0.1)[0].data.meas.get_counts()
    server.faults.hold_job()
    queued = Sampler(backend).run([sampler_pub(backend)], shots=64)
    server.stop()
    again = start_ibm_server(noise=False, folder=tmp_path / "state", port=server.port)
    again.faults.clear()
    assert finished.result()[0].data.meas.get_counts() == counts  # with the client and the token of before
    queued = again.service().job(queued.job_id())
    deadline = time.monotonic() + 20
    while queued.status() != "DONE" and time.monotonic() < deadline:
        again.faults.clear()
        time.sleep(0.1)
    assert queued.result()[0].data.meas.num_shots == 64
    assert [entry["id"] for entry in again.submissions] == [finished.job_id(), queued.job_id()]
