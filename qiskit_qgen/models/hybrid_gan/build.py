"""Build the networks and other parts of a HybridGAN from its settings."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

from torch import nn

from qiskit_qgen.circuits import (
    ParametrizedCircuit,
    data_reuploading,
    hardware_efficient_ansatz,
    strongly_entangling_ansatz,
)
from qiskit_qgen.circuits.observables import build_observables
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.models.base.categories import build_categories
from qiskit_qgen.models.hybrid_gan.config import BlockConfig, HybridGANConfig
from qiskit_qgen.networks import (
    AbstractBackbone,
    ClassicalBlock,
    ConvBackbone,
    EfficientNetLite0Backbone,
    QuantumBlock,
    TorchvisionBackbone,
    TransferDiscriminator,
    UpsamplingGenerator,
)
from qiskit_qgen.networks.backbones.config import ConvBackboneConfig, ResNet18Config
from qiskit_qgen.networks.blocks import Block
from qiskit_qgen.noise import AbstractNoise, GaussianNoise, UniformNoise


def build_backbone(config: HybridGANConfig) -> AbstractBackbone:
    """Return the discriminator's backbone.

    Raises:
        ArgumentError: If it does not accept images of this shape.
        MissingOptionalLibraryError: If it needs a library that is not installed.
    """
    chosen, side = config.backbone, max(config.image_shape[1:])
    backbone: AbstractBackbone
    if isinstance(chosen, AbstractBackbone):
        backbone = copy.deepcopy(chosen)
    elif isinstance(chosen, ConvBackboneConfig):
        backbone = ConvBackbone(config.image_shape, chosen)
    elif isinstance(chosen, ResNet18Config):
        backbone = TorchvisionBackbone(chosen, side=side)
    else:
        backbone = EfficientNetLite0Backbone(chosen, side=side)
    backbone.check_channels(config.image_shape[0], name="image_shape")
    return backbone


def build_noise(config: HybridGANConfig) -> AbstractNoise:
    """Return the source of noise."""
    if isinstance(config.noise, AbstractNoise):
        return config.noise
    return {"gaussian": GaussianNoise, "uniform": UniformNoise}[config.noise](config.latent_dim)


def build_circuit(block: BlockConfig) -> ParametrizedCircuit:
    """Return the circuit of a quantum block, which also sets the number of parameters of a classical block.

    Raises:
        ArgumentError: If a gate or pattern is unknown.
    """
    if isinstance(block.ansatz, ParametrizedCircuit):
        return block.ansatz
    options: dict[str, Any] = {"encoding": block.encoding, "entangler": block.entangler}
    if block.ansatz != "strongly_entangling":
        options["entanglement"] = block.entanglement
    builders: dict[str, tuple[Callable[..., ParametrizedCircuit], tuple[str, ...]]] = {
        "hardware_efficient": (hardware_efficient_ansatz, ("ry",)),
        "strongly_entangling": (strongly_entangling_ansatz, ("ry", "rz", "ry")),
        "data_reuploading": (data_reuploading, ("ry",)),
    }
    build, usual = builders[block.ansatz]
    circuit = build(block.num_qubits, block.depth, rotations=block.rotations or usual, **options)
    if not circuit.num_inputs:
        raise ArgumentError("Argument `encoding` must name gates that bring in the noise, but is None.")
    return circuit


def build_networks(
    config: HybridGANConfig,
    backbone: AbstractBackbone,
    circuit: ParametrizedCircuit,
    seeded: Callable[[int], None],
) -> dict[str, nn.Module]:
    """Return generator and discriminator; everything outside the blocks starts equal in all four configurations.

    Args:
        config: The model's settings.
        backbone: The discriminator's backbone.
        circuit: The circuit of the quantum blocks.
        seeded: Begins a stream of initial weights.
    """
    observables = build_observables(config.block.observables, config.block.num_qubits)

    def block(part: str) -> Block:
        if part in config.quantum_parts:
            squash = part == "discriminator"
            return QuantumBlock(circuit, observables=observables, squash=squash, control=config.block)
        size = config.block.num_parameters or circuit.num_weights
        return ClassicalBlock(circuit.num_inputs, len(observables), size, activation=config.block.activation)

    blocks = {}
    for number, part in enumerate(("generator", "discriminator")):
        seeded(number)
        blocks[part] = block(part)
    seeded(2)
    generator = UpsamplingGenerator(
        blocks["generator"],
        config.image_shape,
        noise_dim=config.latent_dim,
        num_categories=config.num_categories,
        width=config.generator.width,
    )
    seeded(3)
    discriminator = TransferDiscriminator(
        backbone,
        config.image_shape,
        blocks["discriminator"],
        width=config.discriminator.width,
        spectral_normalization=config.discriminator.spectral_normalization,
        num_categories=config.num_categories,
    )
    categories = build_categories(config.num_classes, config.num_clusters, math.prod(config.image_shape))
    return {"generator": generator, "discriminator": discriminator, **categories}
