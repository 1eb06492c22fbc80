"""Networks that see for a discriminator: frozen up to a chosen stage, trained from there on."""

from qiskit_qgen.networks.backbones.base import AbstractBackbone as AbstractBackbone
from qiskit_qgen.networks.backbones.config import ConvBackboneConfig as ConvBackboneConfig
from qiskit_qgen.networks.backbones.config import EfficientNetLite0Config as EfficientNetLite0Config
from qiskit_qgen.networks.backbones.config import InceptionV3Config as InceptionV3Config
from qiskit_qgen.networks.backbones.config import ResNet18Config as ResNet18Config
from qiskit_qgen.networks.backbones.config import StagedConfig as StagedConfig
from qiskit_qgen.networks.backbones.convolutional import ConvBackbone as ConvBackbone
from qiskit_qgen.networks.backbones.efficientnet import EfficientNetLite0Backbone as EfficientNetLite0Backbone
from qiskit_qgen.networks.backbones.module import ModuleBackbone as ModuleBackbone
from qiskit_qgen.networks.backbones.staged import StagedBackbone as StagedBackbone
from qiskit_qgen.networks.backbones.torchvision import TorchvisionBackbone as TorchvisionBackbone

__all__ = [
    "AbstractBackbone",
    "ConvBackbone",
    "ConvBackboneConfig",
    "EfficientNetLite0Backbone",
    "EfficientNetLite0Config",
    "InceptionV3Config",
    "ModuleBackbone",
    "ResNet18Config",
    "StagedBackbone",
    "StagedConfig",
    "TorchvisionBackbone",
]
