"""Networks that models are made of: plain ``torch.nn.Module`` classes."""

from qiskit_qgen.networks.autoencoder import ConvAutoencoder as ConvAutoencoder
from qiskit_qgen.networks.autoencoder import ConvAutoencoderConfig as ConvAutoencoderConfig
from qiskit_qgen.networks.backbones import AbstractBackbone as AbstractBackbone
from qiskit_qgen.networks.backbones import ConvBackbone as ConvBackbone
from qiskit_qgen.networks.backbones import EfficientNetLite0Backbone as EfficientNetLite0Backbone
from qiskit_qgen.networks.backbones import ModuleBackbone as ModuleBackbone
from qiskit_qgen.networks.backbones import StagedBackbone as StagedBackbone
from qiskit_qgen.networks.backbones import TorchvisionBackbone as TorchvisionBackbone
from qiskit_qgen.networks.blocks import ClassicalBlock as ClassicalBlock
from qiskit_qgen.networks.blocks import QuantumBlock as QuantumBlock
from qiskit_qgen.networks.bottleneck_gates import ChannelGate as ChannelGate
from qiskit_qgen.networks.classical_generator import ClassicalGenerator as ClassicalGenerator
from qiskit_qgen.networks.classical_generator import ClassicalGeneratorConfig as ClassicalGeneratorConfig
from qiskit_qgen.networks.critic import Critic as Critic
from qiskit_qgen.networks.critic import CriticConfig as CriticConfig
from qiskit_qgen.networks.normalizers import AbstractNormalizer as AbstractNormalizer
from qiskit_qgen.networks.normalizers import LatentNormalizer as LatentNormalizer
from qiskit_qgen.networks.normalizers import QuantileNormalizer as QuantileNormalizer
from qiskit_qgen.networks.normalizers import RangeNormalizer as RangeNormalizer
from qiskit_qgen.networks.published_unet import PublishedUNet as PublishedUNet
from qiskit_qgen.networks.quantum_generator import QuantumStyleGenerator as QuantumStyleGenerator
from qiskit_qgen.networks.transfer_discriminator import TransferDiscriminator as TransferDiscriminator
from qiskit_qgen.networks.unet import AbstractDenoiser as AbstractDenoiser
from qiskit_qgen.networks.unet import UNet as UNet
from qiskit_qgen.networks.upsampling import UpsamplingGenerator as UpsamplingGenerator

__all__ = [
    "AbstractBackbone",
    "AbstractDenoiser",
    "AbstractNormalizer",
    "ChannelGate",
    "ClassicalBlock",
    "ClassicalGenerator",
    "ClassicalGeneratorConfig",
    "ConvAutoencoder",
    "ConvAutoencoderConfig",
    "ConvBackbone",
    "Critic",
    "CriticConfig",
    "EfficientNetLite0Backbone",
    "LatentNormalizer",
    "ModuleBackbone",
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
]
