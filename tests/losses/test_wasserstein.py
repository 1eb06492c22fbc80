import pytest
import torch
from torch import nn

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.losses import gradient_penalty, wasserstein_critic_loss, wasserstein_generator_loss
from qiskit_qgen.networks import Critic
from qiskit_qgen.networks.critic import CriticConfig, dropout_from


def test_losses_are_the_formulae_of_the_paper():
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([0.5, -0.5, 3.0])
    assert wasserstein_critic_loss(real, fake).item() == pytest.approx(1.0 - 2.0)
    assert wasserstein_generator_loss(fake).item() == pytest.approx(-1.0)


@pytest.mark.parametrize("shape", [(5, 3), (5, 2, 4, 4), (5,)])
def test_penalty_of_a_linear_critic_is_known_in_closed_form(shape):
    # The gradient of sum(w x) is w everywhere, so that the penalty is (|w| - 1)^2 for any samples.
    weight = torch.linspace(0.1, 0.7, torch.Size(shape[1:]).numel()).reshape(shape[1:])
    real, fake = torch.randn(shape), torch.randn(shape)
    penalty = gradient_penalty(
        lambda x: (x * weight).reshape(len(x), -1).sum(1), real, fake, generator=torch.Generator()
    )
    assert penalty.item() == pytest.approx((weight.norm().item() - 1) ** 2, rel=1e-5)


def test_penalty_of_a_quadratic_critic_uses_one_factor_for_each_sample():
    # D(x) = |x|^2 / 2 has gradient x itself; with fake = 0 it is eps * real, so that |x| reveals each sample's eps.
    real = torch.randn(64, 2, 3, 3, dtype=torch.float64)
    seen = []

    def critic(x):
        seen.append(x.detach())
        return x.square().flatten(1).sum(1) / 2

    penalty = gradient_penalty(critic, real, torch.zeros_like(real), generator=torch.Generator().manual_seed(0))
    factors = (seen[0] / real).flatten(1)
    assert torch.allclose(factors, factors[:, :1].expand_as(factors))
    assert factors[:, 0].unique().numel() == 64
    assert 0 <= factors.min() < 0.1 < 0.9 < factors.max() <= 1
    expected = (factors[:, 0] * real.flatten(1).norm(dim=1) - 1).square().mean()
    assert penalty.item() == pytest.approx(expected.item())


def test_weight_gradients_of_the_penalty_agree_with_finite_differences():
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    real, fake = torch.randn(6, 3, dtype=torch.float64), torch.randn(6, 3, dtype=torch.float64)

    def penalty():
        return gradient_penalty(critic, real, fake, generator=torch.Generator().manual_seed(1))

    weight = critic[0].weight
    (gradient,) = torch.autograd.grad(penalty(), weight)
    for index in [(0, 0), (1, 2), (3, 1)]:
        values = []
        for shift in (1e-5, -1e-5):
            with torch.no_grad():
                weight[index] += shift
            values.append(penalty().item())
            with torch.no_grad():
                weight[index] -= shift
        assert gradient[index].item() == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    "config", [CriticConfig(), CriticConfig(halving=True, slope=0.0, bias=False), CriticConfig(depth=1, dropout=0.3)]
)
def test_a_critics_own_gradient_is_what_autograd_finds(config):
    critic = Critic(5, config).double()
    real, fake = (torch.randn(9, 5, dtype=torch.float64) for _ in range(2))
    found = []
    for each in (critic, critic.forward):  # the function has no method of its own
        with dropout_from(critic, torch.Generator().manual_seed(2)):
            penalty = gradient_penalty(each, real, fake, generator=torch.Generator().manual_seed(1))
        gradients = torch.autograd.grad(penalty, critic.parameters(), allow_unused=True, materialize_grads=True)
        found.append((penalty, *gradients))
    torch.testing.assert_close(*found, rtol=0, atol=1e-14)
    assert all(gradient.abs().max() > 0 for gradient in found[0] if gradient.ndim == 2)


def test_penalty_depends_on_the_generator_alone_and_works_without_grad_mode():
    real, fake = torch.randn(8, 3), torch.randn(8, 3)
    values = []
    for _ in range(2):
        torch.rand(3)
        with torch.no_grad():
            values.append(
                gradient_penalty(lambda x: x.pow(3).sum(1), real, fake, generator=torch.Generator().manual_seed(5))
            )
    assert torch.equal(*values)


def test_no_gradient_reaches_the_generated_samples():
    fake = torch.randn(4, 3, requires_grad=True)
    critic = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))
    gradient_penalty(critic, torch.randn(4, 3), fake, generator=torch.Generator()).backward()
    assert fake.grad is None
    assert critic[0].weight.grad is not None


@pytest.mark.parametrize(
    ("real", "fake", "text"),
    [
        (torch.zeros(4, 3), torch.zeros(4, 2), r"`fake` must have shape \(4, 3\) as `real`, but has shape \(4, 2\)"),
        (torch.zeros(0, 3), torch.zeros(0, 3), r"`real` must have shape \(N, ...\) with N of at least 1"),
    ],
)
def test_bad_shapes_are_refused(real, fake, text):
    with pytest.raises(ArgumentError, match=text):
        gradient_penalty(lambda x: x.sum(1), real, fake, generator=torch.Generator())
