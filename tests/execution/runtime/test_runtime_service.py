"""The real client against a server that speaks IBM's protocol, and misbehaves."""

import logging
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from qiskit.circuit.library import efficient_su2
from qiskit.primitives import StatevectorEstimator
from runtime_parts import runtime_device

from qiskit_qgen.circuits import pauli_observables, style_ansatz
from qiskit_qgen.exceptions import ArgumentError, ExecutionError
from qiskit_qgen.execution import ErrorMitigation, JobLimits, RetryPolicy
from qiskit_qgen.execution.runtime.estimator import RuntimeEstimator
from qiskit_qgen.execution.runtime.ledger import Ledger
from qiskit_qgen.execution.runtime.sampler import RuntimeSampler

ROOT = Path(__file__).parents[3]
CIRCUIT = efficient_su2(3, reps=1)
OBSERVABLES = ["ZZI", "XIX", "IZZ"]
VALUES = np.linspace(-2, 2, 48).reshape(4, 12)
PUB = (CIRCUIT, [[name] for name in OBSERVABLES], VALUES)
EXACT = StatevectorEstimator().run([PUB]).result()[0].data.evs
QUICK = RetryPolicy(first_delay=0.05, max_delay=0.2, patience=5.0)
SPLIT = JobLimits(max_executions=2 * 2 * 1000)  # two rows in two bases


@pytest.fixture(autouse=True)
def quick_client(monkeypatch):
    """Let the client's own repetitions follow at once."""
    monkeypatch.setattr("urllib3.util.retry.Retry.get_backoff_time", lambda _: 0.0)


def device(server, folder, **options):
    defaults = {"service": server.service(), "shots": 1000, "ledger": folder / "ledger", "retry": QUICK}
    return runtime_device("ibm_manila", **defaults | options)


def values(device):
    return RuntimeEstimator(device).run([PUB]).result()[0].data.evs


def check(found):
    np.testing.assert_allclose(found, EXACT, atol=0.15)


@pytest.mark.parametrize("mode", ["job", "batch", "session"])
@pytest.mark.parametrize("primitives", ["executor", "legacy"])
def test_every_mode(ibm_server, tmp_path, mode, primitives):
    runtime = device(ibm_server, tmp_path, mode=mode, primitives=primitives)
    runtime.connection.enter()
    check(values(runtime))
    several = RuntimeEstimator(runtime).run([(CIRCUIT, OBSERVABLES, row) for row in VALUES]).result()
    check(np.transpose([each.data.evs for each in several]))
    runtime.connection.exit()
    assert len(ibm_server.submissions) == 2
    sessions = ibm_server.state()["sessions"]
    assert [session["mode"] for session in sessions] == {"job": [], "batch": ["batch"], "session": ["dedicated"]}[mode]
    assert not any(session["accepting_jobs"] for session in sessions)
    assert {bool(each["session_id"]) for each in ibm_server.submissions} == {mode != "job"}


def test_one_pass_is_one_job_with_one_pub_and_two_circuits_a_row(ibm_server, tmp_path):
    check(values(device(ibm_server, tmp_path)))
    (submission,) = ibm_server.submissions
    assert submission["num_circuits"] == 2 * len(VALUES)


def test_256_samples_of_12_qubits_are_one_job_of_two_circuits_each(ibm_server, tmp_path):
    """Read out in X and Z; stock QML measures 24 circuits a sample."""
    ibm_server.faults.hold_job(times=-1)
    runtime = runtime_device("ibm_torino", service=ibm_server.service(), shots=1024, ledger=tmp_path)
    circuit, observables = style_ansatz(12, 2).circuit, pauli_observables(12, "XZ")
    RuntimeEstimator(runtime).run([(circuit, [[one] for one in observables], np.zeros((256, circuit.num_parameters)))])
    (submission,) = ibm_server.submissions
    assert submission["num_circuits"] == 2 * 256


@pytest.mark.parametrize("primitives", ["executor", "legacy"])
def test_samples(ibm_server, tmp_path, primitives):
    measured = CIRCUIT.copy()
    measured.measure_all()
    runtime = device(ibm_server, tmp_path, primitives=primitives)
    for _ in range(2):
        bits = RuntimeSampler(runtime).run([(measured, VALUES)]).result()[0].data.meas
        found = [bits.expectation_values(name) for name in ("ZZI", "IZZ")]
        np.testing.assert_allclose(found, EXACT[[0, 2]], atol=0.15)
    assert len(ibm_server.submissions) == 1


def test_a_request_above_the_limits_is_one_batch_of_several_jobs(ibm_server, tmp_path):
    check(values(device(ibm_server, tmp_path, mode="batch", limits=SPLIT)))
    assert len(ibm_server.submissions) == 2
    (session,) = ibm_server.state()["sessions"]
    assert (session["mode"], session["accepting_jobs"]) == ("batch", False)


def test_a_session_needs_a_block(ibm_server, tmp_path):
    with pytest.raises(ArgumentError, match="a session is billed while it is open, so write `with RuntimeExecution"):
        values(device(ibm_server, tmp_path, mode="session"))
    assert ibm_server.submissions == []


def test_the_open_plan_has_no_sessions(start_ibm_server, tmp_path):
    server = start_ibm_server(noise=False, plan="open")
    runtime = device(server, tmp_path, mode="session")
    runtime.connection.enter()
    with pytest.warns(UserWarning, match="plan is the open one, which has no sessions: a batch is used"):
        check(values(runtime))
    runtime.connection.exit()
    assert [session["mode"] for session in server.state()["sessions"]] == ["batch"]


def test_nothing_that_is_known_is_asked_again(ibm_server, tmp_path):
    first = values(device(ibm_server, tmp_path))
    np.testing.assert_array_equal(values(device(ibm_server, tmp_path)), first)
    assert len(ibm_server.submissions) == 1
    for results in (tmp_path / "ledger" / "results").iterdir():
        results.unlink()
    np.testing.assert_array_equal(values(device(ibm_server, tmp_path)), first)  # read from the service again
    assert len(ibm_server.submissions) == 1
    values(device(ibm_server, tmp_path, shots=999))
    values(device(ibm_server, tmp_path, mitigation=ErrorMitigation(resilience_level=1)))
    assert len(ibm_server.submissions) == 3


def test_a_job_is_recorded_before_it_is_waited_for(ibm_server, tmp_path):
    ibm_server.faults.hold_job()
    runtime = device(ibm_server, tmp_path)
    job = RuntimeEstimator(runtime).run([PUB])
    (record, submitted) = Ledger(tmp_path / "ledger").records()
    assert (record["event"], submitted["event"]) == ("intended", "submitted")
    assert submitted["job_id"] == ibm_server.submissions[0]["id"] == job.job_id()
    assert ibm_server.submissions[0]["tags"] == [record["tag"]]
    ibm_server.faults.clear()
    check(job.result()[0].data.evs)


SCRIPT = """if True:
    import sys
    import numpy as np
    from qiskit.circuit.library import efficient_su2
    from qiskit_qgen.execution import JobLimits, RuntimeExecution
    values = np.linspace(-2, 2, 48).reshape(4, 12)
    pub = (efficient_su2(3, reps=1), [["ZZI"], ["XIX"], ["IZZ"]], values)
    options = {"shots": 1000, "ledger": sys.argv[1], "limits": JobLimits(max_executions=4000)}
    with RuntimeExecution("ibm_manila", mode="batch", **options) as execution:
        found = execution.estimator().run([pub]).result()[0].data.evs
    np.save(sys.argv[2], found)
"""


def start_script(server, tmp_path):
    environment = os.environ | server.environment() | {"OMP_NUM_THREADS": "1", "HOME": str(tmp_path)}
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "ledger"), str(tmp_path / "found.npy")]
    return subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("moment", ["all queued", pytest.param("one finished", marks=pytest.mark.slow)])
def test_a_killed_run_pays_nothing_twice(ibm_server, tmp_path, moment):
    """SIGKILL, then the same command: the server counts what was submitted."""
    ibm_server.faults.hold_job(skip=1 if moment == "one finished" else 0, times=-1)
    process = start_script(ibm_server, tmp_path)
    end = time.monotonic() + 60
    while len(ibm_server.submissions) < 2 or (moment == "one finished" and not finished(ibm_server)):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.02)
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "found.npy").exists()
    ibm_server.faults.clear()
    (session,) = ibm_server.state()["sessions"]
    assert session["accepting_jobs"]
    again = start_script(ibm_server, tmp_path)
    _, errors = again.communicate(timeout=60)
    assert again.returncode == 0, errors
    assert f"The batch {session['id']} was left open by a process that ended: it is closed now." in errors
    assert len(ibm_server.submissions) == 2
    assert not any(each["accepting_jobs"] for each in ibm_server.state()["sessions"])
    check(np.load(tmp_path / "found.npy"))


def finished(server):
    return any(job.final for job in server.jobs)


def test_a_submission_whose_answer_was_lost_is_found_by_its_tag(ibm_server, tmp_path):
    ibm_server.faults.drop("POST /jobs", after=True, times=1)
    check(values(device(ibm_server, tmp_path)))
    assert len(ibm_server.submissions) == 1


def test_a_process_that_died_before_the_answer_finds_its_job_by_its_tag(ibm_server, tmp_path, monkeypatch):
    ledger = Ledger(tmp_path / "ledger")

    def die(*_):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "submitted", die)
        with pytest.raises(SystemExit):
            values(device(ibm_server, tmp_path))
    assert [record["event"] for record in ledger.records()] == ["intended"]
    check(values(device(ibm_server, tmp_path)))
    assert len(ibm_server.submissions) == 1
    assert [record["event"] for record in ledger.records()] == ["intended", "submitted", "finished"]


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 522, 530])
def test_a_gateway_error_after_the_job_was_made_makes_no_second_one(ibm_server, tmp_path, status):
    fault = ibm_server.faults.error("POST /jobs", status, after=True, times=1)
    check(values(device(ibm_server, tmp_path)))
    assert fault.times == 0
    assert len(ibm_server.submissions) == 1
    assert ibm_server.requests["POST /jobs"] == 1  # the client repeats nothing either


def test_a_gateway_that_stays_broken_costs_no_second_job(ibm_server, tmp_path):
    ibm_server.faults.error("POST /jobs", 502, after=True, times=1)
    ibm_server.faults.error("GET /jobs", 502, times=-1)
    with pytest.raises(ExecutionError, match="did not answer for"):
        values(device(ibm_server, tmp_path, retry=RetryPolicy(patience=0.3, first_delay=0.1)))
    ibm_server.faults.clear()
    check(values(device(ibm_server, tmp_path)))
    assert len(ibm_server.submissions) == 1


@pytest.mark.parametrize("status", [400, 401, 409, 418])
def test_a_refusal_after_the_job_was_made_makes_no_second_one(ibm_server, tmp_path, status):
    ibm_server.faults.error("POST /jobs", status, after=True, times=1)
    with pytest.raises(ExecutionError, match=r"^The service "):
        values(device(ibm_server, tmp_path))
    check(values(device(ibm_server, tmp_path)))
    assert len(ibm_server.submissions) == 1


@pytest.mark.parametrize("route", ["GET /jobs/{id}", "GET /jobs/{id}/results"])
@pytest.mark.parametrize(
    ("status", "message"), [(401, "does not accept the account's API key"), (404, "refuses"), (418, "refuses")]
)
def test_a_refusal_while_waiting_is_one_sentence_and_the_same_call_goes_on(
    ibm_server, tmp_path, route, status, message
):
    runtime = device(ibm_server, tmp_path, limits=SPLIT)
    ibm_server.faults.hold_job(skip=1)
    job = RuntimeEstimator(runtime).run([PUB])
    while not finished(ibm_server):
        time.sleep(0.02)
    ibm_server.faults.clear()
    ibm_server.faults.error(route, status, skip=1, times=-1)  # the first job has been heard of
    with pytest.raises(ExecutionError, match=f"^The service .*{message}.*: the same call finds them again") as error:
        job.result()
    assert "Of 2 jobs, 1 finished" in str(error.value)
    ibm_server.faults.clear()
    check(values(device(ibm_server, tmp_path, limits=SPLIT)))
    assert len(ibm_server.submissions) == 2


@pytest.mark.filterwarnings("ignore:Unable to retrieve IBM Cloud access token")
def test_a_token_that_expires_while_waiting_is_said_in_one_sentence(ibm_server, tmp_path, monkeypatch):
    runtime = device(ibm_server, tmp_path)
    ibm_server.faults.hold_job()
    job = RuntimeEstimator(runtime).run([PUB])
    manager = runtime.connection.service._active_api_client._session.auth.tm
    ibm_server.faults.reject_token()
    with monkeypatch.context() as patch:  # the client then tries the key itself
        patch.setattr(manager, "get_token", lambda: (_ for _ in ()).throw(OSError("expired")))
        with pytest.raises(ExecutionError, match=r"^The service does not accept the account's API key .* finds them"):
            job.result()
    ibm_server.faults.clear()
    check(job.result()[0].data.evs)
    assert len(ibm_server.submissions) == 1


@pytest.mark.parametrize("status", [401, 404, 418])
def test_a_refusal_while_a_job_is_looked_up_costs_no_second_job(ibm_server, tmp_path, status):
    ibm_server.faults.hold_job()
    RuntimeEstimator(device(ibm_server, tmp_path)).run([PUB])
    runtime = device(ibm_server, tmp_path)
    ibm_server.faults.error("GET /jobs/{id}", status, times=-1)
    ibm_server.faults.error("GET /jobs", status if status != 404 else 403, times=-1)
    with pytest.raises(ExecutionError, match=r"^The service "):
        RuntimeEstimator(runtime).run([PUB])
    ibm_server.faults.clear()
    check(values(runtime))
    assert len(ibm_server.submissions) == 1


def test_a_failed_job_is_asked_again_once_whoever_waits_for_it(ibm_server, tmp_path):
    ibm_server.faults.fail_job(times=1)
    devices = [device(ibm_server, tmp_path, mode="job") for _ in range(4)]
    jobs = [RuntimeEstimator(each).run([PUB]) for each in devices]
    assert len(ibm_server.submissions) == 1
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda job: job.result()[0].data.evs, jobs))
    for each in found:
        np.testing.assert_array_equal(each, found[0])
    check(found[0])
    assert len(ibm_server.submissions) == 2


def test_equal_pieces_of_a_call_share_a_job_and_its_repetition(ibm_server, tmp_path):
    ibm_server.faults.fail_job(times=1)
    pub = (CIRCUIT, [[name] for name in OBSERVABLES], np.repeat(VALUES[:1], 3, 0))
    limits = JobLimits(max_executions=2 * 1000)
    found = RuntimeEstimator(device(ibm_server, tmp_path, limits=limits)).run([pub]).result()[0].data.evs
    np.testing.assert_allclose(found, np.repeat(EXACT[:, :1], 3, 1), atol=0.15)
    assert len(ibm_server.submissions) == 2


def test_a_full_disk_stops_the_submission(ibm_server, tmp_path, monkeypatch):
    runtime = device(ibm_server, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("os.write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(ExecutionError, match="cannot be written"):
            values(runtime)
    assert ibm_server.submissions == []
    check(values(runtime))
    assert len(ibm_server.submissions) == 1


@pytest.mark.parametrize("route", ["POST /jobs", "GET /jobs/{id}", "GET /jobs/{id}/results", "GET /backends/{name}/*"])
@pytest.mark.parametrize("fault", ["error", "drop"])
def test_passing_failures_pass(ibm_server, tmp_path, route, fault):
    runtime = device(ibm_server, tmp_path)
    if fault == "error":
        ibm_server.faults.error(route, times=2)
    else:
        ibm_server.faults.drop(route, times=2)
    check(values(runtime))
    assert len(ibm_server.submissions) == 1


def test_slow_answers_are_waited_for(ibm_server, tmp_path):
    ibm_server.faults.delay("GET /jobs/{id}", 1.0, times=2)
    check(values(device(ibm_server, tmp_path)))
    assert len(ibm_server.submissions) == 1


@pytest.mark.parametrize("cut", [True, False])
def test_results_that_arrive_damaged_are_fetched_again(ibm_server, tmp_path, cut):
    ibm_server.faults.truncate(times=1, cut=cut)
    check(values(device(ibm_server, tmp_path)))
    assert len(ibm_server.submissions) == 1


def test_results_that_stay_damaged_are_not_paid_for_twice(ibm_server, tmp_path):
    ibm_server.faults.truncate(times=-1)
    with pytest.raises(ExecutionError, match=r"The result of job .* cannot be read .*: the same call fetches"):
        values(device(ibm_server, tmp_path))
    ibm_server.faults.clear()
    check(values(device(ibm_server, tmp_path)))
    assert len(ibm_server.submissions) == 1


def test_a_failed_job_is_asked_again(ibm_server, tmp_path):
    ibm_server.faults.fail_job(times=2)
    check(values(device(ibm_server, tmp_path)))
    assert len(ibm_server.submissions) == 3


def test_only_what_failed_is_asked_again(ibm_server, tmp_path):
    ibm_server.faults.fail_job("No such luck.", skip=1, times=3)
    with pytest.raises(ExecutionError) as error:
        values(device(ibm_server, tmp_path, limits=SPLIT))
    assert "failed after 3 attempts" in str(error.value)
    assert "No such luck" in str(error.value)
    assert f"Of 2 jobs, 1 finished and kept in {tmp_path / 'ledger'}" in str(error.value)
    assert len(ibm_server.submissions) == 4
    check(values(device(ibm_server, tmp_path, limits=SPLIT)))
    assert len(ibm_server.submissions) == 5


@pytest.mark.parametrize("code", [None, 1305])
def test_a_cancelled_job_ends_the_call_and_the_next_call_asks_again(ibm_server, tmp_path, code):
    ibm_server.faults.cancel_job("Somebody stopped it.", code=code)
    with pytest.raises(ExecutionError, match="Somebody stopped it"):
        values(device(ibm_server, tmp_path))
    assert len(ibm_server.submissions) == 1
    check(values(device(ibm_server, tmp_path)))
    assert len(ibm_server.submissions) == 2


@pytest.mark.parametrize("mode", ["batch", "session"])
def test_an_expired_session_is_opened_again(ibm_server, tmp_path, mode):
    runtime = device(ibm_server, tmp_path, mode=mode)
    runtime.connection.enter()
    ibm_server.faults.expire_session()
    check(values(runtime))
    runtime.connection.exit()
    assert len(ibm_server.state()["sessions"]) == 2
    assert not any(session["accepting_jobs"] for session in ibm_server.state()["sessions"])


def test_jobs_of_a_session_that_expired_are_asked_again(ibm_server, tmp_path):
    runtime = device(ibm_server, tmp_path, mode="session")
    runtime.connection.enter()
    ibm_server.faults.hold_job()
    job = RuntimeEstimator(runtime).run([PUB])
    ibm_server.expire_sessions()
    check(job.result()[0].data.evs)
    runtime.connection.exit()
    assert len(ibm_server.state()["sessions"]) == 2


def test_a_lost_network_ends_with_a_message_and_the_same_call_goes_on(ibm_server, tmp_path):
    ibm_server.faults.hold_job()
    job = RuntimeEstimator(device(ibm_server, tmp_path, retry=RetryPolicy(patience=0.5, first_delay=0.1))).run([PUB])
    lost = ibm_server.faults.drop("GET /jobs/{id}", times=-1)
    with pytest.raises(ExecutionError, match=r"did not answer for 0.5 seconds .*: the same call finds them again"):
        job.result()
    assert lost.times == -1
    ibm_server.faults.clear()
    check(values(device(ibm_server, tmp_path)))
    assert len(ibm_server.submissions) == 1


def test_a_refused_job_says_why(ibm_server, tmp_path):
    ibm_server.faults.error("POST /jobs", 400, times=1, code=1234, message="Circuits are too blue.")
    with pytest.raises(ExecutionError, match=r"The service refuses the request: .*Circuits are too blue"):
        values(device(ibm_server, tmp_path))
    check(values(device(ibm_server, tmp_path)))
    assert len(ibm_server.submissions) == 1


def test_a_rejected_key_is_said_in_one_sentence(ibm_server, tmp_path):
    runtime = device(ibm_server, tmp_path)
    ibm_server.faults.reject_token()
    with pytest.raises(ExecutionError, match="does not accept the account's API key"):
        values(runtime)
    with pytest.raises(ExecutionError, match="does not accept the account's API key"):
        runtime_device("ibm_torino", service=runtime.connection.service)
    ibm_server.faults.clear()
    check(values(runtime))


def test_devices_by_name(ibm_server):
    assert runtime_device("least_busy").backend.name in ("ibm_kolkata", "ibm_torino", "ibm_manila")  # the saved account
    with pytest.raises(ArgumentError) as error:
        runtime_device("ibm_atlantis", service=ibm_server.service())
    assert str(error.value) == (
        "Argument `backend` must name a device of the account, one of ['ibm_kolkata', 'ibm_manila', 'ibm_torino'], "
        "but is 'ibm_atlantis'."
    )
    with pytest.raises(ArgumentError, match=r"device of the account, but is 'ibm_trino': did you mean 'ibm_torino'\?"):
        runtime_device("ibm_trino", service=ibm_server.service())


def test_no_key_is_written_anywhere(ibm_server, tmp_path, caplog):
    caplog.set_level(logging.DEBUG, logger="qiskit_qgen")
    runtime = device(ibm_server, tmp_path)
    ibm_server.faults.fail_job(times=1)
    check(values(runtime))
    secrets = (ibm_server.options.token, ibm_server.options.instance)
    written = [file.read_bytes() for file in (tmp_path / "ledger").rglob("*") if file.is_file()]
    assert len(written) >= 3
    for secret in secrets:
        assert not any(secret.encode() in content for content in written)
        assert secret not in repr(runtime) + repr(RuntimeEstimator(runtime)) + caplog.text


def test_a_cost_above_the_limit_submits_nothing(ibm_server, tmp_path):
    with pytest.raises(ExecutionError, match="above `max_cost`, 1: nothing was submitted"):
        values(device(ibm_server, tmp_path, max_cost=1.0))
    assert ibm_server.submissions == []
    assert ibm_server.state()["sessions"] == []


@pytest.mark.parametrize("mode", ["batch", "session"])
def test_what_could_not_be_closed_is_closed_by_the_next_one(ibm_server, tmp_path, caplog, mode):
    first = device(ibm_server, tmp_path, mode=mode)
    first.connection.enter()
    values(first)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("qiskit_ibm_runtime.Session.close", lambda _: (_ for _ in ()).throw(OSError("no network")))
        first.connection.exit()
    assert "could not be closed: no network" in caplog.text
    (left,) = ibm_server.state()["sessions"]
    assert left["accepting_jobs"]
    second = device(ibm_server, tmp_path, mode=mode)
    second.connection.enter()
    second.connection.exit()
    assert f"The {mode} {left['id']} was left open by a process that ended: it is closed now." in caplog.text
    assert not ibm_server.state()["sessions"][0]["accepting_jobs"]
