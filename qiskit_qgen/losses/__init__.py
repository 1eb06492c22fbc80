"""Losses of adversarial training, as pure functions of tensors."""

from qiskit_qgen.losses.adversarial import bce_discriminator_loss as bce_discriminator_loss
from qiskit_qgen.losses.adversarial import bce_generator_loss as bce_generator_loss
from qiskit_qgen.losses.adversarial import hinge_discriminator_loss as hinge_discriminator_loss
from qiskit_qgen.losses.adversarial import hinge_generator_loss as hinge_generator_loss
from qiskit_qgen.losses.wasserstein import gradient_penalty as gradient_penalty
from qiskit_qgen.losses.wasserstein import wasserstein_critic_loss as wasserstein_critic_loss
from qiskit_qgen.losses.wasserstein import wasserstein_generator_loss as wasserstein_generator_loss

__all__ = [
    "bce_discriminator_loss",
    "bce_generator_loss",
    "gradient_penalty",
    "hinge_discriminator_loss",
    "hinge_generator_loss",
    "wasserstein_critic_loss",
    "wasserstein_generator_loss",
]
