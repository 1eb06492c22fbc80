"""HybridGAN: its settings, the model, and how its networks are built."""

from qiskit_qgen.models.hybrid_gan.config import BlockConfig as BlockConfig
from qiskit_qgen.models.hybrid_gan.config import DiscriminatorConfig as DiscriminatorConfig
from qiskit_qgen.models.hybrid_gan.config import HybridGANConfig as HybridGANConfig
from qiskit_qgen.models.hybrid_gan.config import UpsamplingConfig as UpsamplingConfig
from qiskit_qgen.models.hybrid_gan.model import HybridGAN as HybridGAN

__all__ = [
    "BlockConfig",
    "DiscriminatorConfig",
    "HybridGAN",
    "HybridGANConfig",
    "UpsamplingConfig",
]
