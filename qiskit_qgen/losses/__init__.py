"""Losses of adversarial training, as pure functions of tensors."""

from qiskit_qgen.losses.wasserstein import (
    gradient_penalty as gradient_penalty,
)
from qiskit_qgen.losses.wasserstein import (
    wasserstein_critic_loss as wasserstein_critic_loss,
)
from qiskit_qgen.losses.wasserstein import (
    wasserstein_generator_loss as wasserstein_generator_loss,
)

__all__ = ["gradient_penalty", "wasserstein_critic_loss", "wasserstein_generator_loss"]
