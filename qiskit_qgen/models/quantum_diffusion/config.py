"""The settings of the QuantumDiffusion model. ``DenoisingTraining`` holds the training settings."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from qiskit_qgen._checks import check_channels_first, check_int
from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.diffusion import AbstractForwardProcess
from qiskit_qgen.diffusion.schedules import MAX_BETA
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.networks.bottleneck_gates import (
    FrozenSqueezeExcitation,
    PlainBottleneck,
    PublishedBottleneck,
    QuantumBottleneck,
    SqueezeExcitation,
)
from qiskit_qgen.networks.published_unet import PublishedUNetConfig
from qiskit_qgen.networks.unet import UNetConfig
from qiskit_qgen.noise import AbstractNoise

_SAMPLING_STEPS = 50
_MOST_STEPS = 100_000
_MOST_WALK_STEPS = 2_000  # each gets a table of transitions, before the sizes of a saved model are compared


class GaussianDiffusion(Settings):
    """The Gaussian forward process, ``x_t = a_t x_0 + s_t e``."""

    kind: ClassVar[str] = "gaussian"
    num_steps: int = setting(
        "Number of diffusion steps", default=1000, source="code of arXiv 2504.00034", minimum=2, maximum=_MOST_STEPS
    )
    schedule: Literal["cosine", "linear", "sigmoid", "information"] = setting(
        "The noise schedule; 'information' is fitted to the training images' spectrum, see "
        ":func:`~qiskit_qgen.diffusion.information_beta_schedule`",
        default="cosine",
    )
    min_beta: float = setting(
        "Smallest variance of a step in the cosine schedule (1e-4 in the code of arXiv 2504.00034)",
        default=0.0,
        minimum=0,
        maximum=MAX_BETA,
    )
    prediction: Literal["v", "epsilon", "x0"] = setting(
        "What the network predicts ('epsilon' in the code of arXiv 2504.00034)", default="v"
    )

    def check(self) -> None:
        """Raise :class:`ArgumentError` if a bound of variances has no effect."""
        if self.schedule != "cosine":
            self.refuse(("min_beta",), "unless the schedule is the cosine")


class Depolarizing(Settings):
    """Pixels as qubits that depolarise: :class:`~qiskit_qgen.diffusion.DepolarizingProcess`."""

    kind: ClassVar[str] = "depolarizing"
    num_steps: int = setting("Number of diffusion steps", default=1000, minimum=2, maximum=_MOST_STEPS)
    shots: int = setting("Shots for each pixel", default=16, minimum=1)


class StochasticWalk(Settings):
    """Pixels that walk over the grey levels: :class:`~qiskit_qgen.diffusion.StochasticWalkProcess`."""

    kind: ClassVar[str] = "stochastic_walk"
    num_steps: int = setting("Number of diffusion steps", default=1000, minimum=2, maximum=_MOST_WALK_STEPS)
    levels: int = setting("Number of grey levels", default=8, minimum=3, maximum=16)
    mixing: float = setting(
        "1 is the classical random walk; near 0, the walk is almost purely quantum", default=0.3, above=0, maximum=1
    )


class Sampling(Settings):
    """How a model samples, unless a call overrides it."""

    sampler: Literal["ddim", "dpm-solver", "ddpm"] = setting(
        "The sampler, for the Gaussian process only; 'ddpm' takes all steps", default="ddim"
    )
    steps: int | None = setting(
        "Network calls per image for 'ddim' and 'dpm-solver'; None takes at most 50", default=None, minimum=1
    )
    guidance: float = setting(
        "Strength g of classifier-free guidance for a model with classes: (1 - g) output(no label) + g output(label)",
        default=1.0,
        source="arXiv 2207.12598",
        minimum=0,
    )

    def check(self) -> None:
        """Raise :class:`ArgumentError` if a number of steps has no effect."""
        if self.sampler == "ddpm":
            self.refuse(("steps",), "with sampler='ddpm', which takes all")


class QuantumDiffusionConfig(Settings):
    """What a :class:`QuantumDiffusion` is. Options without a source are our choice."""

    image_shape: tuple[int, int, int] = setting(
        "Channels (1 to 4), height and width (divisible by 4) of the images", default=(1, 28, 28)
    )
    bottleneck: (
        QuantumBottleneck | PlainBottleneck | SqueezeExcitation | FrozenSqueezeExcitation | PublishedBottleneck
    ) = setting("The network's bottleneck", default=QuantumBottleneck())
    architecture: UNetConfig | PublishedUNetConfig = setting("The network", default=UNetConfig())
    process: GaussianDiffusion | Depolarizing | StochasticWalk | AbstractForwardProcess = setting(
        "The forward process, which turns images into noise; or your own process", default=GaussianDiffusion()
    )
    noise: Literal["gaussian", "quantum"] | AbstractNoise = setting(
        "The noise of the Gaussian process: normal, from a quantum circuit, or your own source with as "
        "many components as an image",
        default="gaussian",
    )
    num_classes: int | None = setting("Number of labels; None for a model without labels", default=None, minimum=2)
    sampling: Sampling = setting("How the model samples, unless a call overrides it", default=Sampling())

    def check(self) -> None:
        """Raise :class:`ArgumentError` unless shape, process, noise and sampling go together."""
        check_channels_first(self.image_shape)
        check_int("image_shape[0]", self.image_shape[0], minimum=1, maximum=4)
        for index in (1, 2):
            if check_int(f"image_shape[{index}]", self.image_shape[index], minimum=4, maximum=1024) % 4:
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
        """Raise unless the sampling options fit the model.

        Raises:
            ArgumentError: If options have no effect, or there are more steps than in the process.
        """
        if not self.is_gaussian:
            sampling.refuse(("sampler",), "unless the process is Gaussian")
        if self.num_classes is None:
            sampling.refuse(("guidance",), "on a model without classes")
        if sampling.steps is not None:
            check_int("sampling_steps", sampling.steps, minimum=1, maximum=self.process.num_steps)

    @property
    def is_gaussian(self) -> bool:
        """Whether the forward process adds Gaussian noise."""
        return isinstance(self.process, GaussianDiffusion)

    def num_calls(self, sampling: Sampling) -> int:
        """Return the number of steps to sample an image."""
        every = self.process.num_steps
        return every if sampling.sampler == "ddpm" else sampling.steps or min(_SAMPLING_STEPS, every)
