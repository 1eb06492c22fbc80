"""How all three models sample: seeds, generators, noise, labels, executions, batches."""

import logging

import pytest
import torch
from qiskit.providers.fake_provider import GenericBackendV2
from small import KINDS, diffusion, hybrid, images, same, style, train, trained, weights

from qiskit_qgen._random import torch_generator
from qiskit_qgen.datasets import ImageDataset
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
        ({"num_samples": 1, "label": 1}, ArgumentTypeError, r"\.sample has no option `label`: did you mean `labels`\?"),
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


LATENT = {"autoencoder_steps": 150, "steps": 120, "batch_size": 32, "ema_decay": 0.9, "critic_learning_rate": 3e-3}
PIXELS = {"steps": 200, "batch_size": 16, "ema_decay": 0.9, "loss": "hinge"}
KINDS_OF_IMAGES = ImageDataset(images(20), torch.tensor([0, 1, 2, 1] * 5), "kinds", "train", ("dark", "wide", "tall"))


@pytest.fixture(scope="module", params=[style, hybrid])
def classes(request):
    return trained(request.param(num_classes=3), KINDS_OF_IMAGES)


def test_classes_are_drawn_as_often_as_in_the_data_or_as_asked(classes):
    assert classes.categories.frequencies.tolist() == [0.25, 0.5, 0.25]
    assert classes.class_names == ("dark", "wide", "tall")
    drawn = classes._draw_noise(2000, torch.Generator().manual_seed(0))[:, -3:].mean(0)
    assert drawn.tolist() == pytest.approx([0.25, 0.5, 0.25], abs=0.04)
    noise = torch.randn(2, classes.noise_dim)
    noise[:, -3:] = torch.eye(3)[[1, 1]]
    assert torch.equal(classes.sample(noise=noise), classes.sample(noise=noise, labels="wide"))
    assert not torch.equal(classes.sample(noise=noise), classes.sample(noise=noise, labels=0))
    one = classes.sample(3, seed=0, labels=["dark", "dark", "tall"])
    assert torch.equal(one, classes.sample(3, seed=0, labels=[0, 0, 2]))
    for counts in ([2, 0, 1], {"dark": 2, 2: 1}):
        assert torch.equal(one, classes.sample(class_counts=counts, seed=0))
    for options, error, sentence in [
        (
            {"num_samples": 1, "labels": "long"},
            ArgumentError,
            "`labels` must be one of 'dark', .* but is 'long'",
        ),
        ({"class_counts": [1, 2]}, ArgumentError, r"`class_counts` must have shape \(3,\), but has shape \(2,\)"),
        ({"class_counts": [0, 0, 0]}, ArgumentError, "`class_counts` must ask for one sample at least"),
        ({"class_counts": {0: -1}}, ArgumentError, r"`class_counts\[0\]` must be .* but is -1"),
        ({"class_counts": {3: 1}}, DatasetError, "`labels` must hold integers from 0 to 2"),
        ({"class_counts": 3}, ArgumentTypeError, "`class_counts` must be a number for each class"),
        ({"class_counts": [1, 0, 0], "labels": 0}, ArgumentError, "At most one of the arguments `labels` and"),
        ({"class_counts": [1, 0, 0], "num_samples": 2}, ArgumentError, r"`labels` must have shape \(2,\)"),
    ]:
        with pytest.raises(error, match=sentence):
            classes.sample(**options)


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (lambda: style("classical", num_classes=2, critic_width=32), LATENT | {"generator_learning_rate": 3e-3}),
        (lambda: style(num_classes=2, critic_width=32), LATENT | {"generator_learning_rate": 1e-2}),
        (lambda: hybrid("none", num_classes=2, discriminator_width=32), PIXELS),
        (lambda: hybrid("generator", num_classes=2, discriminator_width=32), PIXELS),
    ],
)
def test_what_is_asked_for_is_what_comes(model, options):
    labels = torch.arange(40) % 2
    noise = 0.1 * torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    data = torch.where(labels.view(-1, 1, 1, 1) == 1, 0.9, 0.0) + noise
    found = trained(model(), data, labels=labels, **options)
    asked = torch.tensor([0, 1] * 30)
    brightness = found.sample(60, seed=1, labels=asked).mean((1, 2, 3))
    assert float(((brightness > 0.5).long() == asked).float().mean()) > 0.9


def test_clusters_of_images_are_those_of_a_hybrid_gan():
    model = trained(hybrid("none", num_clusters=3))
    assert model.categories.centers.shape == (3, 64)
    sizes = model.categories.assign(images().flatten(1)).bincount(minlength=3) / 20
    torch.testing.assert_close(sizes, model.categories.frequencies)
    assert model.sample(2, seed=0, labels=[2, 0]).shape == (2, 1, 8, 8)


def test_clusters_are_found_and_can_be_asked_for():
    model = trained(style(num_clusters=4))
    real = model.normalizer(model.autoencoder.encode(images()))
    sizes = model.categories.assign(real).bincount(minlength=4) / 20
    torch.testing.assert_close(sizes, model.categories.frequencies)
    assert model.num_classes is None
    assert torch.equal(model.sample(2, seed=0, labels=3), model.sample(2, seed=0, labels=[3, 3]))
    centers = model.categories.centers.clone()
    train(model, warm_start=True)
    assert torch.equal(model.categories.centers, centers)
    with pytest.raises(ArgumentError, match="`num_clusters` must be at most the number of different images, 20, but"):
        train(style(num_clusters=21))


@pytest.mark.parametrize("make", [style, lambda: style(num_classes=3), lambda: hybrid(num_classes=3)])
def test_the_critic_keeps_the_best_of_several_candidates_of_one_category(make):
    model = trained(make(), KINDS_OF_IMAGES)
    plain, best = (model.sample_latents(30, seed=0, oversample=times) for times in (1, 8))
    judged = torch.zeros(30, model.noise_dim)
    if model.num_categories:
        rows = model._draw_noise(30, torch_generator(0, 0x73616D70, 0))
        judged[:, -3:] = rows[:, -3:]  # the first candidates' categories
    with torch.no_grad():
        assert float(model._judge(best, judged, None).mean()) > float(model._judge(plain, judged, None).mean())
    assert torch.equal(best, model.sample_latents(30, seed=0, oversample=8))
    assert torch.equal(model.sample(30, seed=0, oversample=8), model.decode_latents(best))
    scores = model.evaluate(images(10), oversample=2, extractor="pixel")
    assert scores["oversample"] == 2
    assert "oversample" not in model.evaluate(images(10), extractor="pixel")
    device = RuntimeExecution(GenericBackendV2(5, seed=0), shots=100)
    plain, costly = (model.estimate_cost(30, execution=device, oversample=times) for times in (1, 8))
    assert costly.shots == 8 * plain.shots


def test_rejection_needs_a_critic_and_fresh_noise(models):
    with pytest.raises(ArgumentError, match="`oversample` must be 1 for a QuantumDiffusion, which has no critic"):
        models["diffusion"].sample(2, oversample=2)
    with pytest.raises(ArgumentError, match="`oversample` must be 1 beside `noise`"):
        models["style"].sample(noise=torch.zeros(2, models["style"].noise_dim), oversample=2)
    with pytest.raises(ArgumentError, match="`oversample` has no effect on a training"):
        models["style"].estimate_cost(steps=2, oversample=2, execution=RuntimeExecution(GenericBackendV2(2, seed=0)))


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


@pytest.mark.parametrize("make", [style, lambda **options: hybrid("generator", **options)])
def test_classes_are_sampled_on_every_execution(make, ibm_server, tmp_path, monkeypatch):
    monkeypatch.setenv("QISKIT_QGEN_CACHE", str(tmp_path))
    model = trained(make(num_classes=3), KINDS_OF_IMAGES)
    asked = {"seed": 0, "class_counts": {"tall": 2, "dark": 1}}
    expected = model.sample(**asked)
    torch.testing.assert_close(model.sample(**asked, execution=AerExecution()), expected, atol=1e-3, rtol=1e-3)
    device = RuntimeExecution("ibm_manila", service=ibm_server.service(), shots=4000, mode="job")
    with device:
        found = model.sample(**asked, execution=device)
    assert len(ibm_server.submissions) == 1
    torch.testing.assert_close(found, expected, atol=0.1, rtol=0.1)


def test_classes_of_a_diffusion_are_sampled_on_every_execution(ibm_server, tmp_path, monkeypatch):
    monkeypatch.setenv("QISKIT_QGEN_CACHE", str(tmp_path))
    model = trained(diffusion(num_classes=3), KINDS_OF_IMAGES)
    asked = {"seed": 0, "class_counts": {"tall": 2, "dark": 1}, "sampling_steps": 2}
    expected = model.sample(**asked)
    assert not torch.equal(model.sample(**asked | {"class_counts": {"wide": 3}}), expected)
    torch.testing.assert_close(model.sample(**asked, execution=AerExecution()), expected, atol=1e-3, rtol=1e-3)
    device = RuntimeExecution("ibm_manila", service=ibm_server.service(), shots=4000, mode="job")
    with device:
        found = model.sample(**asked, execution=device)
    assert len(ibm_server.submissions) == 2  # one for each step
    torch.testing.assert_close(found, expected, atol=0.1, rtol=0.1)


def test_reconstructions_come_from_the_autoencoder_alone(models):
    data = images(4)
    rebuilt = models["style"].reconstruct(data)
    network = models["style"].networks["autoencoder"]
    assert torch.allclose(rebuilt, network.decode(network.encode(data)))
    with pytest.raises(ArgumentError, match="This HybridGAN has no autoencoder"):
        models["hybrid"].reconstruct(data)
