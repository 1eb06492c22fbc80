"""Clients that share a ledger while the service and the disk fail at random: each request is paid for once."""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from qiskit.circuit.library import efficient_su2

from qiskit_qgen import RuntimeExecution
from qiskit_qgen.exceptions import ExecutionError
from qiskit_qgen.execution import RetryPolicy

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
ROUNDS = 40
PUB = (efficient_su2(2, reps=1), [["ZZ"], ["XI"]], np.linspace(-1, 1, 16).reshape(2, 8))
QUICK = RetryPolicy(first_delay=0.02, max_delay=0.1, patience=2.0)
STATUSES = (400, 401, 404, 418, 429, 500, 502, 503, 504, 520, 522, 524)


def commit_faults(server, dice):
    """Tell the server to fail a few times, and return how many jobs it fails."""
    for _ in range(dice.randint(1, 4)):
        route = dice.choice(["POST /jobs", "GET /jobs", "GET /jobs/{id}", "GET /jobs/{id}/results"])
        options = {"times": dice.randint(1, 3), "skip": dice.randint(0, 4)}
        kind = dice.choice(["error", "drop", "truncate"])
        if kind == "error":
            server.faults.error(route, dice.choice(STATUSES), after=dice.random() < 0.7, **options)
        elif kind == "drop":
            server.faults.drop(route, after=dice.random() < 0.7, **options)
        else:
            server.faults.truncate(cut=dice.random() < 0.5, **options)
    failing = dice.randint(0, 2)
    server.faults.fail_job(times=failing, skip=dice.randint(0, 2))
    return failing


@pytest.mark.filterwarnings("ignore:Unable to retrieve IBM Cloud access token")
def test_nothing_is_paid_for_twice(ibm_server, tmp_path, monkeypatch, record_property):
    monkeypatch.setattr("urllib3.util.retry.Retry.get_backoff_time", lambda _: 0.0)
    monkeypatch.setenv("QISKIT_QGEN_CACHE", str(tmp_path / "cache"))
    totals = Counter()
    for number in range(ROUNDS):
        dice, before = random.Random(number), len(ibm_server.jobs)  # noqa: S311 (no secret)
        clients = dice.randint(2, 4)
        executions = [
            [
                RuntimeExecution(
                    "ibm_manila",
                    mode="job",
                    shots=shots,
                    service=ibm_server.service(),
                    ledger=tmp_path / f"ledger{number}",
                    retry=QUICK,
                )
                for shots in (100 + number, 1100 + number)
            ]
            for _ in range(clients)
        ]
        failing = commit_faults(ibm_server, dice)

        def client(mine, told=totals):
            while True:
                try:
                    return [each.estimator().run([PUB]).result()[0].data.evs for each in mine]
                except ExecutionError:
                    told["calls that ended in a sentence"] += 1

        with ThreadPoolExecutor(clients) as pool:
            found = list(pool.map(client, executions))
        ibm_server.faults.clear()
        for each in found[1:]:
            np.testing.assert_array_equal(each, found[0])
        made = ibm_server.jobs[before:]
        assert set(Counter(job.digest for job in made if job.status == "Completed").values()) == {1}
        assert len(made) - 2 == sum(job.status == "Failed" for job in made) <= failing
        totals += Counter({"rounds": 1, "clients": clients, "jobs": len(made), "failed jobs": len(made) - 2})
    record_property("totals", dict(totals))


SCRIPT = """if True:
    import json, resource, sys
    import numpy as np
    from qiskit.circuit.library import efficient_su2
    from qiskit_qgen import RuntimeExecution
    from qiskit_qgen.exceptions import ExecutionError
    pub = (efficient_su2(2, reps=1), [["ZZ"], ["XI"]], np.linspace(-1, 1, 16).reshape(2, 8))
    outcomes = []
    for number, limit in enumerate(json.loads(sys.argv[2])):
        estimator = RuntimeExecution(
            "ibm_manila", mode="job", shots=100 + number, ledger=f"{sys.argv[1]}/{number}"
        ).estimator()
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            estimator.run([pub]).result()
            outcomes.append("done")
        except ExecutionError as error:
            assert "cannot be written" in str(error), error
            outcomes.append("told")
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        estimator.run([pub]).result()
    print(json.dumps(outcomes))
"""


def test_a_full_disk_pays_for_nothing_twice(ibm_server, tmp_path, record_property):
    """No file may grow beyond a limit, which cuts lines and results short anywhere."""
    limits = [0, 1, *range(20, 1500, 37)]
    environment = os.environ | ibm_server.environment() | {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SCRIPT, str(tmp_path), json.dumps(limits)]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    outcomes = json.loads(done.stdout.splitlines()[-1])
    record_property("outcomes", dict(Counter(outcomes)))
    assert {"done", "told"} == set(outcomes)
    assert len(ibm_server.jobs) == len(limits)
    assert set(Counter(job.digest for job in ibm_server.jobs).values()) == {1}
