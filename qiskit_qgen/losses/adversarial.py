"""The losses of adversarial training other than the Wasserstein distance: cross-entropy and hinge."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def bce_discriminator_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """The binary cross-entropy ``mean(-log s(D(real))) + mean(-log(1 - s(D(fake))))`` of logits (arXiv 1406.2661).

    s is the logistic function.

    Args:
        real_scores: Logits of real samples, any non-empty shape.
        fake_scores: Logits of generated samples, any non-empty shape.

    Returns:
        A scalar tensor.
    """
    return F.softplus(-real_scores).mean() + F.softplus(fake_scores).mean()


def bce_generator_loss(fake_scores: Tensor) -> Tensor:
    """The generator's loss ``mean(-log s(D(fake)))``, which does not saturate (arXiv 1406.2661, section 3).

    Args:
        fake_scores: Logits of generated samples, any non-empty shape.

    Returns:
        A scalar tensor.
    """
    return F.softplus(-fake_scores).mean()


def hinge_discriminator_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """The hinge loss ``mean(max(0, 1 - D(real))) + mean(max(0, 1 + D(fake)))`` (arXiv 1705.02894).

    Args:
        real_scores: Scores of real samples, any non-empty shape.
        fake_scores: Scores of generated samples, any non-empty shape.

    Returns:
        A scalar tensor.
    """
    return F.relu(1 - real_scores).mean() + F.relu(1 + fake_scores).mean()


def hinge_generator_loss(fake_scores: Tensor) -> Tensor:
    """The generator's loss ``-mean(D(fake))`` against a hinge discriminator (arXiv 1705.02894).

    Args:
        fake_scores: Scores of generated samples, any non-empty shape.

    Returns:
        A scalar tensor.
    """
    return -fake_scores.mean()
