"""A diffusion model's bottleneck, and its noise, on every execution: simulators, fake devices and IBM's service."""

import numpy as np
import pytest
import torch

from qiskit_qgen import LocalExecution, QuantumDiffusion
from qiskit_qgen.execution import (
    AerExecution,
    ErrorMitigation,
    RetryPolicy,
    RuntimeExecution,
    depolarizing_noise,
    readout_noise,
)
from qiskit_qgen.noise import NoisePool, QuantumCircuitNoise

IMAGES = torch.rand(8, 1, 8, 8, generator=torch.Generator().manual_seed(0))
SIZES = {"architecture_width": 8, "num_qubits": 3, "num_layers": 1, "num_steps": 20, "sampling_steps": 3}
EXACT = LocalExecution(dtype=torch.float64, threads=1)
QUICK = RetryPolicy(first_delay=0.05, max_delay=0.2, patience=20.0)


def fitted(noise="gaussian", execution=EXACT):
    model = QuantumDiffusion(image_shape=(1, 8, 8), noise=noise, **SIZES)
    training = model.training_class(ema_decay=0.0, learning_rate=0.01)
    options = {"steps": 3, "batch_size": 4, "seed": 0, "training": training, "callbacks": []}
    model.fit(IMAGES, execution=execution, **options)
    return model


@pytest.fixture(scope="module")
def model():
    return fitted()


@pytest.fixture(scope="module")
def exact(model):
    return model.sample_latents(4, seed=1, execution=EXACT)


def distance(first, second):
    return float((first - second).square().mean().sqrt())


def test_simulators_and_devices_differ_by_shots_and_noise(model, exact):
    torch.testing.assert_close(model.sample_latents(4, seed=1, execution=AerExecution()), exact, atol=1e-4, rtol=0)
    noise = depolarizing_noise(two_qubit=0.3) + readout_noise(one_to_zero=0.2)
    executions = {
        "many shots": LocalExecution(shots=20_000, seed=0),
        "few shots": LocalExecution(shots=50, seed=0),
        "errors": AerExecution(noise_model=noise),
        "device": RuntimeExecution("fake_manila", shots=2000, seed=0),
    }
    found = {
        name: distance(model.sample_latents(4, seed=1, execution=each), exact) for name, each in executions.items()
    }
    assert 0 < found["many shots"] < found["few shots"]
    # The bottleneck is one factor of each channel, so that images of few shots are near, too.
    assert max(found.values()) < 0.2, found
    assert found["errors"] > 2 * found["many shots"]
    assert found["device"] > found["many shots"]


def test_a_training_on_aer_gives_the_weights_of_the_simulator(model):
    other = fitted(execution=AerExecution())
    losses = [torch.tensor(each.history.values("denoising", "loss")) for each in (other, model)]
    torch.testing.assert_close(*losses, atol=1e-5, rtol=1e-5)
    # Not all weights: Adam takes whole steps also where the gradient is zero except for rounding.
    circuits = [each.networks["denoiser"].gate.core.weight for each in (other, model)]
    torch.testing.assert_close(*circuits, atol=1e-4, rtol=0)


def test_images_from_the_service_cost_one_job_for_each_call_and_nothing_again(model, exact, ibm_server, tmp_path):
    def drawn():
        device = {"service": ibm_server.service(), "shots": 4000, "ledger": tmp_path / "ledger", "retry": QUICK}
        with RuntimeExecution("ibm_manila", mitigation=ErrorMitigation(resilience_level=0), **device) as execution:
            assert model.estimate_cost(4, execution=execution).jobs == SIZES["sampling_steps"]
            return model.sample_latents(4, seed=1, execution=execution)

    first = drawn()
    assert 0 < distance(first, exact) < 0.1
    assert [each["num_pubs"] for each in ibm_server.submissions] == [1] * SIZES["sampling_steps"]
    assert torch.equal(drawn(), first)
    assert len(ibm_server.submissions) == SIZES["sampling_steps"]


def test_noise_of_the_service_is_drawn_once_and_trains_a_model(ibm_server, tmp_path):
    device = {"service": ibm_server.service(), "ledger": tmp_path / "ledger", "retry": QUICK}
    with RuntimeExecution("ibm_manila", **device) as execution:
        source = QuantumCircuitNoise(64, num_qubits=4, bits=6, execution=execution, calibration_shots=2000)
        assert not source.is_repeatable
        pool = NoisePool.draw(tmp_path / "pool.npy", source, 60)
    jobs = len(ibm_server.submissions)
    assert jobs >= 2  # the probabilities, then the numbers
    np.testing.assert_allclose(np.load(pool.path).std(0), 1, atol=1e-4)
    first, second = fitted(pool), fitted(NoisePool(tmp_path / "pool.npy"))
    assert torch.equal(first.sample(2, seed=0), second.sample(2, seed=0))
    assert len(ibm_server.submissions) == jobs


@pytest.mark.parametrize(
    "execution", [RuntimeExecution("fake_manila", seed=0), AerExecution(noise_model="fake_manila", seed=0)]
)
def test_noise_of_a_fake_device_is_normal_to_the_eye(execution):
    source = QuantumCircuitNoise(4, num_qubits=4, bits=6, execution=execution, calibration_shots=4000)
    drawn = source.sample(600, torch.Generator()).double().numpy()
    np.testing.assert_allclose(drawn.mean(0), 0, atol=0.25)
    np.testing.assert_allclose(drawn.var(0), 1, atol=0.3)
