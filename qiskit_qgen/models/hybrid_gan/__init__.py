"""HybridGAN: settings, model and networks."""

from qiskit_qgen.models.hybrid_gan.config import BlockConfig, DiscriminatorConfig, HybridGANConfig, UpsamplingConfig
from qiskit_qgen.models.hybrid_gan.model import HybridGAN

__all__ = [
    "BlockConfig",
    "DiscriminatorConfig",
    "HybridGAN",
    "HybridGANConfig",
    "UpsamplingConfig",
]
