"""The settings of QuantumDiffusion: what the model is; how it is trained says ``DenoisingTraining``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from qiskit_qgen._checks import check_int
from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.diffusion import AbstractForwardProcess
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.noise import AbstractNoise
from qiskit_qgen.simulator.programs.lowering import MAX_QUBITS

_SAMPLING_STEPS = 50
_MOST_STEPS = 100_000


@dataclass(frozen=True, kw_only=True)
class PlainBottleneck(Settings):
    """A bottleneck with nothing in it."""

    kind: ClassVar[str] = "plain"


@dataclass(frozen=True, kw_only=True)
class SqueezeExcitation(Settings):
    """The classical gate that matches the quantum one, :class:`~qiskit_qgen.networks.ChannelGate`."""

    kind: ClassVar[str] = "se"
    width: int = setting(16, "Width of the gate", minimum=1)


@dataclass(frozen=True, kw_only=True)
class FrozenSqueezeExcitation(SqueezeExcitation):
    """The same gate with its first layer not trained."""

    kind: ClassVar[str] = "se_frozen"


@dataclass(frozen=True, kw_only=True)
class QuantumBottleneck(Settings):
    """A gate whose core is a circuit, :class:`~qiskit_qgen.networks.ChannelGate`."""

    kind: ClassVar[str] = "quantum"
    num_qubits: int = setting(
        16, "Qubits of the circuit: the gate's width", source="arXiv 2504.00034", minimum=1, maximum=MAX_QUBITS
    )
    num_layers: int = setting(3, "Layers of the circuit", source="arXiv 2504.00034", minimum=1, maximum=10_000)


@dataclass(frozen=True, kw_only=True)
class PublishedBottleneck(QuantumBottleneck):
    """The circuit published with arXiv 2504.00034, whose weights have no effect: for the record."""

    kind: ClassVar[str] = "quantum_published"


@dataclass(frozen=True, kw_only=True)
class UNetConfig(Settings):
    """Our default network, :class:`~qiskit_qgen.networks.UNet`."""

    kind: ClassVar[str] = "default"
    width: int = setting(32, "Channels at full size, divisible by 8", minimum=8)


@dataclass(frozen=True, kw_only=True)
class PublishedUNetConfig(Settings):
    """The network of arXiv 2504.00034's code, :class:`~qiskit_qgen.networks.PublishedUNet`."""

    kind: ClassVar[str] = "published"


@dataclass(frozen=True, kw_only=True)
class GaussianDiffusion(Settings):
    """Images that drown in noise, ``x_t = a_t x_0 + s_t e``."""

    kind: ClassVar[str] = "gaussian"
    num_steps: int = setting(
        1000, "Number of diffusion steps", source="code of arXiv 2504.00034", minimum=2, maximum=_MOST_STEPS
    )
    schedule: Literal["cosine", "linear", "sigmoid", "information"] = setting(
        "cosine",
        "The noise schedule; 'information' is fitted to the training images' spectrum, see "
        ":func:`~qiskit_qgen.diffusion.information_beta_schedule`",
    )
    prediction: Literal["v", "epsilon", "x0"] = setting(
        "v", "What the network predicts ('epsilon' in the code of arXiv 2504.00034)"
    )


@dataclass(frozen=True, kw_only=True)
class Depolarizing(Settings):
    """Pixels as qubits that depolarise, :class:`~qiskit_qgen.diffusion.DepolarizingProcess`."""

    kind: ClassVar[str] = "depolarizing"
    num_steps: int = setting(1000, "Number of diffusion steps", minimum=2, maximum=_MOST_STEPS)
    shots: int = setting(16, "Shots for each pixel", minimum=1)


@dataclass(frozen=True, kw_only=True)
class StochasticWalk(Settings):
    """Pixels that walk over the grey levels, :class:`~qiskit_qgen.diffusion.StochasticWalkProcess`."""

    kind: ClassVar[str] = "stochastic_walk"
    num_steps: int = setting(1000, "Number of diffusion steps", minimum=2, maximum=_MOST_STEPS)
    levels: int = setting(8, "Number of grey levels", minimum=3, maximum=16)
    mixing: float = setting(0.3, "1 is the classical random walk; near 0 almost all is quantum", above=0, maximum=1)


@dataclass(frozen=True, kw_only=True)
class Sampling(Settings):
    """How a model samples unless a call says otherwise."""

    sampler: Literal["ddim", "dpm-solver", "ddpm"] = setting(
        "ddim", "The sampler, with the Gaussian process only; 'ddpm' takes all steps"
    )
    steps: int | None = setting(
        None, "Calls of the network for an image, of 'ddim' and 'dpm-solver'; None takes at most 50", minimum=1
    )
    guidance: float = setting(
        1.0,
        "Strength g of classifier-free guidance, (1 - g) output(no label) + g output(label), of a model with classes",
        source="arXiv 2207.12598",
        minimum=0,
    )

    def check(self) -> None:
        """Raise :class:`ArgumentError` if a number of steps has no effect."""
        if self.sampler == "ddpm":
            self.refuse(("steps",), "with sampler='ddpm', which takes all")


@dataclass(frozen=True, kw_only=True)
class QuantumDiffusionConfig(Settings):
    """What a :class:`QuantumDiffusion` is; what names no source is our own choice."""

    image_shape: tuple[int, int, int] = setting(
        (1, 28, 28), "Channels (1 to 4), height and width (divisible by 4) of the images"
    )
    bottleneck: (
        QuantumBottleneck | PlainBottleneck | SqueezeExcitation | FrozenSqueezeExcitation | PublishedBottleneck
    ) = setting(QuantumBottleneck(), "What stands in the network's bottleneck")
    architecture: UNetConfig | PublishedUNetConfig = setting(UNetConfig(), "The network")
    process: GaussianDiffusion | Depolarizing | StochasticWalk | AbstractForwardProcess = setting(
        GaussianDiffusion(), "The forward process: how images drown, or a process of your own"
    )
    noise: Literal["gaussian", "quantum"] | AbstractNoise = setting(
        "gaussian",
        "The noise of the Gaussian process: normal, of a quantum circuit, or a source of your own with as many "
        "components as an image",
    )
    num_classes: int | None = setting(None, "Number of labels; None for a model without", minimum=1)
    sampling: Sampling = setting(Sampling(), "How the model samples unless a call says otherwise")

    def check(self) -> None:
        """Raise :class:`ArgumentError` unless shape, process, noise and sampling go together."""
        check_int("image_shape[0]", self.image_shape[0], minimum=1, maximum=4)
        for index in (1, 2):
            if check_int(f"image_shape[{index}]", self.image_shape[index], minimum=4) % 4:
                raise ArgumentError(
                    f"Argument `image_shape` must have sides divisible by 4, but is {self.image_shape}."
                )
        size = math.prod(self.image_shape)
        if isinstance(self.noise, AbstractNoise) and self.noise.dim != size:
            raise ArgumentError(
                f"Argument `noise` must have as many components as an image, {size}, but has {self.noise.dim}."
            )
        if not self.is_gaussian:
            self.refuse(("noise",), "unless the process is Gaussian")
        self.check_sampling(self.sampling)

    def check_sampling(self, sampling: Sampling) -> None:
        """Raise unless a way of sampling goes with the model.

        Raises:
            ArgumentError: If it has options without effect, or more steps than the process.
        """
        if not self.is_gaussian:
            sampling.refuse(("sampler",), "unless the process is Gaussian")
        if self.num_classes is None:
            sampling.refuse(("guidance",), "on a model without classes")
        if sampling.steps is not None:
            check_int("sampling_steps", sampling.steps, minimum=1, maximum=self.process.num_steps)

    @property
    def is_gaussian(self) -> bool:
        """Whether images drown in noise that is added."""
        return isinstance(self.process, GaussianDiffusion)

    @property
    def is_quantum(self) -> bool:
        """Whether the bottleneck has a circuit."""
        return isinstance(self.bottleneck, QuantumBottleneck)

    def num_calls(self, sampling: Sampling) -> int:
        """Return in how many steps an image is sampled."""
        every = self.process.num_steps
        return every if sampling.sampler == "ddpm" else sampling.steps or min(_SAMPLING_STEPS, every)
