import pytest
import torch

from qiskit_qgen.losses import gradient_penalty
from qiskit_qgen.metrics import maximum_mean_discrepancy
from qiskit_qgen.networks import ClassicalGenerator, ClassicalGeneratorConfig, Critic, CriticConfig
from qiskit_qgen.noise import AbstractNoise, CategoricalNoise, GaussianNoise
from qiskit_qgen.training import (
    Checkpoint,
    SampleDiscrepancy,
    Scores,
    Trainer,
    WassersteinPhase,
    WassersteinTraining,
)
from qiskit_qgen.training.phases import wasserstein


class CountingNoise(AbstractNoise):
    """Normal noise that remembers how many vectors each call drew."""

    def __init__(self, dim):
        super().__init__(dim)
        self.calls = []

    def _sample(self, num_samples, generator):
        self.calls.append(num_samples)
        return torch.randn(num_samples, self.dim, generator=generator)


def make(noise=None, *, num_steps=4, batch_size=6, to_images=None, **options):
    torch.manual_seed(0)
    generator, critic = (
        ClassicalGenerator(3, 2, ClassicalGeneratorConfig(width=8)),
        Critic(2, CriticConfig(width=8, depth=1)),
    )
    data = torch.randn(20, 2)
    return WassersteinPhase(
        generator,
        critic,
        noise or GaussianNoise(3),
        lambda: data,
        options=WassersteinTraining(steps=num_steps, batch_size=batch_size, **options),
        sample_shape=(2,),
        seed=1,
        to_images=to_images,
    )


def make_categorical(**options):
    torch.manual_seed(0)
    data, kinds = torch.randn(20, 2), torch.arange(20) % 3
    frequencies = torch.ones(3)

    def categories(real):
        assert torch.equal(real, data)
        frequencies.copy_(torch.tensor([0.0, 1.0, 1.0]))
        return kinds

    return WassersteinPhase(
        ClassicalGenerator(5, 2, ClassicalGeneratorConfig(width=8), num_categories=3),
        Critic(5, CriticConfig(width=8, depth=1)),
        CategoricalNoise(GaussianNoise(2), frequencies),
        lambda: data,
        options=WassersteinTraining(steps=4, batch_size=6, **options),
        sample_shape=(2,),
        seed=1,
        categories=categories,
    )


def test_a_critic_of_categories_sees_them_beside_each_sample_and_compares_like_with_like(monkeypatch):
    phase = make_categorical(n_critic=1, replay=2, generator_batch_size=4)
    pairs, seen = [], []

    def watched(critic, real, fake, **options):
        pairs.append((real, fake))
        return gradient_penalty(critic, real, fake, **options)

    monkeypatch.setattr(wasserstein, "gradient_penalty", watched)
    phase.critic.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].detach()))
    phase.begin()
    assert torch.equal(phase.real, phase._data())  # scores see the samples alone
    for step in range(4):
        phase.train_step(step)
    for real, fake in pairs:
        for rows, allowed in ((real, {0, 1, 2}), (fake, {1, 2})):
            kinds = rows[:, 2:].argmax(1)
            assert torch.equal(rows[:, 2:].sum(1), torch.ones(6))
            assert torch.equal(kinds, kinds.sort().values)
            assert set(kinds.tolist()) <= allowed
        # a row's unit vector is that of its own sample
        own = {tuple(sample.tolist()): kind % 3 for kind, sample in enumerate(phase.real)}
        assert all(own[tuple(row[:2].tolist())] == int(row[2:].argmax()) for row in real)
    replayed = phase.tensors["replay"]
    assert replayed.shape == (2, 4, 5)
    assert torch.equal(replayed[1], seen[-1])  # the generator's own last batch, with its categories
    kept = {tuple(row.tolist()) for row in torch.cat([seen_rows for seen_rows in seen if len(seen_rows) == 4])}
    assert all(tuple(row.tolist()) in kept for row in pairs[-1][1])
    assert phase.sample(5, 0).shape == (5, 2)


def test_the_first_step_is_algorithm_one_of_the_paper():
    options = {"n_critic": 2, "replay": 0, "gradient_penalty": 10.0, "warmup": 0.0, "generator_batch_size": 6}
    phase, twin = make(**options), make(**options)
    phase.begin()
    losses = phase.train_step(0)

    randomness, order = twin.step_generator(0), twin.batch_order(20, 6)
    data = twin._data()
    with torch.no_grad():
        fakes = twin.generator(torch.randn(12, 3, generator=randomness)).split(6)
    adam = torch.optim.Adam(twin.critic.parameters(), 1e-3, betas=(0.0, 0.9))
    values = []
    for index, fake in enumerate(fakes):
        real = data[order.batch(index)]
        penalty = gradient_penalty(twin.critic, real, fake, generator=randomness)
        loss = twin.critic(fake).mean() - twin.critic(real).mean() + 10 * penalty
        adam.zero_grad()
        loss.backward()
        adam.step()
        values.append(loss.item())
    adam = torch.optim.Adam(twin.generator.parameters(), 1e-3, betas=(0.0, 0.9))
    loss = -twin.critic(twin.generator(torch.randn(6, 3, generator=randomness))).mean()
    loss.backward()
    adam.step()
    assert losses["critic_loss"].item() == pytest.approx(sum(values) / 2, rel=1e-5)
    assert losses["generator_loss"].item() == pytest.approx(loss.item(), rel=1e-5)
    for name in ("generator", "critic"):
        for mine, theirs in zip(getattr(phase, name).parameters(), getattr(twin, name).parameters(), strict=True):
            assert torch.allclose(mine, theirs, atol=1e-6), name


@pytest.mark.parametrize("separate", [False, True])
def test_a_step_by_cross_entropy_with_adadelta(separate):
    rates = {"critic_learning_rate": 0.1, "generator_learning_rate": 0.5, "warmup": 0.0, "lr_schedule": "constant"}
    options = {"loss": "bce", "optimizer": "adadelta", "n_critic": 1, "replay": 0, "ema_decay": 0.0, **rates}
    phase, twin = (make(generator_batch_size=6, separate_updates=separate, **options) for _ in range(2))
    phase.begin()
    losses = phase.train_step(0)
    assert set(losses) == {"critic_loss", "generator_loss"}

    bce = torch.nn.functional.binary_cross_entropy_with_logits
    randomness = twin.step_generator(0)
    with torch.no_grad():
        fake = twin.generator(torch.randn(6, 3, generator=randomness))
    real = twin._data()[twin.batch_order(20, 6).batch(0)]

    def critic_loss(samples, label):
        scores = twin.critic(samples)
        return bce(scores, torch.full_like(scores, label))

    def descend(optimizer, loss):
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    # Keras's constants: Adadelta(learning_rate, rho=0.95, epsilon=1e-7).
    adadelta = torch.optim.Adadelta(twin.critic.parameters(), lr=0.1, rho=0.95, eps=1e-7)
    if separate:
        total = descend(adadelta, critic_loss(real, 1.0)) + descend(adadelta, critic_loss(fake, 0.0))
    else:
        total = descend(adadelta, critic_loss(real, 1.0) + critic_loss(fake, 0.0))
    assert losses["critic_loss"].item() == pytest.approx(total, rel=1e-5)
    adadelta = torch.optim.Adadelta(twin.generator.parameters(), lr=0.5, rho=0.95, eps=1e-7)
    generated = twin.generator(torch.randn(6, 3, generator=randomness))
    assert losses["generator_loss"].item() == pytest.approx(descend(adadelta, critic_loss(generated, 1.0)), rel=1e-5)
    for name in ("generator", "critic"):
        for mine, theirs in zip(getattr(phase, name).parameters(), getattr(twin, name).parameters(), strict=True):
            assert torch.allclose(mine, theirs, atol=1e-6), name
    averaged = phase.average.tensors.values()  # a decay of 0 keeps the weights themselves
    assert all(torch.equal(a, b) for a, b in zip(averaged, phase.generator.state_dict().values(), strict=True))


def test_the_generators_step_sees_the_critic_without_dropout():
    phase = make(n_critic=2, loss="bce")
    modes = []
    phase.critic.register_forward_hook(lambda module, *_: modes.append(module.training))
    phase.begin()
    phase.train_step(0)
    assert modes == [True] * 4 + [False]


def test_replay_spares_the_generator_and_uses_its_last_batches():
    noise = CountingNoise(3)
    phase = make(noise, n_critic=3, replay=2, generator_batch_size=5, num_steps=5)
    made = []
    phase.generator.register_forward_hook(lambda *call: made.append(call[2].detach()))
    phase.begin()
    for step in range(5):
        phase.train_step(step)
    assert noise.calls == [18, 5, 18, 5, 5, 5, 5]
    own = [batch for batch in made if len(batch) == 5]
    assert torch.equal(phase.tensors["replay"], torch.stack([own[4], own[3]]))


def test_fresh_samples_are_drawn_without_replay():
    noise = CountingNoise(3)
    phase = make(noise, n_critic=3, replay=0, num_steps=3)
    phase.begin()
    for step in range(3):
        phase.train_step(step)
    assert noise.calls == [18, 3] * 3


@pytest.mark.parametrize("place", [2, 3, 7])
def test_a_resumed_run_has_the_replayed_batches(tmp_path, place):
    def run(folder=None, resume=False, stop=None):
        phase = make(n_critic=2, replay=3, num_steps=8)
        callbacks = [] if folder is None else [Checkpoint(1)]

        def poison(state):
            if state.step == stop:
                raise RuntimeError("stop")

        callbacks.append(Scores({"stop": poison}, every=1))
        trainer = Trainer([phase], seed=1, config={}, callbacks=callbacks, checkpoint_dir=folder, resume=resume)
        return trainer.run(), phase

    whole, phase = run()
    with pytest.raises(RuntimeError, match="stop"):
        run(tmp_path, stop=place)
    again, resumed = run(tmp_path, resume=True)
    assert again == whole
    assert torch.equal(phase.tensors["replay"], resumed.tensors["replay"])
    assert all(torch.equal(a, b) for a, b in zip(phase.critic.parameters(), resumed.critic.parameters(), strict=True))


def test_the_critic_takes_no_gradient_from_the_generators_step():
    phase = make(n_critic=1)
    phase.begin()
    phase.critic.requires_grad_(True)
    phase.train_step(0)
    before = [parameter.grad.clone() for parameter in phase.critic.parameters()]
    loss = -phase.critic(phase.generator(torch.randn(4, 3))).mean()
    phase.descend("generator", loss, phase.generator.parameters())
    after = [parameter.grad for parameter in phase.critic.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_samples_and_previews_come_from_the_average():
    phase = make(to_images=lambda samples: samples.reshape(-1, 1, 1, 2))
    phase.begin()
    assert torch.equal(phase.sample(7, seed=3), phase.sample(7, seed=3))
    first = phase.sample(5, seed=3)
    with torch.no_grad():
        for parameter in phase.generator.parameters():
            parameter.add_(1.0)
    assert torch.equal(phase.sample(5, seed=3), first)
    assert phase.preview(4, seed=3).shape == (4, 1, 1, 2)
    assert make().preview(4, seed=3) is None


def test_without_images_the_discrepancy_is_that_of_the_samples():
    validation, seen = torch.randn(30, 2, generator=torch.Generator().manual_seed(5)), {}

    def check(state):
        seen["expected"] = float(maximum_mean_discrepancy(state.phase.sample(50, state.seed), validation))

    phase = make(num_steps=3)
    score = Scores({"discrepancy": SampleDiscrepancy(validation, 50), "check": check}, every=3)
    history = Trainer([phase], seed=1, config={}, callbacks=[score]).run()
    assert history.last("adversarial", "discrepancy") == pytest.approx(seen["expected"], rel=1e-6)
