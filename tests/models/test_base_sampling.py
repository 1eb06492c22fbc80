"""How all three models sample: seeds, generators, noise, labels, executions, batches."""

import logging

import pytest
import torch
from small import KINDS, diffusion, hybrid, images, same, style, train, trained, weights

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, DatasetError
from qiskit_qgen.execution import AerExecution, LocalExecution, RuntimeExecution


@pytest.fixture(scope="module")
def models():
    return {kind: trained(make()) for kind, make in KINDS.items()}


@pytest.fixture(params=KINDS)
def model(request, models):
    return models[request.param]


def test_samples_are_images_that_depend_on_their_seed_alone(model):
    state, drawn = torch.get_rng_state(), model.sample(5, seed=3)
    assert drawn.shape == (5, 1, 8, 8)
    assert drawn.dtype == torch.float32
    assert not drawn.requires_grad
    assert 0 <= drawn.min() < drawn.max() <= 1
    assert torch.equal(model.sample(5, seed=3), drawn)
    assert not torch.equal(model.sample(5, seed=4), drawn)
    assert not torch.equal(model.sample(5), model.sample(5))
    assert torch.equal(torch.get_rng_state(), state)


def test_a_generator_is_a_source_in_place_of_a_seed(model):
    first, second = (torch.Generator().manual_seed(5) for _ in range(2))
    drawn = model.sample(4, generator=first)
    assert torch.equal(model.sample(4, generator=second), drawn)
    assert not torch.equal(model.sample(4, generator=first), drawn)  # it has gone on


def test_samples_are_decoded_latents(model):
    latents = model.sample_latents(4, seed=2)
    assert torch.equal(model.decode_latents(latents), model.sample(4, seed=2))
    with pytest.raises(ArgumentError, match=r"`latents` must have shape \(N, .*\), but has shape \(2, 99\)"):
        model.decode_latents(torch.zeros(2, 99))
    with pytest.raises(ArgumentTypeError, match="`latents` must be a tensor, but is of type int"):
        model.decode_latents(3)


def test_sampling_changes_neither_the_mode_nor_the_weights_nor_the_execution(model):
    before = weights(model)
    for mode in (True, False):
        model.train(mode)
        drawn = model.sample(2, seed=0)
        assert model.training is mode
        assert torch.equal(drawn, model.sample(2, seed=0))
    exact = model.sample(2, seed=0, execution=LocalExecution(dtype=torch.float64))
    assert not torch.equal(model.sample(2, seed=0, execution=LocalExecution(shots=20, seed=0)), exact)
    torch.testing.assert_close(model.sample(2, seed=0, execution=AerExecution()), exact, atol=1e-3, rtol=1e-3)
    assert torch.equal(model.sample(2, seed=0), drawn)
    assert same(weights(model), before)


@pytest.mark.parametrize("batch", [1, 3, 7])
@pytest.mark.parametrize("kind", KINDS)
def test_batches_of_noise_do_not_change_samples(models, kind, batch, monkeypatch):
    noise = torch.randn(7, models[kind].noise_dim, generator=torch.Generator().manual_seed(0))
    expected = models[kind].sample(noise=noise)
    monkeypatch.setattr(type(models[kind]), "_sample_batch", batch)
    torch.testing.assert_close(models[kind].sample(noise=noise), expected, atol=1e-5, rtol=0)


def test_samples_in_many_batches_are_all_different_and_begin_alike(models):
    many = models["style"].sample(1100, seed=0)
    assert many.flatten(1).unique(dim=0).shape[0] == 1100
    assert torch.allclose(many[:512], models["style"].sample(512, seed=0), atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_an_untrained_model_samples_with_a_warning(kind, caplog):
    model = KINDS[kind]()
    with caplog.at_level(logging.WARNING):
        assert model.sample(2, seed=0).shape == (2, 1, 8, 8)
        assert "come from a" in caplog.text
        assert "that was neither trained nor loaded" in caplog.text
        caplog.clear()
        trained(model).sample(2, seed=0)
    assert "neither trained" not in caplog.text


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({}, ArgumentError, "`num_samples` must be given unless `noise` is"),
        ({"num_samples": 0}, ArgumentError, "`num_samples` must be a positive integer, but is 0"),
        ({"num_samples": 10**15}, ArgumentError, "`num_samples` must be small enough for memory, but 10{15} samples"),
        ({"num_samples": 1, "seed": -1}, ArgumentError, "`seed` must be an integer from 0"),
        ({"num_samples": 1, "seed": 1, "generator": torch.Generator()}, ArgumentError, "At most one of .*`seed`"),
        ({"num_samples": 1, "generator": 3}, ArgumentTypeError, "`generator` must be a torch.Generator or None, but"),
        ({"noise": 3}, ArgumentTypeError, "`noise` must be a tensor, but is of type int"),
        ({"noise": torch.zeros(2, 99)}, ArgumentError, r"`noise` must have shape \(N, \d+\), but has shape \(2, 99\)"),
        ({"num_samples": 1, "labels": 0}, ArgumentError, "`labels` must be None for a model without classes"),
        ({"num_samples": 1, "execution": "aer"}, ArgumentTypeError, "`execution` must be an execution such as"),
        ({"num_samples": 1, "temperature": 1}, ArgumentTypeError, r"\.sample has no option `temperature`"),
    ],
)
def test_bad_calls_are_refused_in_a_sentence(model, options, error, sentence):
    with pytest.raises(error, match=sentence):
        model.sample(**options)


def test_noise_of_another_number_is_refused(model):
    with pytest.raises(ArgumentError, match=rf"`noise` must have shape \(3, {model.noise_dim}\), but has shape \(2, "):
        model.sample(3, noise=torch.zeros(2, model.noise_dim))


@pytest.mark.parametrize(
    "make",
    [lambda: style("classical"), lambda: hybrid("none"), lambda: hybrid("discriminator"), lambda: diffusion("se")],
)
def test_an_execution_without_a_circuit_to_run_is_refused(make):
    with pytest.raises(ArgumentError, match="`execution` must be None where no circuit runs"):
        make().sample(1, execution=LocalExecution())


def test_labels_are_one_for_all_or_one_for_each():
    model = diffusion(num_classes=3)
    with pytest.raises(ArgumentTypeError, match="`labels` must be a label or an array of labels, but is of type str"):
        train(model, labels="abc")
    train(model, labels=[0, 1, 2, 0] * 5)
    assert torch.equal(model.sample(2, seed=0, labels=1), model.sample(2, seed=0, labels=[1, 1]))
    assert torch.equal(model.sample(2, seed=0), model.sample(2, seed=0))
    with pytest.raises(ArgumentTypeError, match="`labels`"):
        model.sample(1, labels="a")
    for labels in (3, [0, -1], [0.0, 1.0]):
        with pytest.raises(DatasetError, match="`labels` must hold integers from 0 to 2"):
            model.sample(2, labels=labels)
    with pytest.raises(ArgumentError, match=r"`labels` must have shape \(2,\), but has shape \(3,\)"):
        model.sample(2, labels=[0, 1, 2])


def test_a_saved_model_samples_through_the_ibm_server_as_on_the_simulator(ibm_server, tmp_path, monkeypatch):
    monkeypatch.setenv("QISKIT_QGEN_CACHE", str(tmp_path))
    before = trained(hybrid("generator"))
    before.save_pretrained(tmp_path / "m")
    model = type(before).from_pretrained(tmp_path / "m")
    execution = RuntimeExecution("ibm_manila", service=ibm_server.service(), shots=4000, mode="job")
    assert model.estimate_cost(3, execution=execution).qpu_seconds > 0
    with execution:
        latents = model.sample_latents(3, seed=0, execution=execution)
    assert len(ibm_server.submissions) == 1
    assert torch.allclose(latents, before.sample_latents(3, seed=0), atol=0.08)


def test_reconstructions_come_from_the_autoencoder_alone(models):
    data = images(4)
    rebuilt = models["style"].reconstruct(data)
    network = models["style"].networks["autoencoder"]
    assert torch.allclose(rebuilt, network.decode(network.encode(data)))
    with pytest.raises(ArgumentError, match="This HybridGAN has no autoencoder"):
        models["hybrid"].reconstruct(data)
