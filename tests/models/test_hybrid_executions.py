import pytest
import torch
from small_hybrid import SHORT, pictures, small

from qiskit_qgen.exceptions import ArgumentError, GradientError
from qiskit_qgen.execution import AerExecution, LocalExecution, RuntimeExecution
from qiskit_qgen.models import HybridGAN


@pytest.mark.parametrize("place", ["generator", "both"])
def test_pictures_on_aer_are_those_of_the_simulator(place):
    model = small(place)
    model.fit(pictures(), seed=0, **SHORT)
    exact = model.sample(4, seed=0, execution=LocalExecution(dtype=torch.float64))
    assert torch.allclose(model.sample(4, seed=0, execution=AerExecution()), exact, atol=1e-4)
    assert not torch.equal(model.sample(4, seed=0, execution=LocalExecution(shots=20, seed=0)), exact)


@pytest.mark.parametrize("place", ["none", "discriminator"])
def test_an_execution_without_a_circuit_to_run_is_refused(place):
    model = small(place)
    model.fit(pictures(), seed=0, **SHORT)
    with pytest.raises(ArgumentError, match="`execution` must be None where no quantum block runs"):
        model.sample(2, execution=LocalExecution())


def test_training_on_first_derivatives_runs_on_aer_and_penalties_are_refused():
    model = small(loss="hinge")
    model.fit(pictures(6), seed=0, steps=1, batch_size=2, callbacks=[], execution=AerExecution())
    with pytest.raises(GradientError):
        small().fit(pictures(6), seed=0, steps=1, batch_size=2, callbacks=[], execution=AerExecution())


def test_a_saved_model_samples_through_the_ibm_server_and_on_aer_as_on_the_simulator(ibm_server, tmp_path, monkeypatch):
    monkeypatch.setenv("QISKIT_QGEN_CACHE", str(tmp_path))
    trained = small("generator")
    trained.fit(pictures(), seed=0, **SHORT)
    trained.save_pretrained(tmp_path / "m")
    model = HybridGAN.from_pretrained(tmp_path / "m")
    execution = RuntimeExecution("ibm_manila", service=ibm_server.service(), shots=4000, mode="job")
    assert model.estimate_cost(3, execution=execution).qpu_seconds > 0
    with execution:
        latents = model.sample_latents(3, seed=0, execution=execution)
    assert len(ibm_server.submissions) == 1
    expected = trained.sample_latents(3, seed=0)
    assert torch.allclose(latents, expected, atol=0.08)
    assert torch.allclose(model.sample_latents(3, seed=0, execution=AerExecution()), expected, atol=1e-4)
