"""HybridGAN: its settings, the model, and how its networks are built."""

from qiskit_qgen.models.hybrid_gan.config import BlockConfig as BlockConfig
from qiskit_qgen.models.hybrid_gan.config import ConvBackboneConfig as ConvBackboneConfig
from qiskit_qgen.models.hybrid_gan.config import DiscriminatorConfig as DiscriminatorConfig
from qiskit_qgen.models.hybrid_gan.config import EfficientNetLite0Config as EfficientNetLite0Config
from qiskit_qgen.models.hybrid_gan.config import HybridGANConfig as HybridGANConfig
from qiskit_qgen.models.hybrid_gan.config import InceptionV3Config as InceptionV3Config
from qiskit_qgen.models.hybrid_gan.config import ResNet18Config as ResNet18Config
from qiskit_qgen.models.hybrid_gan.config import UpsamplingConfig as UpsamplingConfig
from qiskit_qgen.models.hybrid_gan.model import HybridGAN as HybridGAN

__all__ = [
    "BlockConfig",
    "ConvBackboneConfig",
    "DiscriminatorConfig",
    "EfficientNetLite0Config",
    "HybridGAN",
    "HybridGANConfig",
    "InceptionV3Config",
    "ResNet18Config",
    "UpsamplingConfig",
]
