"""A generative model as a torch module, built from settings."""

from __future__ import annotations

import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from qiskit_qgen._checks import check_type
from qiskit_qgen._random import torch_generator
from qiskit_qgen._settings import Settings
from qiskit_qgen.circuits import ParametrizedCircuit
from qiskit_qgen.datasets import Column
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.models.base.labels import sampling_labels
from qiskit_qgen.noise import AbstractNoise
from qiskit_qgen.training import History

_WEIGHT_STREAM = 0x696E6974


class AbstractModule(nn.Module, ABC):
    """A module built from settings, with the networks as its children.

    A new model has the weights of seed 0 and is in evaluation mode. It is built from settings, passed as keyword
    arguments or as one object (:meth:`from_config`); :attr:`config` returns them.

    Args:
        **settings: The settings of ``config_class``. You may also pass settings of its parts by their own names, see
            ``Settings.of``.

    Raises:
        ArgumentError: If a value is out of range, has no effect, or does not go with another.
        ArgumentTypeError: If a name is unknown or a value has the wrong type.
    """

    config_class: ClassVar[type[Settings]]
    """The class of the model's settings."""
    training_class: ClassVar[type[Settings]]
    """The class of the settings of its training."""
    config: Any
    """The model's settings."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if hasattr(cls, "config_class"):
            cls.__signature__ = inspect.signature(cls.config_class)  # type: ignore[attr-defined]

    def __init__(self, *values: Any, **settings: Any) -> None:
        if values:
            way = f"{type(self).__name__}.from_config(config)"
            if not isinstance(values[0], Settings):
                way = f"{type(self).__name__}({self.config_class.names()[0]}=...)"
            raise ArgumentTypeError(f"{type(self).__name__} takes its settings by their names: write `{way}`.")
        for name in settings:
            if name in self.training_class.names() and name not in self.config_class.names():
                raise ArgumentTypeError(
                    f"{type(self).__name__} has no option `{name}`, which says how it is trained: pass "
                    f"`training={self.training_class.__name__}({name}=...)` to `fit`."
                )
        self._set_up(self.config_class.of(**settings))

    @classmethod
    def from_config(cls, config: Settings) -> Self:
        """Return an untrained model with these settings.

        Raises:
            ArgumentTypeError: If ``config`` is not an instance of ``config_class``.
        """
        check_type("config", config, cls.config_class, f"a {cls.config_class.__name__}")
        model = cls.__new__(cls)
        model._set_up(config)
        return model

    def _set_up(self, config: Settings) -> None:
        self._begin(config)
        self._add_networks()

    def _begin(self, config: Settings) -> None:
        """Take over the settings, before there are networks."""
        nn.Module.__init__(self)
        self.config = config
        self.history: History | None = None
        """Losses and scores of the training; None before the first."""
        self.class_names: tuple[str, ...] | None = None
        """The names of the labels, of a model with classes that was trained on a data set with names."""
        self.columns: tuple[Column, ...] | None = None
        """Names and types of the columns that the model was trained on; None before, and of a model of images."""
        self._is_trained = False
        self._origin: str | None = None
        self._prepare()

    def _add_networks(self) -> None:
        for name, network in self._fresh_networks(0).items():
            self.add_module(name, network)
        self.eval()

    def _fresh_networks(self, seed: int) -> dict[str, nn.Module]:
        """Return all networks with weights that depend on ``seed`` alone; torch's global generator stays as it is."""

        def seeded(number: int) -> None:
            torch.default_generator.manual_seed(torch_generator(seed, _WEIGHT_STREAM, number).initial_seed())

        with torch.random.fork_rng(devices=[]):
            try:
                return self._build(seeded)
            except (RuntimeError, OverflowError) as error:
                if not re.search("alloc|[Oo]verflow", str(error)):
                    raise
                raise ArgumentError(
                    f"The settings of this {type(self).__name__} ask for more numbers than the memory holds: make the "
                    "images or the networks smaller."
                ) from error

    @torch.no_grad()
    def _restart(self, seed: int) -> None:
        """Overwrite all weights with fresh ones."""
        for name, network in self._fresh_networks(seed).items():
            own = self.get_submodule(name).state_dict()
            for key, tensor in network.state_dict().items():
                own[key].copy_(tensor)

    @property
    def device(self) -> torch.device:
        """The device of the networks."""
        return next(self.parameters()).device

    def _check_device(self) -> None:
        """Raise ArgumentError if the weights have shapes but no values."""
        if self.device.type == "meta":
            raise ArgumentError(
                f"The weights of this {type(self).__name__} must have values, but it is on the device 'meta': make or "
                "load it without that device."
            )

    @property
    def dtype(self) -> torch.dtype:
        """The precision of the networks' weights: float32 unless the model was converted."""
        return next(self.parameters()).dtype

    @property
    def networks(self) -> dict[str, nn.Module]:
        """The networks by name."""
        return dict(self.named_children())

    @property
    @abstractmethod
    def circuit(self) -> ParametrizedCircuit | None:
        """The model's circuit; None if it has none."""

    @property
    @abstractmethod
    def noise(self) -> AbstractNoise:
        """The source of noise."""

    @property
    def noise_dim(self) -> int:
        """Length of a noise vector."""
        return self.noise.dim

    @property
    def image_shape(self) -> tuple[int, int, int] | None:
        """Channels, height and width of the images; None for tabular data."""
        shape: tuple[int, int, int] | None = self.config.image_shape
        return shape

    @property
    def num_classes(self) -> int | None:
        """Number of labels; None for a model without labels."""
        return None

    @property
    def num_categories(self) -> int | None:
        """Number of categories to choose from, labels or clusters; None for a model without them."""
        return self.num_classes

    @abstractmethod
    def latents(
        self, noise: Tensor, labels: Tensor | None = None, *, generator: torch.Generator | None = None, **options: Any
    ) -> Tensor:
        """Map noise (N, noise_dim) to the generator's outputs, before decoding to images or rows; differentiable."""

    @abstractmethod
    def decode(self, latents: Tensor) -> Tensor:
        """Map the result of :meth:`latents` to images or rows; differentiable.

        Raises:
            ArgumentError: If ``latents`` has another shape.
        """

    def forward(
        self, noise: Tensor, labels: Tensor | None = None, *, generator: torch.Generator | None = None
    ) -> Tensor:
        """Map noise to samples on the model's device; differentiable through the circuit.

        Args:
            noise: (N, noise_dim), on the model's device.
            labels: For a model with classes: one label for all, or (N,) from 0; None draws them evenly.
            generator: Generator for samplers that draw further noise; None draws the same noise each time.

        Returns:
            Images (N, C, H, W) in [0, 1], or rows (N, num_features).

        Raises:
            ArgumentError: If ``noise`` or ``labels`` has another shape.
            DatasetError: If ``labels`` are not integers, or out of range.
        """
        check_type("noise", noise, Tensor, "a tensor")
        if not noise.is_floating_point():
            raise ArgumentError(f"Argument `noise` must hold floating-point numbers, but is of type {noise.dtype}.")
        if noise.dim() != 2 or noise.shape[1] != self.noise_dim:
            raise ArgumentError(
                f"Argument `noise` must have shape (N, {self.noise_dim}), but has shape {tuple(noise.shape)}."
            )
        return self.decode(self.latents(noise, self._labels(labels, len(noise)), generator=generator))

    def _labels(self, labels: Any, number: int) -> Tensor | None:
        """Return the labels (number,) to sample, checked, on the model's device; None if none are given."""
        found = sampling_labels(labels, number, self.num_categories, self.class_names)
        return None if found is None else found.to(self.device)

    @torch.no_grad()
    def _copy(self, tensors: dict[str, Tensor]) -> None:
        for name, tensor in self.state_dict().items():
            tensor.copy_(tensors[name])

    def load_state_dict(self, *args: Any, **options: Any) -> Any:
        """As in :class:`torch.nn.Module`; the model then counts as trained."""
        result = super().load_state_dict(*args, **options)
        self._is_trained = True
        return result

    def summary(self) -> str:
        """Return a table of the model's parts and their numbers of trainable parameters."""
        rows = [(name, self._describe(name), count(network)) for name, network in self.named_children()]
        rows.append(("total", "", sum(number for _, _, number in rows)))
        name_width = max(len(name) for name, _, _ in rows)
        text_width = max(len(text) for _, text, _ in rows)
        title = f"{type(self).__name__}: {'trained' if self._is_trained else 'not trained'}"
        lines = [f"{name:<{name_width}}  {text:<{text_width}}  {number:>12,}" for name, text, number in rows]
        return "\n".join([title, *lines])

    def __repr__(self) -> str:
        return self.summary()

    @abstractmethod
    def _prepare(self) -> None:
        """Build the parts of the model that are not trained networks: circuit, sources, frozen features."""

    @abstractmethod
    def _build(self, seeded: Callable[[int], None]) -> dict[str, nn.Module]:
        """Return all networks by name; after ``seeded(k)``, weights are drawn from stream k of the seed."""

    @abstractmethod
    def _describe(self, name: str) -> str:
        """Describe the network ``name`` in a few words."""


def quantum_layers(module: nn.Module) -> list[QuantumLayer]:
    """Return the layers of ``module`` that run circuits."""
    return [each for each in module.modules() if isinstance(each, QuantumLayer)]


def count(module: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
