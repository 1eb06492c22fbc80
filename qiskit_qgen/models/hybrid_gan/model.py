"""HybridGAN: variational circuits in the generator, the discriminator, both or neither, with transfer learning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self, cast

import torch
from torch import Tensor, nn

from qiskit_qgen.circuits import ParametrizedCircuit
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.models.base import AbstractGenerativeModel, QuantumPass, count, quantum_layers
from qiskit_qgen.models.base.categories import asked_for, categorizer, with_categories
from qiskit_qgen.models.hybrid_gan.build import build_backbone, build_circuit, build_networks, build_noise
from qiskit_qgen.models.hybrid_gan.config import HybridGANConfig
from qiskit_qgen.models.hybrid_gan.published import PUBLISHED
from qiskit_qgen.networks import AbstractBackbone, UpsamplingGenerator
from qiskit_qgen.noise import AbstractNoise
from qiskit_qgen.training import AbstractPhase, AdversarialPhase, AdversarialTraining


class HybridGAN(AbstractGenerativeModel):
    """An image GAN whose generator and discriminator each have a small block that may be a quantum circuit.

    The generator's block turns noise into a short vector, and upsampling and convolutions turn this vector into images.
    The discriminator extracts features with a pretrained, frozen network; a hidden layer and the block turn them into a
    score. A block is a variational circuit, or two fully connected layers with as many parameters. Everything else is
    equal, and starts from equal weights for equal seeds, so that any difference comes from the circuit (arXiv
    2507.09706).

    The frozen network moves with the model, but is neither part of its weights nor saved.

    Args:
        **settings: The settings of :class:`HybridGANConfig` and of its parts, such as ``image_shape``, ``quantum_in``,
            ``num_qubits``, ``backbone="conv"`` or ``generator_width``.

    Raises:
        ArgumentError: If a value is out of range, has no effect, or does not go with another.
        ArgumentTypeError: If a name is unknown or a value has the wrong type.
        MissingOptionalLibraryError: If the backbone needs a library that is not installed.

    Example:
        >>> model = HybridGAN(image_shape=(1, 8, 8), quantum_in="both", backbone="conv")
        >>> model(torch.zeros(3, model.noise_dim)).shape
        torch.Size([3, 1, 8, 8])
    """

    config_class = HybridGANConfig
    training_class = AdversarialTraining
    published_systems = PUBLISHED
    _sample_batch = 256
    _labels_are_noise = _has_critic = True
    config: HybridGANConfig

    def _prepare(self) -> None:
        self._block_circuit = build_circuit(self.config.block)
        self._noise = build_noise(self.config)
        self._backbone = build_backbone(self.config)

    def _build(self, seeded: Callable[[int], None]) -> dict[str, nn.Module]:
        return build_networks(self.config, self._backbone, self._block_circuit, seeded)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        self._backbone.move(fn)
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    @property
    def circuit(self) -> ParametrizedCircuit | None:
        """The circuit of the quantum blocks as it runs; None if there is none, or a classical control replaces it."""
        return self.config.block.runs(self._block_circuit) if self.config.quantum_parts else None

    @property
    def noise_dim(self) -> int:
        """Length of a noise vector, including its category."""
        return self._noise.dim + self.config.num_categories

    @property
    def num_classes(self) -> int | None:
        """Number of labels; None for a model without labels."""
        return self.config.num_classes or None

    @property
    def num_categories(self) -> int | None:
        """Number of labels or clusters to choose from; None for a model without them."""
        return self.config.num_categories or None

    @property
    def backbone(self) -> AbstractBackbone:
        """The discriminator's backbone."""
        return self._backbone

    @property
    def noise(self) -> AbstractNoise:
        """The noise source; with classes or clusters, it draws each as often as it occurs in the training data."""
        return with_categories(self._noise, self.networks.get("categories"))

    def latents(
        self, noise: Tensor, labels: Tensor | None = None, *, generator: torch.Generator | None = None, **options: Any
    ) -> Tensor:
        """Map noise (N, noise_dim) to the block's vectors (N, number of outputs); differentiable.

        With classes or clusters, they end with the one-hot vector of the category; ``labels`` (N,) replace the category
        in the noise.
        """
        if labels is not None:
            noise = asked_for(noise, labels, self.config.num_categories)
        return cast(UpsamplingGenerator, self.generator).latents(noise)

    def decode(self, latents: Tensor) -> Tensor:
        """Map the block's vectors (N, number of outputs) to images; differentiable.

        Raises:
            ArgumentError: If ``latents`` has another shape.
        """
        return cast(UpsamplingGenerator, self.generator).decode(latents).clamp(0, 1)

    def _judge(self, latents: Tensor, noise: Tensor, labels: Tensor | None) -> Tensor:
        count = self.config.num_categories
        kinds = (latents[:, -count:],) if count else ()
        values: Tensor = self.get_submodule("discriminator")(self._backbone.features(self.decode(latents)), *kinds)
        return values

    def _phases(
        self, data: Tensor, labels: Tensor | None, training: AdversarialTraining, seed: int, *, warm_start: bool
    ) -> list[AbstractPhase]:
        return [
            AdversarialPhase(
                self.get_submodule("generator"),
                self.get_submodule("discriminator"),
                self._backbone,
                self.noise,
                data,
                options=training,
                gradient_penalty=self._backbone.usual_gradient_penalty,
                seed=seed,
                modules={name: each for name, each in self.networks.items() if name == "categories"},
                categories=categorizer(self.networks.get("categories"), labels, warm_start=warm_start),
            )
        ]

    def _identity(self) -> dict[str, str]:
        return {"backbone_weights": self._backbone.digest(), "noise_source": repr(self._noise)}

    def _training_passes(self, training: AdversarialTraining) -> list[QuantumPass]:
        generators = quantum_layers(self.get_submodule("generator"))
        discriminators = quantum_layers(self.get_submodule("discriminator"))
        if training.loss == "wgan-gp" and discriminators:
            raise ArgumentError(
                "Argument `steps` must be None for a training with `loss`='wgan-gp' and a quantum block in the "
                "discriminator, since its penalty needs second derivatives, which only LocalExecution has: take "
                "'hinge' or 'bce'."
            )
        steps, size = training.steps, training.batch_size
        updates = steps * training.n_critic
        passes = [QuantumPass(updates - steps, layer, size, gradient=False) for layer in generators]
        passes += [QuantumPass(steps, layer, size, gradient=True) for layer in generators]
        return passes + [QuantumPass(updates * 2 + steps, layer, size, gradient=True) for layer in discriminators]

    def _describe(self, name: str) -> str:
        if name == "categories":
            return f"{self.config.num_categories} {'labels' if self.config.num_classes else 'clusters'}"
        block = cast(nn.Module, self.get_submodule(name).block)
        kind = self.config.block.control or "quantum" if name in self.config.quantum_parts else "classical"
        seen = f" on {self._backbone.name}" if name == "discriminator" else ""
        return f"{kind} block of {count(block)} parameters{seen}"
