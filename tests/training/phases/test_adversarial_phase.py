import numpy as np
import pytest
import torch
from sklearn.gaussian_process.kernels import RBF

from qiskit_qgen.losses import gradient_penalty
from qiskit_qgen.networks import ClassicalBlock, ModuleBackbone, TransferDiscriminator, UpsamplingGenerator
from qiskit_qgen.noise import CategoricalNoise, GaussianNoise
from qiskit_qgen.training import AdversarialPhase, AdversarialTraining, SampleDiscrepancy, Scores, Trainer

SHAPE = (1, 8, 8)


class Counting(ModuleBackbone):
    def __init__(self):
        super().__init__(torch.nn.Flatten(), 64, name="pixels")
        self.seen = []

    def features(self, images):
        self.seen.append(len(images))
        return super().features(images)


def make(usual=1.0, **options):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        backbone = Counting()
        generator = UpsamplingGenerator(ClassicalBlock(5, 5, 15, activation="tanh"), SHAPE, width=16)
        block = ClassicalBlock(5, 5, 15, activation="tanh")
        discriminator = TransferDiscriminator(backbone, SHAPE, block, width=8)
        backbone.seen.clear()  # of finding out the shapes
        images = torch.rand(20, *SHAPE)
    phase = AdversarialPhase(
        generator,
        discriminator,
        backbone,
        GaussianNoise(5),
        images,
        options=AdversarialTraining(steps=4, batch_size=6, warmup=0.0, **options),
        gradient_penalty=usual,
        seed=1,
    )
    return phase, backbone


def test_features_of_real_images_are_computed_once():
    phase, backbone = make()
    phase.begin()
    assert backbone.seen == [20]
    for step in range(3):
        phase.train_step(step)
    assert backbone.seen == [20, 6, 6, 6]


def test_augmented_real_images_are_seen_anew_in_each_step():
    phase, backbone = make(augmentations=("translation",))
    phase.begin()
    phase.train_step(0)
    assert backbone.seen == [6, 6]


def test_a_step_is_the_updates_in_order():
    options = {"n_critic": 2, "gradient_penalty": 10.0}
    phase, twin = make(**options)[0], make(**options)[0]
    phase.begin()
    losses = phase.train_step(0)

    randomness, order = twin.step_generator(0), twin.batch_order(20, 6)
    betas = (0.5, 0.9)
    critic = torch.optim.Adam(twin.discriminator.parameters(), 1e-3, betas=betas)
    maker = torch.optim.Adam(twin.generator.parameters(), 1e-3, betas=betas)
    total = 0.0
    for index in range(2):
        images = twin.generator(torch.randn(6, 5, generator=randomness))
        fake, real = images.detach().flatten(1), twin.real[order.batch(index)].flatten(1)
        scores = twin.discriminator(fake).mean() - twin.discriminator(real).mean()
        penalty = gradient_penalty(twin.discriminator, real, fake, generator=randomness)
        loss = scores + 10 * penalty
        critic.zero_grad()
        loss.backward()
        critic.step()
        total += float(loss.detach()) / 2
    final = -twin.discriminator(images.flatten(1)).mean()
    maker.zero_grad()
    final.backward()
    maker.step()
    assert float(losses["discriminator_loss"]) == pytest.approx(total, rel=1e-4)
    assert float(losses["generator_loss"]) == pytest.approx(float(final.detach()), rel=1e-4)
    for network in ("generator", "discriminator"):
        pairs = zip(getattr(phase, network).parameters(), getattr(twin, network).parameters(), strict=True)
        assert all(torch.allclose(a, b, atol=1e-6) for a, b in pairs)


@pytest.mark.parametrize("loss", ["wgan-gp", "hinge", "bce"])
def test_each_loss_trains_both_networks(loss):
    phase, _ = make(loss=loss, clip_norm=1.0)
    weights = {f"{part}.{name}": p for part, m in phase.modules.items() for name, p in m.named_parameters()}
    before = {name: p.detach().clone() for name, p in weights.items()}
    phase.begin()
    losses = phase.train_step(0)
    unchanged = {name for name, p in weights.items() if torch.equal(before[name], p)}
    # Biases that real and generated scores have in common.
    assert unchanged <= {"discriminator.head.bias", "discriminator.block.layers.2.bias"}
    assert ("gradient_penalty" in losses) == (loss == "wgan-gp")
    assert phase.preview(3, 0).shape == (3, *SHAPE)


def test_the_backbones_penalty_counts_unless_one_is_given():
    found = {}
    for given in (None, 0.0, 3.0):
        phase, _ = make(gradient_penalty=given, usual=7.0)
        phase.begin()
        found[given] = {name: float(value) for name, value in phase.train_step(0).items()}
    for given, weight in ((None, 7.0), (3.0, 3.0)):
        expected = found[0.0]["discriminator_loss"] + weight * found[0.0]["gradient_penalty"]
        assert found[given]["discriminator_loss"] == pytest.approx(expected, rel=1e-5)


def test_the_discrepancy_is_that_of_the_pixels():
    validation, seen = torch.rand(40, *SHAPE, generator=torch.Generator().manual_seed(5)), {}

    def check(state):
        x, y = (each.flatten(1).double().numpy() for each in (state.phase.sample(90, state.seed), validation))
        distances = np.linalg.norm(y[:, None] - y[None], axis=2)[np.triu_indices(40, 1)]
        kernel = RBF(np.sort(distances)[(len(distances) - 1) // 2])
        inner = [(kernel(each).sum() - len(each)) / (len(each) * (len(each) - 1)) for each in (x, y)]
        seen["expected"] = sum(inner) - 2 * kernel(x, y).mean()

    phase, _ = make()
    callbacks = [Scores({"discrepancy": SampleDiscrepancy(validation, 90), "check": check}, every=4)]
    history = Trainer([phase], seed=1, config={}, callbacks=callbacks).run()
    assert history.last("adversarial", "discrepancy") == pytest.approx(seen["expected"], rel=1e-4)


@pytest.mark.parametrize("loss", ["wgan-gp", "hinge"])
def test_generated_images_have_the_categories_of_the_real_ones(loss):
    torch.manual_seed(0)
    backbone, kinds = Counting(), torch.arange(20) % 3
    block = ClassicalBlock(2, 5, 15, activation="tanh")
    generator = UpsamplingGenerator(block, SHAPE, noise_dim=2, num_categories=3, width=16)
    discriminator = TransferDiscriminator(
        backbone, SHAPE, ClassicalBlock(5, 5, 15, activation="tanh"), width=8, num_categories=3
    )
    images = torch.rand(20, *SHAPE)
    phase = AdversarialPhase(
        generator,
        discriminator,
        backbone,
        CategoricalNoise(GaussianNoise(2), torch.ones(3)),
        images,
        options=AdversarialTraining(steps=2, batch_size=6, loss=loss, n_critic=2),
        gradient_penalty=1.0,
        seed=1,
        categories=lambda vectors: kinds if torch.equal(vectors, images.flatten(1)) else None,
    )
    made, seen = [], []
    generator.register_forward_pre_hook(lambda _, inputs: made.append(inputs[0].detach()))
    discriminator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs))
    phase.begin()
    assert phase.train_step(0).keys() >= {"discriminator_loss", "generator_loss"}
    own = {tuple(row.tolist()): int(kind) for row, kind in zip(images.flatten(1), kinds, strict=True)}
    updates = 3 if loss == "wgan-gp" else 2  # real, generated and, of the penalty, mixed features
    for index in range(2):
        real, asked = seen[index * updates]
        assert [own[tuple(row.tolist())] for row in real] == asked.argmax(1).tolist()
        assert torch.equal(made[index][:, 2:], asked)
        assert all(torch.equal(seen[index * updates + each][1], asked) for each in range(updates))
    assert torch.equal(seen[-1][1], made[-1][:, 2:])  # the generator's own step
