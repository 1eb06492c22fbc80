"""The Wasserstein GAN losses with gradient penalty (arXiv 1701.07875, arXiv 1704.00028)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from qiskit_qgen._checks import check_shape


def wasserstein_critic_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """The critic's loss ``mean(D(fake)) - mean(D(real))``, without its penalty (arXiv 1701.07875).

    Its negative is the critic's current estimate of the Wasserstein-1 distance.

    Args:
        real_scores: Critic's values of real samples, any non-empty shape.
        fake_scores: Critic's values of generated samples, any non-empty shape.

    Returns:
        A scalar tensor.
    """
    return fake_scores.mean() - real_scores.mean()


def wasserstein_generator_loss(fake_scores: Tensor) -> Tensor:
    """The generator's loss ``-mean(D(fake))`` (arXiv 1701.07875).

    Args:
        fake_scores: Critic's values of generated samples, any non-empty shape.

    Returns:
        A scalar tensor.
    """
    return -fake_scores.mean()


def gradient_penalty(
    critic: Callable[[Tensor], Tensor],
    real: Tensor,
    fake: Tensor,
    *,
    generator: torch.Generator,
    part: tuple[int, int] = (0, 1),
) -> Tensor:
    """The two-sided gradient penalty ``mean((|grad D(x)| - 1)^2)``, without its weight (arXiv 1704.00028, algorithm 1).

    Each ``x = eps real + (1 - eps) fake`` lies at a uniform place between one real and one generated sample; one
    ``eps`` serves all features of a sample. The norm is Euclidean over all features of a sample. The result can be
    differentiated with respect to the critic's weights; ``real`` and ``fake`` are taken as constants.

    The critic must value each sample by itself (no batch normalisation), since the gradient is taken per sample.

    Args:
        critic: Gives one value for each sample. If it has a method ``input_gradient``, this gives the gradient by the
            samples, (N, ...); otherwise autograd does.
        real: Real samples (N, ...).
        fake: Generated samples of the same shape.
        generator: Source of ``eps``, on the CPU.
        part: Of a batch that several processes share: the index of this part and the number of equal parts. ``eps`` is
            drawn for all of them, so that one seed gives one penalty however the batch is divided.

    Returns:
        A scalar tensor.

    Raises:
        ArgumentError: If ``fake`` has another shape than ``real``, or both are empty.
    """
    check_shape("fake", fake.shape, f"{tuple(real.shape)} as `real`", fake.shape == real.shape)
    check_shape("real", real.shape, "(N, ...) with N of at least 1", real.dim() >= 1 and len(real) > 0)
    index, count = part
    shape = (count * len(real),) + (1,) * (real.dim() - 1)
    # Drawn on the CPU, so that one seed gives one penalty on every device.
    factor = torch.rand(shape, generator=generator, dtype=real.dtype).chunk(count)[index].to(real.device)
    mixed = torch.lerp(fake.detach(), real.detach(), factor)
    with torch.enable_grad():
        if hasattr(critic, "input_gradient"):
            gradient = critic.input_gradient(mixed)
        else:
            mixed.requires_grad_()
            (gradient,) = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
    lengths: Tensor = gradient.reshape(len(real), -1).norm(dim=1)
    return (lengths - 1).square().mean()
