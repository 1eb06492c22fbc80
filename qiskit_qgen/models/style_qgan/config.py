"""The settings of the StyleQGAN model and of its training."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

from torch import nn

from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.circuits import ParametrizedCircuit
from qiskit_qgen.circuits.patterns import angles_of_layers, check_circuit_size, pairs_of_layers, repeated_layers
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.networks import (
    ClassicalGeneratorConfig,
    ConvAutoencoderConfig,
    ConvCriticConfig,
    CriticConfig,
    LastAutoencoderConfig,
    VariationalAutoencoderConfig,
)
from qiskit_qgen.networks.autoencoder import check_image_shape
from qiskit_qgen.networks.controls import CircuitControl
from qiskit_qgen.networks.last_autoencoder import check_sides
from qiskit_qgen.networks.own_circuits import take_observables, take_own_circuit
from qiskit_qgen.noise import AbstractNoise
from qiskit_qgen.simulator.programs.lowering import MAX_QUBITS
from qiskit_qgen.training import AutoencoderTraining, DecoderTraining, WassersteinTraining

_OF_THE_ANSATZ = ("num_layers", "rotations", "final_rotations", "entanglement", "entangler")
_USUAL_SIZE = 24  # two numbers of each of 12 qubits


class QuantumGeneratorConfig(CircuitControl):
    """A circuit with noise in every rotation angle: :class:`~qiskit_qgen.networks.QuantumStyleGenerator`."""

    kind: ClassVar[str] = "quantum"
    ansatz: ParametrizedCircuit | None = setting(
        "Your own circuit, whose inputs are the angles; None builds one from the options down to `entangler`",
        default=None,
    )
    num_qubits: int = setting("Number of qubits", default=12, source="arXiv 2601.05036", minimum=1, maximum=MAX_QUBITS)
    num_layers: int = setting(
        "Layers of rotations and entanglers, before a final layer of rotations",
        default=8,
        source="arXiv 2601.05036",
        minimum=1,
        maximum=10_000,
    )
    rotations: tuple[str, ...] = setting("Rotation gates of each qubit in a layer", default=("ry", "rz"))
    final_rotations: tuple[str, ...] | None = setting(
        "Rotation gates after the last layer; None takes `rotations`", default=None
    )
    entanglement: Any = setting(
        "Which qubits are entangled; see :func:`~qiskit_qgen.circuits.style_ansatz`", default="brick"
    )
    entangler: str | tuple[str, ...] = setting("Two-qubit gate, or a list of several", default="cx")
    observables: Any = setting(
        "Pauli letters to measure on each qubit, as expectation values; or a list of observables, each "
        "a SparsePauliOp or a Pauli string such as 'XIZ'",
        default="XZ",
        source="arXiv 2601.05036",
    )
    style: Literal["full", "cyclic", "cyclic-shared"] = setting(
        "How the noise enters: each angle depends on all noise components (arXiv 2406.02668), or on "
        "one, in turn (arXiv 2110.06933), or on one that a qubit's second and third rotation share, as "
        "in the tutorial of the latter's code",
        default="full",
    )
    init: Literal["gaussian", "uniform"] = setting(
        "How the angles are initialised; see :class:`~qiskit_qgen.networks.QuantumStyleGenerator`", default="gaussian"
    )
    init_scale: float = setting(
        "With init='uniform', the bound of the initial weights and biases; with 'gaussian', the total "
        "size of the angles that start near 0, relative to the spread of a final rotation: small angles "
        "avoid flat gradients",
        default=0.1,
        minimum=0,
        maximum=1e6,
    )
    readout_std: float | None = setting(
        "Spread of the expectation values that corresponds to one standard deviation; None takes 0.25 "
        "in a latent space, and without an autoencoder 1, which leaves them unchanged",
        default=None,
        above=0,
    )

    def check(self) -> None:
        """Raise :class:`ArgumentError` unless letters and pattern are known and the circuit is small enough to run."""
        super().check()
        if self.control == "dense":
            raise ArgumentError(
                "Argument `control` must be one of 'unentangled', 'frozen', 'fourier' or None of a generator, but is "
                "'dense': take generator='classical'."
            )
        own = take_own_circuit(self, _OF_THE_ANSATZ, has_weights=False)
        take_observables(self)
        if own is None:
            self._check_size()

    def _check_size(self) -> None:
        pairs = max(map(len, pairs_of_layers(self.entanglement, self.num_qubits)))
        entanglers = 1 if isinstance(self.entangler, str) else len(self.entangler)
        last = self.rotations if self.final_rotations is None else self.final_rotations
        gates = self.num_qubits * len(self.rotations) + pairs * entanglers
        check_circuit_size(self.num_layers, gates, self.num_qubits * len(last))

    def layers_of_angles(self) -> list[range]:
        """Return the indices of the angles in each layer, the final rotations last; your own circuit is one layer."""
        if self.ansatz is not None:
            return [range(self.ansatz.num_inputs)]
        layers = repeated_layers(self.num_qubits, self.num_layers, self.entanglement)
        last = self.rotations if self.final_rotations is None else self.final_rotations
        return angles_of_layers(self.num_qubits, self.rotations, self.entangler, layers, last)

    @property
    def num_readouts(self) -> int:
        """Number of observables of the circuit."""
        return len(self.observables) * (self.num_qubits if isinstance(self.observables, str) else 1)


class StyleQGANConfig(Settings):
    """What a :class:`StyleQGAN` is.

    The latent model of arXiv 2601.05036 uses 12 qubits, 24 latent components, up to 8 layers, the Wasserstein loss with
    gradient penalty, and gradient-norm clipping. Options without a source are our choice.
    """

    image_shape: tuple[int, int, int] | None = setting(
        "Channels, height and width (8 to 64) of the images; None for tabular data", default=(1, 28, 28)
    )
    num_features: int | None = setting("Number of columns of tabular data", default=None, minimum=1)
    scaling: Literal["range", "quantile", "power", "none"] = setting(
        "How columns of tabular data are mapped to [-1, 1]: by their range, by their quantiles, by the "
        "Yeo-Johnson power transform followed by their range (arXiv 2110.06933), or not at all",
        default="range",
    )
    generator: QuantumGeneratorConfig | ClassicalGeneratorConfig = setting(
        "The generator: a circuit, or a multilayer perceptron instead", default=QuantumGeneratorConfig()
    )
    noise: Literal["gaussian", "quantum"] | AbstractNoise = setting(
        "The noise, apart from a category: normal, from a quantum circuit, or your own source", default="gaussian"
    )
    noise_dim: int | None = setting(
        "Length of a noise vector without its category; None takes two components for each qubit, or 24 "
        "without a circuit, minus one for each category if there are at most half as many categories",
        default=None,
        minimum=1,
    )
    num_classes: int = setting(
        "Number of labels, of which the noise chooses one that the critic also sees; 0 for a model without labels",
        default=0,
        minimum=0,
    )
    num_clusters: int = setting(
        "Number of clusters that k-means finds in the generator's training vectors and that replace labels; 0 for none",
        default=0,
        minimum=0,
    )
    autoencoder: ConvAutoencoderConfig | VariationalAutoencoderConfig | LastAutoencoderConfig | nn.Module | None = (
        setting(
            "The image autoencoder; None to generate pixels directly; or your own module with `encode`, "
            "which maps (N, C, H, W) to (N, latent_dim), and `decode`, the reverse with values in [0, 1]",
            default=ConvAutoencoderConfig(),
        )
    )
    latent_dim: int | None = setting(
        "Length of a latent vector, at most the number of outputs; None takes that number, or 24 without a circuit",
        default=None,
        minimum=1,
    )
    latent_transform: Literal["pca", "zca", "standard", "none"] = setting(
        "How latents are transformed before the generator learns them, fitted to the training images; "
        "see :class:`~qiskit_qgen.networks.LatentNormalizer`",
        default="pca",
    )
    critic: CriticConfig | ConvCriticConfig = setting("The critic", default=CriticConfig())

    def check(self) -> None:
        """Raise unless data, autoencoder and generator fit together."""
        if self.image_shape is None:
            if self.num_features is None:
                raise ArgumentError(
                    "Argument `num_features` must be a positive integer if `image_shape` is None, but is None."
                )
            self.refuse(("autoencoder", "latent_dim", "latent_transform"), "for tabular data, which have no latent")
        else:
            check_image_shape(self.image_shape)
            self.refuse(("num_features", "scaling"), "for images")
            if self.autoencoder is None:
                self.refuse(("latent_dim", "latent_transform"), "without an autoencoder")
        if isinstance(self.autoencoder, LastAutoencoderConfig) and self.image_shape is not None:
            check_sides(self.image_shape)
        if isinstance(self.autoencoder, nn.Module):
            for method in ("encode", "decode"):
                if not callable(getattr(self.autoencoder, method, None)):
                    raise ArgumentTypeError(
                        f"Argument `autoencoder` must be a module with a method `{method}`, but has none."
                    )
        for name in ("num_classes", "num_clusters"):
            if getattr(self, name) == 1:
                raise ArgumentError(f"Argument `{name}` must be 0 or an integer of at least 2, but is 1.")
        if self.num_classes and self.num_clusters:
            raise ArgumentError("Argument `num_clusters` must be 0 for a model with classes: give one of the two.")
        if isinstance(self.noise, AbstractNoise):
            self.refuse(("noise_dim",), "beside a source of noise, which has its own length")
        generator = self.generator
        if isinstance(generator, QuantumGeneratorConfig) and self.num_categories and generator.style != "full":
            raise ArgumentError(
                "Argument `style` must be 'full' for a model with classes or clusters, each of which turns every "
                f"angle, but is {generator.style!r}."
            )
        if isinstance(generator, QuantumGeneratorConfig):
            self._check_readouts(generator)

    def _check_readouts(self, generator: QuantumGeneratorConfig) -> None:
        """Raise unless there is an observable for each component of a sample, and every one in a list is used."""
        if not isinstance(generator.observables, str) and self.sample_size != generator.num_readouts:
            raise ArgumentError(
                f"Argument `observables` must be as many as a sample has numbers, {self.sample_size}, but holds "
                f"{generator.num_readouts}."
            )
        if self.sample_size > generator.num_readouts:
            raise ArgumentError(
                f"Argument `num_qubits` must give an output for each of the {self.sample_size} numbers of a sample, "
                f"but {generator.num_qubits} qubits with `observables={generator.observables!r}` give "
                f"{generator.num_readouts}."
            )

    @property
    def has_autoencoder(self) -> bool:
        """Whether the generator works in an autoencoder's latent."""
        return self.image_shape is not None and self.autoencoder is not None

    @property
    def sample_size(self) -> int:
        """Length of the vectors that the generator produces."""
        if self.image_shape is None:
            return self.num_features or 0
        if self.autoencoder is None:
            return math.prod(self.image_shape)
        if self.latent_dim is not None:
            return self.latent_dim
        return self.generator.num_readouts if isinstance(self.generator, QuantumGeneratorConfig) else _USUAL_SIZE

    @property
    def noise_size(self) -> int:
        """Length of a noise vector, including its category."""
        return self.continuous_size + self.num_categories

    @property
    def continuous_size(self) -> int:
        """Length of a noise vector without its category."""
        if isinstance(self.noise, AbstractNoise):
            return self.noise.dim
        if self.noise_dim is not None:
            return self.noise_dim
        usual = 2 * self.generator.num_qubits if isinstance(self.generator, QuantumGeneratorConfig) else _USUAL_SIZE
        return usual - self.num_categories if 2 * self.num_categories <= usual else usual

    @property
    def given_noise_dim(self) -> int | None:
        """The `noise_dim` that gives another generator noise of this length; None with a custom source."""
        return None if isinstance(self.noise, AbstractNoise) else self.continuous_size

    @property
    def num_categories(self) -> int:
        """Number of classes or clusters; 0 for none."""
        return self.num_classes or self.num_clusters


class StyleQGANTraining(WassersteinTraining):
    """How to train a :class:`StyleQGAN`: first its autoencoder, then its decoder, then generator and critic."""

    autoencoder: AutoencoderTraining = setting("The training of the autoencoder", default=AutoencoderTraining())
    decoder: DecoderTraining = setting(
        "The adversarial training of the decoder, which makes images sharper", default=DecoderTraining()
    )
