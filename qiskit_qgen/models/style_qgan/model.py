"""StyleQGAN: a style-based quantum GAN in the latent space of an autoencoder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Self, cast

import torch
from torch import Tensor, nn

from qiskit_qgen._checks import check_shape
from qiskit_qgen.circuits import ParametrizedCircuit
from qiskit_qgen.datasets import Column
from qiskit_qgen.datasets.table_dataset import to_frame, whole_numbers
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution import AbstractExecution
from qiskit_qgen.models.base import AbstractGenerativeModel, QuantumPass, quantum_layers
from qiskit_qgen.models.base.categories import asked_for, build_categories, with_categories
from qiskit_qgen.models.base.codecs import check_images, check_table, decode, encode, fingerprint
from qiskit_qgen.models.style_qgan.build import (
    build_circuit,
    build_codec,
    build_critic,
    build_generator,
    build_noise,
    build_normalizer,
    build_phases,
)
from qiskit_qgen.models.style_qgan.config import QuantumGeneratorConfig, StyleQGANConfig, StyleQGANTraining
from qiskit_qgen.models.style_qgan.mixing import mix_styles
from qiskit_qgen.models.style_qgan.published import PUBLISHED
from qiskit_qgen.noise import AbstractNoise
from qiskit_qgen.training import AbstractPhase


class StyleQGAN(AbstractGenerativeModel):
    """A GAN whose generator is a quantum circuit with noise in every rotation angle, for images and tabular data.

    A classical autoencoder compresses images to short vectors. The generator turns noise ``z`` into angles ``W z + b``
    and measures X and Z of each qubit. A classical critic compares the resulting vectors with those of real images by
    the Wasserstein loss with gradient penalty, and the decoder turns them into images (arXiv 2601.05036). Tabular data
    need no autoencoder. :meth:`published` gives the systems of arXiv 2110.06933, 2406.02668 and 2601.05036.

    Args:
        **settings: The settings of :class:`StyleQGANConfig` and of its parts, such as ``image_shape``, ``num_qubits``,
            ``num_layers``, ``critic_width`` or ``generator="classical"``.

    Raises:
        ArgumentError: If a value is out of range, has no effect, or does not go with another.
        ArgumentTypeError: If a name is unknown or a value has the wrong type.

    Example:
        >>> model = StyleQGAN(image_shape=(1, 8, 8), num_qubits=2, num_layers=1)
        >>> model(torch.zeros(3, model.noise_dim)).shape
        torch.Size([3, 1, 8, 8])
    """

    config_class = StyleQGANConfig
    training_class = StyleQGANTraining
    _labels_are_noise = _has_critic = True
    published_systems = PUBLISHED
    config: StyleQGANConfig

    def _prepare(self) -> None:
        self._circuit = build_circuit(self.config)
        self._continuous = build_noise(self.config)

    def _build(self, seeded: Callable[[int], None]) -> dict[str, nn.Module]:
        seeded(0)
        return {
            "autoencoder": build_codec(self.config),
            "normalizer": build_normalizer(self.config),
            "generator": build_generator(self.config, self._circuit),
            "critic": build_critic(self.config),
            **build_categories(self.config.num_classes, self.config.num_clusters, self.config.sample_size),
        }

    @property
    def circuit(self) -> ParametrizedCircuit | None:
        """The generator's circuit as it runs, with its angles as inputs; None if it has no quantum part."""
        options = self.config.generator
        return options.runs(self._circuit) if isinstance(options, QuantumGeneratorConfig) else None

    @property
    def noise_dim(self) -> int:
        """Length of a noise vector, including its category."""
        return self.config.noise_size

    @property
    def noise(self) -> AbstractNoise:
        """The noise source; with classes or clusters, it draws each as often as it occurs in the training data."""
        return with_categories(self._continuous, self.networks.get("categories"))

    @property
    def num_classes(self) -> int | None:
        """Number of labels; None for a model without labels."""
        return self.config.num_classes or None

    @property
    def num_categories(self) -> int | None:
        """Number of labels or clusters to choose from; None for a model without them."""
        return self.config.num_categories or None

    def latents(
        self, noise: Tensor, labels: Tensor | None = None, *, generator: torch.Generator | None = None, **options: Any
    ) -> Tensor:
        """Map noise (N, noise_dim) to the generator's vectors (N, latent_dim); differentiable.

        ``labels`` (N,), the indices of classes or clusters, replace the categories in the noise.
        """
        if labels is not None:
            noise = asked_for(noise, labels, self.config.num_categories)
        vectors: Tensor = self.get_submodule("generator")(noise)
        return vectors

    def decode(self, latents: Tensor) -> Tensor:
        """Map the generator's vectors (N, latent_dim) to images or rows; differentiable.

        Raises:
            ArgumentError: If ``latents`` has another shape.
        """
        size = self.config.sample_size
        check_shape("latents", latents.shape, f"(N, {size})", latents.dim() == 2 and latents.shape[1] == size)
        codec, normalizer = cast(Any, self.autoencoder), cast(Any, self.normalizer)
        data: Tensor = codec.decode(normalizer.inverse(latents))
        return data if self.config.image_shape is None else data.clamp(0, 1)

    def mix_styles(
        self,
        noise: Tensor,
        other: Tensor,
        *,
        layers: Iterable[int] | None = None,
        angles: Iterable[int] | None = None,
        execution: AbstractExecution | None = None,
    ) -> Tensor:
        """Return samples in which some angles of the circuit follow one noise vector and the rest another one.

        An angle in ``angles``, or in a layer in ``layers``, is ``(W z' + b)_k`` with z' from ``other``; all others are
        ``(W z + b)_k`` with z from ``noise``. This is the style mixing of arXiv 1812.04948, applied to the layers of a
        circuit.

        Args:
            noise: Noise vectors (N, noise_dim).
            other: Noise vectors of the same shape.
            layers: Layers that follow ``other``, from 0; the rotations after the last layer are layer ``num_layers``.
            angles: Indices of the angles, in the order of the gates, instead of ``layers``.
            execution: Where the circuit runs; None takes the built-in simulator with its defaults.

        Returns:
            float32 tensor on the CPU: samples (N, ...), as from :meth:`sample`.

        Raises:
            ArgumentError: If an argument has another shape or is out of range, both or neither of ``layers`` and
                ``angles`` are given, or the generator is classical.
        """
        return mix_styles(self, noise, other, layers, angles, execution)

    def _judge(self, latents: Tensor, noise: Tensor, labels: Tensor | None) -> Tensor:
        count = self.config.num_categories
        if labels is not None:
            noise = asked_for(noise, labels, self.config.num_categories)
        seen = torch.cat([latents, noise[:, -count:].to(latents)], 1) if count else latents
        values: Tensor = self.get_submodule("critic")(seen)
        return values

    def _phases(
        self, data: Tensor, labels: Tensor | None, training: StyleQGANTraining, seed: int, *, warm_start: bool
    ) -> list[AbstractPhase]:
        return build_phases(self.config, self.networks, data, labels, self.noise, training, seed, warm_start=warm_start)

    def _identity(self) -> dict[str, str]:
        own, source = self.config.autoencoder, self.config.noise
        found = {"autoencoder": fingerprint(*own.state_dict().values())} if isinstance(own, nn.Module) else {}
        return found | ({"noise_source": repr(source)} if isinstance(source, AbstractNoise) else {})

    def _check_data(self, data: Any, *, name: str) -> Tensor:
        if self.config.image_shape is None:
            return check_table(data, self.config.sample_size, name=name, columns=self.columns).rows
        return check_images(data, self.config.image_shape, name=name)

    def _training_data(self, data: Any, *, warm_start: bool) -> tuple[Tensor, tuple[Column, ...] | None]:
        if self.config.image_shape is not None:
            return super()._training_data(data, warm_start=warm_start)
        table = check_table(data, self.config.sample_size, columns=self.columns if warm_start else None)
        return table.rows, table.columns

    def untrained(self, seed: int = 0) -> Self:
        """Return a copy with fresh weights, as :meth:`fit` begins with.

        The scaling of a table's columns is kept, since it is fitted to the data and not trained: without it, samples
        would not have the data's units.

        Raises:
            ArgumentError: If ``seed`` is out of range.
        """
        fresh = super().untrained(seed)
        if self.config.image_shape is None:
            fresh.get_submodule("normalizer").load_state_dict(self.get_submodule("normalizer").state_dict())
        return fresh

    def decode_latents(self, latents: Tensor) -> Tensor:
        """Decode the result of :meth:`sample_latents` to the samples that :meth:`sample` returns.

        In tabular data, columns of integers, booleans and categories are rounded to whole numbers.

        Raises:
            ArgumentError: If ``latents`` has another shape.
            ArgumentTypeError: If ``latents`` is not a tensor.
        """
        samples = super().decode_latents(latents)
        return samples if self.config.image_shape is not None else whole_numbers(samples, self.columns)

    def to_frame(self, rows: Any) -> Any:
        """Convert rows (N, num_features) to a pandas ``DataFrame`` with the names and types of the model's columns.

        Names and types come from the ``DataFrame`` or table that the model was trained on; without names, columns are
        x0, x1, ...

        Raises:
            ArgumentError: If this is an image model.
            DatasetError: If ``rows`` has another shape or is not finite.
            MissingOptionalLibraryError: If pandas is not installed.
        """
        if self.config.image_shape is not None:
            raise ArgumentError("A model of images has no columns: `to_frame` is for tabular data.")
        return to_frame(check_table(rows, self.config.sample_size, name="rows").rows, self.columns)

    def sample_frame(self, num_samples: int | None = None, **options: Any) -> Any:
        """Generate samples as a pandas ``DataFrame``; see :meth:`to_frame`.

        Arguments and errors are those of :meth:`sample`.
        """
        return self.to_frame(self.sample(num_samples, **options))

    @property
    def latent_dim(self) -> int | None:
        """Length of the vectors from :meth:`encoded`; None without an autoencoder."""
        return self.config.sample_size if self.config.has_autoencoder else None

    def encoded(self, data: Any) -> Tensor | None:
        """Encode images to latents (N, latent_dim) in the generator's space; None without an autoencoder.

        Raises:
            DatasetError: If images have another shape than ``image_shape``, or are out of range.
        """
        if not self.config.has_autoencoder:
            return None
        with self._evaluating(), torch.no_grad():
            latents = encode(self.autoencoder, self._check_data(data, name="data").to(self.device, self.dtype))
            normalized: Tensor = cast(Any, self.normalizer)(latents).cpu().float()
            return normalized

    @torch.no_grad()
    def in_latent_units(self, latents: Tensor) -> Tensor:
        """Map vectors in the generator's space (N, latent_dim) to the autoencoder's latents."""
        vectors: Tensor = cast(Any, self.normalizer).inverse(latents.to(self.device, self.dtype)).cpu().float()
        return vectors

    def _rebuilt(self, data: Tensor) -> Tensor | None:
        if not self.config.has_autoencoder:
            return None
        with self._evaluating():
            latents = encode(self.autoencoder, data.to(self.device, self.dtype))
            return decode(self.autoencoder, latents, is_image=True).cpu().float()

    def _training_passes(self, training: StyleQGANTraining) -> list[QuantumPass]:
        layers = quantum_layers(self.get_submodule("generator"))
        calls = training.generator_passes()
        return [QuantumPass(times, layer, rows, gradient) for layer in layers for times, rows, gradient in calls]

    def _describe(self, name: str) -> str:
        options = self.config.generator
        if name == "categories":
            return f"{self.config.num_categories} {'labels' if self.config.num_classes else 'clusters'}"
        if name == "generator" and isinstance(options, QuantumGeneratorConfig) and self._circuit is not None:
            kind = options.control or "quantum"
            form = f"{options.num_layers} layers" if options.ansatz is None else "own circuit"
            return f"{kind}, {options.num_qubits} qubits, {form}, {self._circuit.num_inputs} angles"
        return type(self.get_submodule(name)).__name__
