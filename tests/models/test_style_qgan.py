import numpy as np
import pytest
import torch
from scipy import stats
from small_style import SHORT, pictures, same, small, weights
from torch import nn

from qiskit_qgen.circuits import style_ansatz
from qiskit_qgen.datasets import load_dataset
from qiskit_qgen.exceptions import (
    ArgumentError,
    ArgumentTypeError,
    CheckpointError,
    DatasetError,
    NotFittedError,
    TrainingDivergedError,
)
from qiskit_qgen.execution import LocalExecution
from qiskit_qgen.models import StyleQGAN
from qiskit_qgen.training import AbstractCallback, History, LatentFrechetDistance, Scores


@pytest.fixture(scope="module")
def fitted():
    model = small()
    model.fit(pictures(), seed=0, **SHORT)
    return model


@pytest.mark.parametrize("generator", ["quantum", "classical"])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 12), (4, 8, 10)])
def test_pictures_of_any_kind_are_learnt_and_sampled(generator, shape):
    model = small(generator, shape)
    history = model.fit(pictures(shape=shape), seed=0, **SHORT)
    assert history.phases == ("autoencoder", "adversarial")
    assert history.steps("adversarial", "generator_loss") == [1, 2, 3]
    images = model.sample(5, seed=1)
    assert images.shape == (5, *shape)
    assert images.dtype == torch.float32
    assert 0 <= images.min() <= images.max() <= 1


@pytest.mark.parametrize("generator", ["quantum", "classical"])
def test_training_changes_every_network_but_not_the_global_generator(generator):
    state = torch.get_rng_state()
    model = small(generator)
    model.fit(pictures(), seed=0, **{**SHORT, "steps": 1, "autoencoder_steps": 1})
    before = {name: [t.clone() for t in net.state_dict().values()] for name, net in model._networks().items()}
    model.fit(pictures(), seed=0, **SHORT)
    for name, network in model._networks().items():
        assert not same(before[name], list(network.state_dict().values())), name
    model.sample(3)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("generator", ["quantum", "classical"])
def test_the_same_seed_gives_the_same_bits_and_fit_starts_anew(generator):
    first, second = small(generator), small(generator)
    history = first.fit(pictures(), seed=3, **SHORT)
    second.fit(pictures(seed=9), seed=5, **SHORT)
    assert not same(weights(first), weights(second))
    assert second.fit(pictures(), seed=3, **SHORT) == history
    assert same(weights(first), weights(second))
    assert torch.equal(first.sample(7, seed=2), second.sample(7, seed=2))
    assert not torch.equal(first.sample(7, seed=2), first.sample(7, seed=3))
    assert not torch.equal(first.sample(7), first.sample(7))


def test_samples_in_many_batches_are_all_different_and_begin_alike(fitted):
    many = fitted.sample(1100, seed=0)
    assert many.flatten(1).unique(dim=0).shape[0] == 1100
    assert torch.allclose(many[:512], fitted.sample(512, seed=0), atol=1e-5)


def test_fewer_pictures_than_a_batch_are_enough():
    assert small().fit(pictures(2), seed=0, **SHORT).phases == ("autoencoder", "adversarial")
    assert small().fit(pictures(1), seed=0, **SHORT).phases == ("autoencoder", "adversarial")


def test_data_may_be_a_data_set_or_an_array():
    digits = load_dataset("digits")
    first, second = small(), small()
    first.fit(digits, seed=0, **SHORT)
    second.fit(digits.images.numpy(), seed=0, **SHORT)
    assert same(weights(first), weights(second))


def test_the_generator_learns_the_latents_distribution():
    # Two kinds of pictures, dark and bright: the samples' mean brightness must have both modes.
    generator = torch.Generator().manual_seed(0)
    levels = torch.where(torch.rand(200, 1, 1, 1, generator=generator) < 0.5, 0.1, 0.9)
    images = (levels + 0.05 * torch.randn(200, 1, 8, 8, generator=generator)).clamp(0, 1)
    model = small(critic_width=96)
    score = Scores({"latent": LatentFrechetDistance(500)}, every=50)
    history = model.fit(images, steps=250, autoencoder_steps=150, batch_size=64, seed=0, callbacks=[score])
    scores = history.values("adversarial", "latent")
    assert scores[-1] < 0.3 * scores[0]
    brightness = model.sample(400, seed=0).mean((1, 2, 3))
    assert 0.2 < (brightness < 0.4).float().mean() < 0.8
    assert 0.2 < (brightness > 0.6).float().mean() < 0.8


@pytest.mark.parametrize("scaling", ["range", "quantile"])
@pytest.mark.parametrize("generator", ["quantum", "classical"])
def test_tables_come_back_in_their_own_units(scaling, generator):
    rows = np.random.default_rng(0).normal([1000.0, -5.0], [50.0, 0.1], (100, 2))
    circuit = {"num_layers": 1, "observables": "Z"} if generator == "quantum" else {}
    model = StyleQGAN(None, 2, num_features=2, scaling=scaling, generator=generator, critic_width=8, **circuit)
    history = model.fit(rows, steps=3, batch_size=16, seed=0, callbacks=[])
    samples = model.sample(50, seed=0)
    assert history.phases == ("adversarial",)
    assert samples.shape == (50, 2)
    assert (samples[:, 0] > 500).all()
    assert (samples[:, 1] < 0).all()
    if generator == "quantum":
        assert (samples.double().numpy() >= rows.min(0) - 1e-3).all()
        assert (samples.double().numpy() <= rows.max(0) + 1e-3).all()
    scores = model.evaluate(rows)
    assert scores["extractor"] == "identity"
    with pytest.raises(ArgumentError, match="has no autoencoder"):
        model.reconstruct(rows)


@pytest.mark.parametrize("generator", ["quantum", "classical"])
def test_a_table_is_learnt(generator):
    rows = np.random.default_rng(0).beta(6, 2, (500, 2)) * 8 - 3
    distances = []
    options = {"num_features": 2, "critic_width": 96, "generator_learning_rate": 3e-3}
    circuit = {"num_layers": 1, "observables": "Z"} if generator == "quantum" else {}
    for steps in (1, 250):
        model = StyleQGAN(None, 2, generator=generator, **options, **circuit)
        model.fit(rows, steps=steps, batch_size=64, seed=0, callbacks=[])
        samples = model.sample(500, seed=0).numpy()
        distances.append(max(stats.wasserstein_distance(samples[:, i], rows[:, i]) for i in range(2)))
    assert distances[1] < 0.3 * distances[0]


def test_pixels_can_be_generated_without_an_autoencoder():
    model = StyleQGAN((1, 8, 8), 32, autoencoder=None, generator="classical", critic_width=8)
    history = model.fit(pictures(), steps=2, batch_size=8, seed=0, callbacks=[])
    assert history.phases == ("adversarial",)
    assert model.sample(3).shape == (3, 1, 8, 8)


def test_the_summary_counts_every_part():
    model = StyleQGAN((1, 28, 28), 12, 8, autoencoder_width=4)
    text = model.summary()
    assert text.startswith("StyleQGAN: not trained")
    angles = len(style_ansatz(12, 8).input_params)
    assert f"quantum, 12 qubits, 8 layers, {angles} angles" in text
    assert f"{angles * 24 + angles:,}" in text
    total = sum(p.numel() for network in model._networks().values() for p in network.parameters() if p.requires_grad)
    assert f"{total:,}" in text.splitlines()[-1]


def test_reconstructions_and_scores_have_floors(fitted):
    images = pictures(12)
    rebuilt = fitted.reconstruct(images)
    assert rebuilt.shape == images.shape
    from qiskit_qgen.metrics import IdentityFeatureExtractor

    scores = fitted.evaluate(images, extractor=IdentityFeatureExtractor(64), num_samples=10)
    assert scores["num_samples"] == 10
    assert scores["num_real"] == 12
    assert scores["floor_reconstruction"]["num_samples"] == 12
    again = fitted.evaluate(images, extractor=IdentityFeatureExtractor(64), num_samples=10)
    assert again == scores


def test_samples_come_from_the_averaged_generator():
    model = small(ema_decay=0.5)
    seen = {}

    class Look(AbstractCallback):
        def on_step_end(self, state):
            if state.phase.name == "adversarial" and state.step == 3:
                average = state.phase.averages["generator"]
                seen["average"] = [tensor.clone() for tensor in average.tensors.values()]
                seen["raw"] = [p.detach().clone() for p in state.phase.generator.parameters()]

    model.fit(pictures(), seed=0, **{**SHORT, "callbacks": [Look()]})
    final = [p.detach() for p in model._networks()["generator"].parameters()]
    assert same(final, seen["average"])
    assert not same(final, seen["raw"])


def test_clipping_bounds_the_gradient_and_changes_the_result():
    free, clipped = small(), small(clip_norm=1e-3)
    seen = []

    class Look(AbstractCallback):
        def on_step_end(self, state):
            if state.phase.name == "adversarial":
                grads = [p.grad.flatten() for p in state.phase.generator.parameters()]
                seen.append(torch.cat(grads).norm().item())

    free.fit(pictures(), seed=0, **SHORT)
    clipped.fit(pictures(), seed=0, **{**SHORT, "callbacks": [Look()]})
    assert max(seen) <= 1.001e-3
    assert not same(weights(free), weights(clipped))


def test_an_untrained_model_says_so(tmp_path):
    model = small()
    for call in (lambda: model.sample(1), lambda: model.save_pretrained(tmp_path), lambda: model.evaluate(pictures())):
        with pytest.raises(NotFittedError, match="has no trained weights: call `fit` or `from_pretrained` before"):
            call()
    assert model.history is None


def test_a_diverged_model_cannot_be_sampled():
    model = small(generator_learning_rate=1e30, lr_schedule="constant", warmup=0.0, ema_decay=0.0)
    with pytest.raises(TrainingDivergedError, match=r"phase 'adversarial' at step \d"):
        model.fit(pictures(), seed=0, **{**SHORT, "steps": 50})
    with pytest.raises(NotFittedError):
        model.sample(1)


def test_a_failed_call_leaves_a_trained_model_as_it_was(tmp_path, fitted):
    before = weights(fitted)
    small().fit(pictures(), seed=1, checkpoint_dir=tmp_path, **SHORT)
    with pytest.raises(CheckpointError, match="holds the checkpoint of an earlier run"):
        fitted.fit(pictures(), seed=0, checkpoint_dir=tmp_path, **SHORT)
    with pytest.raises(DatasetError):
        fitted.fit(torch.rand(3, 1, 9, 9), **SHORT)
    assert same(before, weights(fitted))
    assert isinstance(fitted.history, History)
    fitted.sample(1)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"steps": 4}, "`steps` was 3, but is now 4"),
        ({"batch_size": 9}, "`batch_size` was 8, but is now 9"),
        ({"seed": 1}, "`seed` was 0, but is now 1"),
        ({"data": pictures(seed=1)}, "`data` was"),
        ({"model": {"n_critic": 3}}, "`n_critic` was 2, but is now 3"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_by_name(tmp_path, change, text):
    small(n_critic=2).fit(pictures(), seed=0, checkpoint_dir=tmp_path, **SHORT)
    change = dict(change)
    model = small(**{"n_critic": 2, **change.pop("model", {})})
    data = change.pop("data", pictures())
    with pytest.raises(CheckpointError, match=text):
        model.fit(data, checkpoint_dir=tmp_path, resume=True, **{**SHORT, "seed": 0, **change})


def test_a_run_without_a_seed_resumes_with_its_own(tmp_path):
    first, second = small(), small()
    history = first.fit(pictures(), checkpoint_dir=tmp_path, **SHORT)
    assert second.fit(pictures(), checkpoint_dir=tmp_path, resume=True, **SHORT) == history
    assert same(weights(first), weights(second))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"num_qubits": 0}, "`num_qubits` must be an integer from 1 to 24, but is 0"),
        ({"num_layers": -1}, "`num_layers` must be a positive integer, but is -1"),
        ({"image_shape": (28, 28)}, "`image_shape` must have shape"),
        ({"image_shape": (1, 28, 7)}, r"`image_shape\[2\]` must be an integer from 8 to 64"),
        ({"image_shape": None}, "`num_features` must be a positive integer if `image_shape` is None"),
        ({"image_shape": None, "num_features": 25}, "must give a read-out for each of the 25 numbers"),
        ({"latent_dim": 25}, r"12 qubits with `observables='XZ'` give 24"),
        ({"observables": "XX"}, "`observables` must name each of X, Y, Z"),
        ({"observables": "W"}, "`observables` must name each of X, Y, Z"),
        ({"generator": "hybrid"}, "`generator` must be one of 'quantum', 'classical', but is 'hybrid'"),
        ({"autoencoder": "vae"}, "`autoencoder` must be one of 'conv', but is 'vae'"),
        ({"scaling": "log"}, "`scaling` must be one of"),
        ({"latent_transform": "log"}, "`latent_transform` must be one of"),
        ({"latent_bound": "log"}, "`latent_bound` must be one of"),
        ({"n_critic": 0}, "`n_critic` must be a positive integer"),
        ({"betas": (0.5, 1.0)}, r"`betas\[1\]` must be a number in \[0, 1\)"),
        ({"betas": (0.5, 0.9, 0.9)}, r"`betas` must have shape \(2,\)"),
        ({"clip_norm": 0}, "`clip_norm` must be a number in"),
        ({"ema_decay": 1}, r"`ema_decay` must be a number in \[0, 1\), but is 1"),
        ({"gradient_penalty": -1}, "`gradient_penalty`"),
        ({"lr_schedule": "step"}, "`lr_schedule` must be one of"),
        ({"init_scale": -0.1}, "`init_scale`"),
        ({"init": "zero"}, "`init` must be one of"),
        ({"entanglement": "star"}, "`entanglement` must be"),
        ({"entangler": "ccx"}, "`entangler`"),
        ({"rotations": ("rz",)}, r"must end with RY, or RY and RZ, .* choose `init='uniform'`"),
        ({"latent_noise": -0.1}, "`latent_noise`"),
    ],
)
def test_bad_arguments_are_refused(arguments, text):
    with pytest.raises(ArgumentError, match=text):
        StyleQGAN(**arguments)


def test_bad_modules_and_calls_are_refused():
    with pytest.raises(ArgumentTypeError, match="`autoencoder` must be a module with a method `encode`"):
        StyleQGAN(autoencoder=nn.Identity())
    with pytest.raises(ArgumentTypeError, match="`betas` must be two numbers, but is of type float"):
        StyleQGAN(betas=0.5)
    with pytest.raises(ArgumentTypeError, match="`rotations` must be a list of gate names, but is of type str"):
        StyleQGAN(rotations="ry")
    model = small()
    for options, text in [
        ({"steps": 0}, "`steps` must be a positive integer, but is 0"),
        ({"batch_size": 1}, "`batch_size` must be an integer of at least 2, but is 1"),
        ({"autoencoder_steps": -1}, "`autoencoder_steps` must be a non-negative integer"),
        ({"seed": -1}, "`seed` must be"),
        ({"checkpoint_every": 0}, "`checkpoint_every` must be a positive integer"),
        ({"resume": True}, "`checkpoint_dir` must name a folder if `resume` is True"),
        ({"execution": LocalExecution()}, "`execution` must be None for a classical generator"),
    ]:
        with pytest.raises(ArgumentError, match=text):
            model.fit(pictures(), **{**SHORT, **options})
    with pytest.raises(ArgumentTypeError, match=r"`callbacks\[0\]` must be a callback, but is of type int"):
        model.fit(pictures(), **{**SHORT, "callbacks": [3]})
    tabular = StyleQGAN(None, 2, num_features=2, generator="classical")
    with pytest.raises(ArgumentError, match="`autoencoder_steps` must be None without an autoencoder, but is 3"):
        tabular.fit(torch.rand(5, 2), **SHORT)


def test_bad_sampling_calls_are_refused(fitted):
    with pytest.raises(ArgumentError, match="`num_samples` must be a positive integer, but is 0"):
        fitted.sample(0)
    with pytest.raises(
        ArgumentError, match="`num_samples` must be small enough for memory, but 1000000000000000 samples"
    ):
        fitted.sample(10**15)
    with pytest.raises(ArgumentError, match="`execution` must be None for a classical generator"):
        fitted.sample(1, execution=LocalExecution())


def test_brick_entanglement_takes_even_and_odd_bonds_in_turn():
    even, odd = [(0, 1), (2, 3), (4, 5)], [(1, 2), (3, 4), (5, 0)]
    layers = [even, even, odd, odd]
    layers += [[(b, a) for a, b in pairs] for pairs in layers]
    circuit = StyleQGAN((1, 8, 8), 6, 8).circuit.circuit
    pairs = [tuple(circuit.find_bit(q).index for q in g.qubits) for g in circuit.data if g.operation.name == "cx"]
    assert pairs == [pair for layer in layers for pair in layer]
    for num_qubits in (1, 2, 3):
        StyleQGAN((1, 8, 8), num_qubits, 9).summary()


def test_the_published_style_qgan_can_be_built():
    # arXiv 2110.06933: RY RZ RY RZ and a CRY ring per layer, a last RY; 10 D L + 2 D trainable numbers.
    model = StyleQGAN(
        None,
        3,
        2,
        num_features=3,
        observables="Z",
        rotations=("ry", "rz", "ry", "rz"),
        entangler="cry",
        entanglement="ring",
        final_rotations=("ry",),
        cyclic_style=True,
        noise_dim=5,
    )
    weights = sum(p.numel() for p in model._networks()["generator"].parameters())
    assert weights == 10 * 3 * 2 + 2 * 3
    model.fit(torch.randn(20, 3), steps=2, batch_size=8, seed=0, callbacks=[])
    assert model.sample(4).shape == (4, 3)
