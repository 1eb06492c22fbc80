"""Losses of adversarial training, as pure functions of tensors."""

from qiskit_qgen.losses.adversarial import (
    bce_discriminator_loss,
    bce_generator_loss,
    hinge_discriminator_loss,
    hinge_generator_loss,
)
from qiskit_qgen.losses.wasserstein import gradient_penalty, wasserstein_critic_loss, wasserstein_generator_loss

__all__ = [
    "bce_discriminator_loss",
    "bce_generator_loss",
    "gradient_penalty",
    "hinge_discriminator_loss",
    "hinge_generator_loss",
    "wasserstein_critic_loss",
    "wasserstein_generator_loss",
]
