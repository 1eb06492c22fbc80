import pytest
import torch
from torch import nn

from qiskit_qgen.diffusion import NoiseSchedule, min_snr_weights
from qiskit_qgen.noise import GaussianNoise
from qiskit_qgen.training import DenoisingPhase, DenoisingTraining
from qiskit_qgen.training.phases.corruption import GaussianCorruption

SCHEDULE = NoiseSchedule.named("cosine", 10)
NO_LABEL = 3


class Scaled(nn.Module):
    """Predicts a multiple of what it sees, and remembers the labels."""

    def __init__(self):
        super().__init__()
        self.factor, self.seen = nn.Parameter(torch.tensor(0.5)), []

    def forward(self, x, steps, labels):  # noqa: ARG002
        self.seen.append(labels)
        return self.factor * x


def make(prediction="v", labels=None, **options):
    images = torch.rand(20, 1, 4, 4, generator=torch.Generator().manual_seed(0)) * 2 - 1
    options = DenoisingTraining(**{"steps": 4, "batch_size": 6, "warmup": 0.0, **options})
    corruption = GaussianCorruption(SCHEDULE, GaussianNoise(16), prediction, options.min_snr_gamma)
    network = Scaled()
    phase = DenoisingPhase(
        network,
        images,
        labels,
        NO_LABEL,
        corruption,
        options=options,
        seed=1,
        modules={},
        to_images=lambda number, _: network.factor.detach().clone().expand(number, 1, 4, 4),
    )
    phase.begin()
    return phase, network, images


@pytest.mark.parametrize("prediction", ["v", "epsilon", "x0"])
@pytest.mark.parametrize("gamma", [None, 5.0])
def test_a_step_goes_down_the_weighted_error(prediction, gamma):
    phase, network, images = make(prediction, min_snr_gamma=gamma, clip_norm=None, learning_rate=0.01)
    loss = float(phase.train_step(0)["loss"])

    x0, randomness = images[phase.batch_order(20, 6).batch(0)], phase.step_generator(0)
    steps = torch.randint(10, (6,), generator=randomness)
    noise = torch.randn(6, 16, generator=randomness).view_as(x0)
    signal = SCHEDULE.alpha_bars[steps].sqrt().view(-1, 1, 1, 1).float()
    spread = (1 - SCHEDULE.alpha_bars[steps]).sqrt().view(-1, 1, 1, 1).float()
    x = signal * x0 + spread * noise
    target = {"v": signal * noise - spread * x0, "epsilon": noise, "x0": x0}[prediction]
    weights = 1.0 if gamma is None else min_snr_weights(SCHEDULE, prediction, gamma=gamma)[steps].float()
    errors = (0.5 * x - target).square().mean((1, 2, 3))
    assert loss == pytest.approx(float((weights * errors).mean()), rel=1e-5)
    slope = float((weights * (2 * (0.5 * x - target) * x).mean((1, 2, 3))).mean())
    assert network.factor.item() == pytest.approx(0.5 - 0.01 * (1 if slope > 0 else -1), abs=1e-5)


def test_some_labels_are_left_out():
    labels = torch.arange(20) % NO_LABEL
    seen = {}
    for dropout in (0.0, 0.5):
        phase, network, _ = make(labels=labels, label_dropout=dropout, steps=200)
        for step in range(200):
            phase.train_step(step)
        seen[dropout] = torch.cat(network.seen)
    expected = torch.cat([labels[phase.batch_order(20, 6).batch(step)] for step in range(200)])
    assert torch.equal(seen[0.0], expected)
    dropped = seen[0.5] == NO_LABEL
    assert 0.45 < dropped.float().mean() < 0.55
    assert torch.equal(seen[0.5][~dropped], expected[~dropped])


def test_without_classes_there_are_no_labels():
    phase, network, _ = make()
    phase.train_step(0)
    assert network.seen == [None]


def test_previews_come_from_the_average():
    phase, network, _ = make(ema_decay=0.9)
    phase.train_step(0)
    averaged = float(phase.average.tensors["factor"])
    assert averaged != network.factor.item()
    assert phase.preview(3, 0).unique().tolist() == [pytest.approx(averaged)]
