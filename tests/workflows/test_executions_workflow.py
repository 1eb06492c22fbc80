"""One trained model on every execution: it samples there, and it trains there."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from qiskit_qgen import LocalExecution, StyleQGAN
from qiskit_qgen.execution import (
    AerExecution,
    ErrorMitigation,
    RetryPolicy,
    RuntimeExecution,
    depolarizing_noise,
    readout_noise,
)
from qiskit_qgen.execution.aer.estimator import AerEstimator
from qiskit_qgen.training import AbstractCallback

ROOT = Path(__file__).parents[2]
ROWS = torch.randn(40, 4, generator=torch.Generator().manual_seed(0))
EXACT = LocalExecution(dtype=torch.float64, threads=1)
SHOTS = 20_000
DEVIATION = 1 / SHOTS**0.5
QUICK = RetryPolicy(first_delay=0.05, max_delay=0.2, patience=20.0)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("QISKIT_QGEN_CACHE", str(tmp_path / "cache"))


def untrained():
    return StyleQGAN(image_shape=None, num_features=4, num_qubits=2, num_layers=1, critic_width=16)


def fit(model, **options):
    training = model.training_class(replay=2, generator_learning_rate=0.01)
    defaults = {"steps": 3, "batch_size": 8, "seed": 0, "training": training, "callbacks": [], "execution": EXACT}
    return model.fit(ROWS, **defaults | options)


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.networks["generator"].parameters()])


@pytest.fixture(scope="module")
def model():
    trained = untrained()
    fit(trained)
    return trained


@pytest.fixture(scope="module")
def exact(model):
    return model.sample_latents(6, seed=1, execution=EXACT)


def test_aer_is_exact(model, exact):
    found = model.sample_latents(6, seed=1, execution=AerExecution())
    torch.testing.assert_close(found, exact, atol=1e-6, rtol=0)


def test_local_devices_differ_by_shots_and_noise(model, exact):
    """Expectation values are the table's latents themselves, so their deviation is at most 1 / sqrt(shots)."""
    drawn = {"shots": SHOTS, "seed": 0}
    noise = depolarizing_noise(two_qubit=0.1) + readout_noise(one_to_zero=0.05)
    executions = {
        "local": LocalExecution(**drawn),
        "aer": AerExecution(**drawn),
        "errors": AerExecution(noise_model=noise),
        "errors and shots": AerExecution(**drawn, noise_model=noise),
        "device": RuntimeExecution("fake_manila", **drawn),
        "mitigated": RuntimeExecution("fake_manila", **drawn, mitigation=ErrorMitigation(resilience_level=1)),
    }
    found = {name: model.sample_latents(6, seed=1, execution=each) for name, each in executions.items()}
    assert {rows.shape for rows in found.values()} == {exact.shape}

    def distance(name, other=exact):
        return float((found[name] - other).square().mean().sqrt())

    assert 0 < distance("local") < 1.5 * DEVIATION
    assert 0 < distance("aer") < 1.5 * DEVIATION
    assert distance("errors") > 5 * DEVIATION
    assert 0 < distance("errors and shots", found["errors"]) < 1.5 * DEVIATION
    assert 1.5 * DEVIATION < distance("device") < 5 * DEVIATION
    assert distance("mitigated") < distance("device")


@pytest.mark.parametrize("mode", ["job", "batch", "session"])
def test_the_service_gives_the_same_rows_in_every_mode(ibm_server, tmp_path, model, exact, mode):
    options = {"service": ibm_server.service(), "shots": SHOTS, "ledger": tmp_path / "ledger", "retry": QUICK}
    with RuntimeExecution("ibm_manila", mode=mode, **options) as execution:
        found = model.sample_latents(6, seed=1, execution=execution)
        rows = model.sample(6, seed=1, execution=execution)
    assert 0 < (found - exact).abs().max() < 5 * DEVIATION
    assert torch.equal(rows, model.decode_latents(found))  # answered from the ledger
    (submission,) = ibm_server.submissions
    assert submission["num_circuits"] == 2 * 6


def test_training_on_aer_gives_the_weights_of_the_simulator(model, monkeypatch):
    """Parameter shifts there, adjoint derivatives here: two ways to the same gradient."""
    trained, rows = untrained(), []
    run = AerEstimator.run

    def counted(estimator, pubs, **options):
        rows.extend(len(pub[2]) for pub in pubs)
        return run(estimator, pubs, **options)

    monkeypatch.setattr(AerEstimator, "run", counted)
    fit(trained, execution=AerExecution())
    # Samples for three updates of the critic, as long as too few are kept; the generator's own, and two for each angle.
    fresh, own, shifted = 3 * 8, 4, 4 * 2 * trained.circuit.num_inputs
    assert rows == [fresh, own, shifted, fresh, own, shifted, own, shifted]
    torch.testing.assert_close(weights(trained), weights(model), atol=1e-5, rtol=0)
    assert (weights(trained) - weights(untrained())).abs().max() > 1e-3


class StopAfter(AbstractCallback):
    def __init__(self, step):
        self.step = step

    def on_step_end(self, state):
        if state.step == self.step:
            raise RuntimeError("stopped")


def test_a_training_on_noisy_shots_is_resumed_from_its_checkpoint(tmp_path, model):
    options = {"checkpoint_dir": tmp_path / "run", "checkpoint_every": 1, "resume": True}
    noise = {"noise_model": "fake_manila", "shots": 200, "seed": 0, "gradient": "spsa"}
    stopped, resumed = untrained(), untrained()
    with pytest.raises(RuntimeError, match="stopped"):
        fit(stopped, execution=AerExecution(**noise), callbacks=[StopAfter(2)], **options)
    history = fit(resumed, execution=AerExecution(**noise), **options)
    assert history.steps("adversarial", "generator_loss") == [1, 2, 3]
    assert resumed.sample(4, seed=0).shape == (4, 4)
    assert (weights(resumed) - weights(model)).abs().max() > 1e-3


def test_a_training_on_the_service_asks_for_each_step_once(ibm_server, tmp_path):
    """The step that was lost is trained again: what it asked for before, the ledger answers."""
    options = {"checkpoint_dir": tmp_path / "run", "checkpoint_every": 1, "resume": True}

    def execution():
        device = {"service": ibm_server.service(), "shots": 100, "ledger": tmp_path / "ledger", "retry": QUICK}
        return RuntimeExecution("ibm_manila", gradient="spsa", **device)

    with execution() as device, pytest.raises(RuntimeError, match="stopped"):
        fit(untrained(), execution=device, callbacks=[StopAfter(2)], **options)
    jobs = 3 + 3  # a step's samples for the critic, the generator's own and their perturbations
    assert len(ibm_server.submissions) == jobs
    with execution() as device:
        fit(untrained(), execution=device, **options)
    # Of step 2 only the perturbations are asked for again, in other directions; step 3 replays the critic's samples.
    assert len(ibm_server.submissions) == jobs + 1 + 2
    assert {each["num_pubs"] for each in ibm_server.submissions} == {1}


@pytest.mark.slow
def test_a_killed_command_pays_nothing_twice(ibm_server, tmp_path, model):
    model.save_pretrained(tmp_path / "model")
    target = tmp_path / "rows.npy"
    place = f"runtime:backend=ibm_manila,shots=100,ledger={tmp_path / 'ledger'}"
    command = [
        sys.executable,
        "-c",
        "from qiskit_qgen.cli import main; main()",
        "sample",
        str(tmp_path / "model"),
        "-n",
        "4",
        "--seed",
        "1",
    ]
    command += ["--execution", place, "--out", str(target)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    ibm_server.faults.hold_job(times=-1)
    process = subprocess.Popen(command, env=environment, cwd=ROOT)
    end = time.monotonic() + 120
    while not ibm_server.submissions:
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not target.exists()
    ibm_server.faults.clear()
    subprocess.run(command, env=environment, cwd=ROOT, check=True, timeout=120)
    assert len(ibm_server.submissions) == 1
    assert np.load(target).shape == (4, 4)
