"""One trial of the capacity study: a generator of one size against a critic of one size, in a shared latent."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from qiskit_qgen.metrics import AbstractFeatureExtractor, FeatureStatistics, get_extractor, jensen_shannon_divergence
from qiskit_qgen.models import StyleQGAN
from qiskit_qgen.models.base.codecs import decode, encode
from qiskit_qgen.studies.capacity.autoencoders import AUTOENCODER_OPTIONS, load_autoencoder, load_pictures
from qiskit_qgen.studies.model_arguments import further_arguments
from qiskit_qgen.studies.trials.folder import AUTOENCODERS
from qiskit_qgen.training import AbstractCallback, History, TrainingState
from qiskit_qgen.training.checkpoint import CHECKPOINT_NAME
from qiskit_qgen.training.image_grid import save_image_grid
from qiskit_qgen.training.phases.wasserstein import WassersteinPhase

SCORES = ("latent_frechet_distance", "latent_jensen_shannon_divergence", "frechet_distance")
_SET_HERE = (
    "image_shape", "num_qubits", "num_layers", "num_features", "generator", "generator_width", "autoencoder", "scaling",
    "critic_width", *AUTOENCODER_OPTIONS,
)  # fmt: skip
_PHASE = "adversarial"
_LOSSES = ("critic_loss", "generator_loss", "wasserstein_distance")
_SHOWN = 64


def train_capacity_trial(configuration: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Train one generator against one critic, score it along the way and draw samples; a trial of the study.

    Args:
        configuration: ``generator`` with its sizes, ``critic_width``, ``seed``; ``autoencoder``, the digest of one in
            the study's folder; ``training``: ``steps``, ``batch_size``, ``score_every``, ``pictures_every``,
            ``num_samples``, ``extractor``, and ``model``, further arguments of
            :class:`~qiskit_qgen.models.StyleQGAN` by the kind of generator.
        folder: The trial's folder.

    Returns:
        ``generator_parameters`` and ``critic_parameters``, numbers of trainable parameters; ``scores``, a curve of each
        score; and the curves ``critic_loss``, ``generator_loss`` and ``wasserstein_distance``, means over
        ``score_every`` steps. A curve is a dictionary of ``steps`` and ``values``. ``floors`` holds what latents of as
        many training pictures score, for the scores of latents.
    """
    study, training = folder.parents[1], configuration["training"]
    images, held_out = load_pictures(study / AUTOENCODERS)
    autoencoder, latent_dim = load_autoencoder(study / AUTOENCODERS, configuration["autoencoder"])
    model = build_capacity_model(configuration, autoencoder, latent_dim, images.shape[1:])
    extractor = training["extractor"] and get_extractor(
        training["extractor"], image_shape=tuple(images.shape[1:]), name="extractor"
    )
    scores = CapacityScores(
        autoencoder,
        held_out[: training["num_samples"]],
        extractor=extractor,
        every=training["score_every"],
        pictures_every=training["pictures_every"],
    )
    checkpoints = folder / "checkpoints"
    history = model.fit(
        images,
        steps=training["steps"],
        autoencoder_steps=0,
        batch_size=training["batch_size"],
        seed=configuration["seed"],
        callbacks=[scores],
        checkpoint_dir=checkpoints,
        resume=(checkpoints / CHECKPOINT_NAME).exists(),
    )
    save_image_grid(model.sample(_SHOWN, seed=configuration["seed"]), folder / "samples.png")
    shutil.rmtree(checkpoints, ignore_errors=True)
    normalizer: Any = model.networks["normalizer"]
    real = [normalizer(encode(autoencoder, pictures[: training["num_samples"]])) for pictures in (images, held_out)]
    known = history.names(_PHASE)
    return {
        **count_parameters(model),
        "scores": {name: _curve(history, name, 1) for name in SCORES if name in known},
        "floors": _latent_scores(*real),
        **{name: _curve(history, name, training["score_every"]) for name in _LOSSES},
    }


def arguments_by_kind(model: Any, quantum_model: Any, classical_model: Any) -> dict[str, dict[str, Any]]:
    """Return the further arguments of models with a quantum and with a classical generator.

    Args:
        model: Those of both.
        quantum_model: Those of a quantum generator, before ``model``.
        classical_model: Those of a classical one, before ``model``.

    Raises:
        ArgumentError: If a name is unknown, or set by the study itself.
        ArgumentTypeError: If one is neither a mapping nor None.
    """
    both = further_arguments(StyleQGAN, model, _SET_HERE)
    return {
        "quantum": both | further_arguments(StyleQGAN, quantum_model, _SET_HERE, name="quantum_model"),
        "classical": both | further_arguments(StyleQGAN, classical_model, _SET_HERE, name="classical_model"),
    }


def build_capacity_model(
    configuration: Mapping[str, Any], autoencoder: nn.Module, latent_dim: int, image_shape: Sequence[int]
) -> StyleQGAN:
    """Return the untrained model of a trial."""
    quantum = configuration["generator"] == "quantum"
    names = ("num_qubits", "num_layers") if quantum else ("generator_width",)
    channels, height, width = image_shape
    return StyleQGAN(
        (channels, height, width),
        generator=configuration["generator"],
        autoencoder=autoencoder,
        latent_dim=latent_dim,
        critic_width=configuration["critic_width"],
        **{name: configuration[name] for name in names},
        **configuration["training"]["model"][configuration["generator"]],
    )


def count_parameters(model: StyleQGAN) -> dict[str, int]:
    """Return the numbers of trainable parameters of generator and critic."""
    return {
        f"{name}_parameters": sum(each.numel() for each in model.networks[name].parameters() if each.requires_grad)
        for name in ("generator", "critic")
    }


def scored_steps(score: str, steps: int, score_every: int, pictures_every: int | None) -> list[int]:
    """Return the steps at which a training takes ``score``."""
    every = pictures_every if score == SCORES[2] else score_every
    return sorted({steps} if every is None else {*range(every, steps + 1, every), steps})


class CapacityScores(AbstractCallback):
    """Scores as many samples as there are held-out pictures, always of the same noise, in the latent and as pictures.

    Args:
        autoencoder: The autoencoder of the latent.
        held_out: Pictures to score against.
        extractor: Features of pictures; None scores latents only.
        every: Steps between two scores.
        pictures_every: Steps between two scores of pictures, which take longer; None scores them at the end only.
    """

    def __init__(
        self,
        autoencoder: nn.Module,
        held_out: Tensor,
        *,
        extractor: AbstractFeatureExtractor | None,
        every: int,
        pictures_every: int | None,
    ) -> None:
        self._autoencoder = autoencoder
        self._held_out = held_out
        self._extractor = extractor
        self._every = every
        self._pictures_every = pictures_every
        self._statistics: FeatureStatistics | None = None
        self._latents: Tensor | None = None

    def on_step_end(self, state: TrainingState) -> None:
        """Score at the steps that are due, and at the last."""
        phase = state.phase
        if not isinstance(phase, WassersteinPhase):
            return
        last = state.step == phase.num_steps
        if state.step % self._every and not last:
            return
        normalizer: Any = phase.modules["normalizer"]
        if self._latents is None:
            self._latents = normalizer(encode(self._autoencoder, self._held_out))
        samples = phase.sample(len(self._held_out), state.seed)
        scores = _latent_scores(samples, self._latents)
        due = last or (self._pictures_every is not None and state.step % self._pictures_every == 0)
        if self._extractor is not None and due:
            pictures = decode(self._autoencoder, normalizer.inverse(samples), is_image=True)
            scores[SCORES[2]] = self._picture_distance(pictures)
        state.history.record(phase.name, state.step, scores)

    def _picture_distance(self, pictures: Tensor) -> float:
        extractor: Any = self._extractor
        if self._statistics is None:
            self._statistics = FeatureStatistics.from_features(extractor(self._held_out))
        return float(FeatureStatistics.from_features(extractor(pictures)).frechet_distance(self._statistics))


def _latent_scores(samples: Tensor, real: Tensor) -> dict[str, float]:
    distance = FeatureStatistics.from_features(samples).frechet_distance(FeatureStatistics.from_features(real))
    return {SCORES[0]: float(distance), SCORES[1]: float(jensen_shannon_divergence(samples, real))}


def _curve(history: History, name: str, block: int) -> dict[str, list[Any]]:
    """Return a series of the history, as means over blocks of ``block`` values, each at its block's last step."""
    steps, values = history.steps(_PHASE, name), history.values(_PHASE, name)
    starts = range(0, len(values), block)
    parts = [values[start : start + block] for start in starts]
    return {
        "steps": [steps[min(start + block, len(steps)) - 1] for start in starts],
        "values": [sum(part) / len(part) for part in parts],
    }
