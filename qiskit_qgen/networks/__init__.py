"""The networks that models are built from: plain ``torch.nn.Module`` classes."""

from qiskit_qgen.networks.autoencoder import ConvAutoencoder, ConvAutoencoderConfig
from qiskit_qgen.networks.backbones import (
    AbstractBackbone,
    ConvBackbone,
    EfficientNetLite0Backbone,
    ModuleBackbone,
    StagedBackbone,
    TorchvisionBackbone,
)
from qiskit_qgen.networks.blocks import ClassicalBlock, QuantumBlock
from qiskit_qgen.networks.bottleneck_gates import ChannelGate
from qiskit_qgen.networks.categories import Categories
from qiskit_qgen.networks.classical_generator import ClassicalGenerator, ClassicalGeneratorConfig
from qiskit_qgen.networks.controls import CircuitControl, DenseLayer
from qiskit_qgen.networks.critic import ConvCritic, ConvCriticConfig, Critic, CriticConfig
from qiskit_qgen.networks.fourier_surrogate import FourierSurrogate
from qiskit_qgen.networks.last_autoencoder import LastAutoencoder, LastAutoencoderConfig
from qiskit_qgen.networks.normalizers import (
    AbstractNormalizer,
    LatentNormalizer,
    PowerNormalizer,
    QuantileNormalizer,
    RangeNormalizer,
)
from qiskit_qgen.networks.patch_discriminator import PatchDiscriminator
from qiskit_qgen.networks.principal_components import PrincipalComponents, PrincipalComponentsConfig
from qiskit_qgen.networks.published_unet import PublishedUNet
from qiskit_qgen.networks.quantum_generator import QuantumStyleGenerator
from qiskit_qgen.networks.transfer_discriminator import TransferDiscriminator
from qiskit_qgen.networks.unet import AbstractDenoiser, UNet
from qiskit_qgen.networks.upsampling import UpsamplingGenerator
from qiskit_qgen.networks.variational_autoencoder import VariationalAutoencoder, VariationalAutoencoderConfig

__all__ = [
    "AbstractBackbone",
    "AbstractDenoiser",
    "AbstractNormalizer",
    "Categories",
    "ChannelGate",
    "CircuitControl",
    "ClassicalBlock",
    "ClassicalGenerator",
    "ClassicalGeneratorConfig",
    "ConvAutoencoder",
    "ConvAutoencoderConfig",
    "ConvBackbone",
    "ConvCritic",
    "ConvCriticConfig",
    "Critic",
    "CriticConfig",
    "DenseLayer",
    "EfficientNetLite0Backbone",
    "FourierSurrogate",
    "LastAutoencoder",
    "LastAutoencoderConfig",
    "LatentNormalizer",
    "ModuleBackbone",
    "PatchDiscriminator",
    "PowerNormalizer",
    "PrincipalComponents",
    "PrincipalComponentsConfig",
    "PublishedUNet",
    "QuantileNormalizer",
    "QuantumBlock",
    "QuantumStyleGenerator",
    "RangeNormalizer",
    "StagedBackbone",
    "TorchvisionBackbone",
    "TransferDiscriminator",
    "UNet",
    "UpsamplingGenerator",
    "VariationalAutoencoder",
    "VariationalAutoencoderConfig",
]
