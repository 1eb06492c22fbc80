"""Backbones that extract features for a discriminator: frozen up to a chosen stage, trained from there on."""

from qiskit_qgen.networks.backbones.base import AbstractBackbone
from qiskit_qgen.networks.backbones.config import (
    ConvBackboneConfig,
    EfficientNetLite0Config,
    InceptionV3Config,
    ResNet18Config,
    StagedConfig,
)
from qiskit_qgen.networks.backbones.convolutional import ConvBackbone
from qiskit_qgen.networks.backbones.efficientnet import EfficientNetLite0Backbone
from qiskit_qgen.networks.backbones.module import ModuleBackbone
from qiskit_qgen.networks.backbones.staged import StagedBackbone
from qiskit_qgen.networks.backbones.torchvision import TorchvisionBackbone

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
