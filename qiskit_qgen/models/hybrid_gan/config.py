"""The settings of the HybridGAN model. ``AdversarialTraining`` holds the training settings."""

from __future__ import annotations

from typing import Any, Literal

from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.circuits import ParametrizedCircuit
from qiskit_qgen.circuits.patterns import check_circuit_size, pairs_of_layers
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.networks import AbstractBackbone
from qiskit_qgen.networks.backbones.config import (
    ConvBackboneConfig,
    EfficientNetLite0Config,
    InceptionV3Config,
    ResNet18Config,
)
from qiskit_qgen.networks.controls import CircuitControl
from qiskit_qgen.networks.own_circuits import take_observables, take_own_circuit
from qiskit_qgen.networks.upsampling import check_generated_shape, check_width
from qiskit_qgen.noise import AbstractNoise
from qiskit_qgen.simulator.programs.lowering import MAX_QUBITS

_OF_THE_ANSATZ = ("num_layers", "encoding", "rotations", "entanglement", "entangler")
QUANTUM_IN = ("none", "generator", "discriminator", "both")


class BlockConfig(CircuitControl):
    """The exchangeable block of each network: a variational circuit, or two dense layers with as many parameters.

    The circuit's options also set the size of classical blocks, so that configurations can be compared. A control
    replaces the circuit wherever `quantum_in` puts one.
    """

    num_qubits: int = setting(
        "Qubits of a circuit, and inputs of a classical block",
        default=5,
        source="arXiv 2507.09706",
        minimum=1,
        maximum=MAX_QUBITS,
    )
    ansatz: Literal["hardware_efficient", "strongly_entangling", "data_reuploading"] | ParametrizedCircuit = setting(
        "The circuit: a named ansatz, such as :func:`~qiskit_qgen.circuits.hardware_efficient_ansatz`, "
        "or your own circuit with inputs and weights, for which the options down to `entangler` have no "
        "effect",
        default="hardware_efficient",
    )
    num_layers: int | None = setting(
        "Layers of the circuit; None takes 3, or 1 for 'strongly_entangling', which gives 15 weights "
        "with 5 qubits, as in arXiv 2507.09706",
        default=None,
        minimum=1,
        maximum=10_000,
    )
    encoding: str | tuple[str, ...] = setting("Gates that encode the inputs", default="ry")
    rotations: tuple[str, ...] | None = setting(
        "Rotation gates of a layer; None takes one RY, or RY, RZ, RY for 'strongly_entangling', because "
        "its usual last RZ would have no effect on Z",
        default=None,
    )
    entanglement: Any = setting("Which qubits are entangled; 'strongly_entangling' has a fixed pattern", default="ring")
    entangler: str | tuple[str, ...] = setting("Two-qubit gate, or a list of several", default="cx")
    observables: Any = setting(
        "Pauli letters to measure on each qubit, as expectation values; or a list of observables, each "
        "a SparsePauliOp or a Pauli string such as 'XIZ'",
        default="Z",
    )
    num_parameters: int | None = setting(
        "Number of parameters of a classical block; the nearest number that two layers can have is "
        "used; None takes the number of the circuit's weights",
        default=None,
        minimum=1,
    )
    activation: Literal["leaky_relu", "relu", "tanh"] = setting(
        "Non-linearity of classical blocks; with one hidden unit, 'relu' (arXiv 2507.09706) gives no "
        "gradient wherever the unit is inactive",
        default="leaky_relu",
    )

    def check(self) -> None:
        """Raise :class:`ArgumentError` unless the options of the circuit go together."""
        super().check()
        own = take_own_circuit(self, _OF_THE_ANSATZ, has_weights=True)
        take_observables(self)
        if own is None:
            self._check_circuit()

    def _check_circuit(self) -> None:
        if self.ansatz == "strongly_entangling":
            self.refuse(("entanglement",), "with ansatz='strongly_entangling', which has its own")
        pairs = max(map(len, pairs_of_layers(self.entanglement, self.num_qubits)))
        entanglers = 1 if isinstance(self.entangler, str) else len(self.entangler)
        turns = len(self.rotations or ("ry", "rz", "ry")) + (
            1 if isinstance(self.encoding, str) else len(self.encoding)
        )
        check_circuit_size(self.depth, self.num_qubits * turns + pairs * entanglers)

    @property
    def depth(self) -> int:
        """Number of layers."""
        return self.num_layers or (1 if self.ansatz == "strongly_entangling" else 3)


class UpsamplingConfig(Settings):
    """The generator around its block: :class:`~qiskit_qgen.networks.UpsamplingGenerator`."""

    width: int = setting("Channels of the first two stages, a multiple of 8", default=64, minimum=16)

    def check(self) -> None:
        """Raise :class:`ArgumentError` unless the width is a multiple of 8."""
        check_width("width", self.width)


class DiscriminatorConfig(Settings):
    """The discriminator around its block: :class:`~qiskit_qgen.networks.TransferDiscriminator`."""

    width: int = setting("Width of the hidden layer before the block", default=128, minimum=1)
    spectral_normalization: bool = setting(
        "Whether the layers have spectral norm 1", default=False, source="arXiv 1802.05957"
    )


class HybridGANConfig(Settings):
    """What a :class:`HybridGAN` is.

    In the system of arXiv 2507.09706, noise has 5 dimensions, a circuit has 5 qubits, each block has 15 parameters, and
    images grow from 4 x 4 to 32 x 32. Options without a source are our choice.
    """

    image_shape: tuple[int, int, int] = setting(
        "Channels (1, 3 or 4), height and width (8 to 128) of the images",
        default=(3, 32, 32),
        source="arXiv 2507.09706",
    )
    quantum_in: Literal["none", "generator", "discriminator", "both"] = setting(
        "Which networks have a circuit as their block", default="both"
    )
    latent_dim: int = setting(
        "Length of a noise vector; if it differs from `num_qubits`, a linear map comes before the block",
        default=5,
        source="arXiv 2507.09706",
        minimum=1,
    )
    noise: Literal["gaussian", "uniform"] | AbstractNoise = setting(
        "The noise: normal, uniform in [-1, 1], or your own source", default="gaussian"
    )
    num_classes: int = setting(
        "Number of labels, of which the noise chooses one that the discriminator also sees; 0 for a "
        "model without labels",
        default=0,
        minimum=0,
    )
    num_clusters: int = setting(
        "Number of clusters that k-means finds in the images and that replace labels; 0 for none", default=0, minimum=0
    )
    block: BlockConfig = setting("The blocks", default=BlockConfig())
    backbone: EfficientNetLite0Config | ResNet18Config | InceptionV3Config | ConvBackboneConfig | AbstractBackbone = (
        setting("The network that extracts image features for the discriminator", default=EfficientNetLite0Config())
    )
    generator: UpsamplingConfig = setting("The generator around its block", default=UpsamplingConfig())
    discriminator: DiscriminatorConfig = setting("The discriminator around its block", default=DiscriminatorConfig())

    def check(self) -> None:
        """Raise :class:`ArgumentError` unless shape, noise and control fit."""
        check_generated_shape(self.image_shape)
        if self.quantum_in == "both":
            self.block.refuse(("num_parameters",), "with quantum_in='both', which has no classical block")
        if not self.quantum_parts:
            self.block.refuse(("control",), "with quantum_in='none', which has no circuit to replace")
        for name in ("num_classes", "num_clusters"):
            if getattr(self, name) == 1:
                raise ArgumentError(f"Argument `{name}` must be 0 or an integer of at least 2, but is 1.")
        if self.num_classes and self.num_clusters:
            raise ArgumentError("Argument `num_clusters` must be 0 for a model with classes: give one of the two.")
        if isinstance(self.noise, AbstractNoise) and self.noise.dim != self.latent_dim:
            raise ArgumentError(
                f"Argument `noise` must give vectors of `latent_dim={self.latent_dim}` numbers, but gives "
                f"{self.noise.dim}."
            )

    @property
    def num_categories(self) -> int:
        """Number of classes or clusters; 0 for none."""
        return self.num_classes or self.num_clusters

    @property
    def quantum_parts(self) -> tuple[str, ...]:
        """Names of the networks with a quantum block."""
        return {"both": ("generator", "discriminator"), "none": ()}.get(self.quantum_in, (self.quantum_in,))
