"""The settings of HybridGAN: what the model is; how it is trained says ``AdversarialTraining``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.circuits.observables import check_paulis
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.networks import AbstractBackbone
from qiskit_qgen.networks.upsampling import check_picture_shape, check_width
from qiskit_qgen.noise import AbstractNoise
from qiskit_qgen.simulator.programs.lowering import MAX_QUBITS

QUANTUM_IN = ("none", "generator", "discriminator", "both")


@dataclass(frozen=True, kw_only=True)
class BlockConfig(Settings):
    """The exchangeable block of each network: a variational circuit, or two dense layers of as many parameters.

    The circuit's options also set the size of classical blocks, so that configurations can be compared.
    """

    num_qubits: int = setting(
        5,
        "Qubits of a circuit, and inputs of a classical block",
        source="arXiv 2507.09706",
        minimum=1,
        maximum=MAX_QUBITS,
    )
    ansatz: Literal["hardware_efficient", "strongly_entangling", "data_reuploading"] = setting(
        "hardware_efficient", "The circuit; see :func:`~qiskit_qgen.circuits.hardware_efficient_ansatz` and its like"
    )
    num_layers: int | None = setting(
        None,
        "Layers of the circuit; None takes 3, or 1 of 'strongly_entangling': 15 weights of 5 qubits, as in arXiv "
        "2507.09706",
        minimum=1,
        maximum=10_000,
    )
    encoding: str | tuple[str, ...] = setting("ry", "Gates that bring the inputs in")
    rotations: tuple[str, ...] | None = setting(
        None,
        "Rotation gates of a layer; None takes one RY, or RY, RZ, RY of 'strongly_entangling', whose usual last RZ "
        "would have no effect on Z",
    )
    entanglement: Any = setting(None, "Which qubits are entangled; None takes a ring")
    entangler: str | tuple[str, ...] = setting("cx", "Two-qubit gate, or a list of several")
    observables: str = setting("Z", "Pauli letters read out of each qubit")
    activation: Literal["leaky_relu", "relu", "tanh"] = setting(
        "leaky_relu",
        "Non-linearity of classical blocks; with one hidden unit, 'relu' (arXiv 2507.09706) gives no gradient wherever "
        "that unit is off",
    )

    def check(self) -> None:
        """Raise :class:`ArgumentError` unless the options of the circuit go together."""
        check_paulis("observables", self.observables)
        if self.ansatz == "strongly_entangling":
            self.refuse(("entanglement",), "with ansatz='strongly_entangling', which has its own")

    @property
    def depth(self) -> int:
        """Number of layers."""
        return self.num_layers or (1 if self.ansatz == "strongly_entangling" else 3)


@dataclass(frozen=True, kw_only=True)
class _StagedConfig(Settings):
    input_size: int | None = setting(
        None,
        "Side of the network's input in pixels; None takes the images' longer side, or the least that it takes",
        minimum=1,
    )
    scales: tuple[int, ...] | None = setting(
        None, "The frozen stages whose maps are seen, in rising order; None takes the network's usual ones, or a cut"
    )
    scale_width: int | None = setting(
        None, "Channels of the first trained convolution, later ones have twice as many; with `scales` only", minimum=1
    )
    frozen_stages: int | None = setting(None, "A cut: how many stages stay as they are; None for all used", minimum=1)
    last_stage: int | None = setting(None, "A cut: the stage whose maps are the features; None for the last", minimum=1)
    grid: int | None = setting(
        None, "A cut: the maps are averaged over a grid x grid division; None takes 1", minimum=1
    )
    channels: tuple[int, ...] | None = setting(None, "Which channels of the images are taken; None takes all")


@dataclass(frozen=True, kw_only=True)
class EfficientNetLite0Config(_StagedConfig):
    """:class:`~qiskit_qgen.networks.EfficientNetLite0Backbone`; its weights come with the extra `pretrained`."""

    kind: ClassVar[str] = "efficientnet-lite0"


@dataclass(frozen=True, kw_only=True)
class ResNet18Config(_StagedConfig):
    """torchvision's ResNet-18, :class:`~qiskit_qgen.networks.TorchvisionBackbone`."""

    kind: ClassVar[str] = "resnet18"
    weights: str | None = setting(None, "File of weights; None takes torchvision's from the cache of torch.hub")


@dataclass(frozen=True, kw_only=True)
class InceptionV3Config(ResNet18Config):
    """torchvision's Inception-v3, :class:`~qiskit_qgen.networks.TorchvisionBackbone`."""

    kind: ClassVar[str] = "inception_v3"


@dataclass(frozen=True, kw_only=True)
class ConvBackboneConfig(Settings):
    """:class:`~qiskit_qgen.networks.ConvBackbone`, trained from scratch."""

    kind: ClassVar[str] = "conv"
    width: int = setting(32, "Channels after the first convolution; each later one has twice as many", minimum=1)


@dataclass(frozen=True, kw_only=True)
class UpsamplingConfig(Settings):
    """The generator around its block, :class:`~qiskit_qgen.networks.UpsamplingGenerator`."""

    width: int = setting(64, "Channels of the first two stages, a multiple of 8", minimum=16)

    def check(self) -> None:
        """Raise :class:`ArgumentError` unless the width is a multiple of 8."""
        check_width("width", self.width)


@dataclass(frozen=True, kw_only=True)
class DiscriminatorConfig(Settings):
    """The discriminator around its block, :class:`~qiskit_qgen.networks.TransferDiscriminator`."""

    width: int = setting(128, "Width of the hidden layer before the block", minimum=1)
    spectral_normalization: bool = setting(False, "Whether the layers have spectral norm 1", source="arXiv 1802.05957")


@dataclass(frozen=True, kw_only=True)
class HybridGANConfig(Settings):
    """What a :class:`HybridGAN` is.

    Of the system of arXiv 2507.09706 it is known that noise has 5 dimensions, a circuit 5 qubits, each block 15
    parameters, and images grow from 4 x 4 to 32 x 32; what names no source is our own choice.
    """

    image_shape: tuple[int, int, int] = setting(
        (3, 32, 32), "Channels (1, 3 or 4), height and width (8 to 128) of the images", source="arXiv 2507.09706"
    )
    quantum_in: Literal["none", "generator", "discriminator", "both"] = setting("both", "Where the blocks are circuits")
    latent_dim: int = setting(
        5,
        "Length of a noise vector; if it is not `num_qubits`, a linear map leads to the block",
        source="arXiv 2507.09706",
        minimum=1,
    )
    noise: Literal["gaussian", "uniform"] | AbstractNoise = setting(
        "gaussian", "The noise: normal, uniform in [-1, 1], or a source of your own"
    )
    block: BlockConfig = setting(BlockConfig(), "The blocks")
    backbone: EfficientNetLite0Config | ResNet18Config | InceptionV3Config | ConvBackboneConfig | AbstractBackbone = (
        setting(EfficientNetLite0Config(), "What the discriminator sees with")
    )
    generator: UpsamplingConfig = setting(UpsamplingConfig(), "The generator around its block")
    discriminator: DiscriminatorConfig = setting(DiscriminatorConfig(), "The discriminator around its block")

    def check(self) -> None:
        """Raise :class:`ArgumentError` unless shape and noise fit."""
        check_picture_shape(self.image_shape)
        if isinstance(self.noise, AbstractNoise) and self.noise.dim != self.latent_dim:
            raise ArgumentError(
                f"Argument `noise` must give vectors of `latent_dim={self.latent_dim}` numbers, but gives "
                f"{self.noise.dim}."
            )

    @property
    def quantum_parts(self) -> tuple[str, ...]:
        """The networks that have a quantum block."""
        return {"both": ("generator", "discriminator"), "none": ()}.get(self.quantum_in, (self.quantum_in,))
