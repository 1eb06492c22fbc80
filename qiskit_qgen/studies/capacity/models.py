"""Builds the models of the capacity study and its autoencoders from settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from qiskit_qgen._checks import check_type
from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.models import (
    AutoencoderTraining,
    ClassicalGeneratorConfig,
    ConvAutoencoderConfig,
    QuantumGeneratorConfig,
    StyleQGAN,
    StyleQGANConfig,
    StyleQGANTraining,
)
from qiskit_qgen.networks import PrincipalComponents, PrincipalComponentsConfig


class AutoencoderSettings(Settings):
    """An autoencoder and its training."""

    latent_dim: int = setting("Length of a latent vector", default=24, minimum=1)
    network: ConvAutoencoderConfig | PrincipalComponentsConfig = setting(
        "The network, or principal components, which need no training", default=ConvAutoencoderConfig()
    )
    training: AutoencoderTraining = setting("Training of the autoencoder", default=AutoencoderTraining())

    def check(self) -> None:
        """Raise :class:`ArgumentError` if a training is needed and none is given."""
        if isinstance(self.network, PrincipalComponentsConfig):
            self.refuse(("training",), "with principal components")
        if not self.training.steps:
            raise ArgumentError("Argument `steps` of an autoencoder must be a positive integer, but is 0.")

    def build(self, image_shape: Sequence[int], images: Tensor | None = None) -> StyleQGAN:
        """Return an untrained model with this autoencoder; principal components are fitted to ``images``.

        Its generator is not used.
        """
        shape: Any = tuple(image_shape)
        own: Any = self.network
        if isinstance(own, PrincipalComponentsConfig):
            own = PrincipalComponents(shape, self.latent_dim)
            if images is not None:
                own.fit(images)
        return StyleQGAN(
            image_shape=shape, generator=ClassicalGeneratorConfig(), autoencoder=own, latent_dim=self.latent_dim
        )

    def fit(self, model: StyleQGAN, images: Tensor, batch_size: int, **options: Any) -> None:
        """Train the autoencoder of the model that :meth:`build` returned, if it needs training."""
        is_linear = isinstance(self.network, PrincipalComponentsConfig)
        training = AutoencoderTraining(steps=0) if is_linear else self.training
        # `fit` also trains the classical generator for one step; nothing uses it.
        whole = StyleQGANTraining(steps=1, batch_size=batch_size, autoencoder=training)
        model.fit(images, training=whole, callbacks=[], **options)

    def load(self, folder: Path, image_shape: Sequence[int]) -> nn.Module:
        """Return the autoencoder of a model that was trained by :meth:`fit` and saved in ``folder``."""
        shape: Any = tuple(image_shape)
        own: dict[str, Any] = {}
        if isinstance(self.network, PrincipalComponentsConfig):
            own["autoencoder"] = PrincipalComponents(shape, self.latent_dim)
        return StyleQGAN.from_pretrained(folder, **own).networks["autoencoder"]


class CapacityModels(Settings):
    """The settings shared by a study's generators and critics, and how each kind of generator is trained."""

    model: StyleQGANConfig = setting(
        "The model; its generator sets the other options of the circuits", default=StyleQGANConfig()
    )
    classical: ClassicalGeneratorConfig = setting("The classical generators", default=ClassicalGeneratorConfig())
    training: StyleQGANTraining = setting("The training with a quantum generator", default=StyleQGANTraining())
    classical_training: StyleQGANTraining = setting(
        "The training with a classical generator", default=StyleQGANTraining()
    )

    def check(self) -> None:
        """Raise :class:`ArgumentError` if a given option is set by the study."""
        quantum = self.model.generator
        check_type("model.generator", quantum, QuantumGeneratorConfig, "settings of a quantum generator")
        case = "in a capacity study, which sets it"
        self.model.refuse(("image_shape", "num_features", "scaling", "autoencoder", "latent_dim"), case)
        quantum.refuse(("num_qubits", "num_layers"), case)
        self.model.critic.refuse(("width",), case)
        self.classical.refuse(("width",), case)
        for training in (self.training, self.classical_training):
            training.refuse(("steps", "batch_size", "autoencoder"), case)

    def build(self, configuration: Mapping[str, Any], autoencoder: Any, image_shape: Sequence[int]) -> StyleQGAN:
        """Return the untrained model of a trial."""
        shape: Any = tuple(image_shape)
        if configuration["generator"] == "quantum":
            sizes = {name: configuration[name] for name in ("num_qubits", "num_layers")}
            generator: Any = replace(self.model.generator, **sizes)
        else:
            generator = replace(self.classical, width=configuration["generator_width"])
        config = replace(
            self.model,
            image_shape=shape,
            generator=generator,
            autoencoder=autoencoder,
            latent_dim=autoencoder.latent_dim,
            critic=replace(self.model.critic, width=configuration["critic_width"]),
        )
        return StyleQGAN.from_config(config)

    def training_of(self, kind: str, *, steps: int, batch_size: int) -> StyleQGANTraining:
        """Return the training with a "quantum" or a "classical" generator, in the latent of a trained autoencoder."""
        own = self.training if kind == "quantum" else self.classical_training
        return replace(own, steps=steps, batch_size=batch_size, autoencoder=AutoencoderTraining(steps=0))
