"""One trial of the capacity study: a generator of one size against a critic of one size, in a shared latent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from qiskit_qgen._checks import check_int
from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics import AbstractFeatureExtractor, FeatureStatistics, get_extractor, jensen_shannon_divergence
from qiskit_qgen.models.base import count
from qiskit_qgen.models.base.codecs import decode, encode
from qiskit_qgen.studies.capacity.autoencoders import FEWEST, load_autoencoder, load_images
from qiskit_qgen.studies.capacity.models import CapacityModels
from qiskit_qgen.studies.trials.folder import AUTOENCODERS, kept_checkpoint
from qiskit_qgen.training import AbstractCallback, History, TrainingState
from qiskit_qgen.training.image_grid import save_image_grid
from qiskit_qgen.training.phases.wasserstein import WassersteinPhase

SCORES = ("latent_frechet_distance", "latent_jensen_shannon_divergence", "frechet_distance")
_PHASE = "adversarial"
_LOSSES = ("critic_loss", "generator_loss", "wasserstein_distance")
_SHOWN = 64


class CapacityTraining(Settings):
    """How all trials of a capacity study are trained and scored."""

    steps: int = setting("Steps of each generator", default=1000, minimum=1)
    batch_size: int = setting("Images in a batch", default=128, minimum=2)
    score_every: int = setting("Steps between two scores", default=50, minimum=1)
    images_every: int | None = setting(
        "Steps between two scores of decoded images; None scores them at the end only", default=None, minimum=1
    )
    num_samples: int = setting("Samples in each score", default=1000, minimum=FEWEST)
    extractor: str | None = setting(
        "Features in which images are compared; None compares latents only", default="pixel"
    )
    models: CapacityModels = setting("The models", default=CapacityModels())

    def check(self) -> None:
        """Raise :class:`ArgumentError` unless the numbers of steps go together."""
        check_int("score_every", self.score_every, minimum=1, maximum=self.steps)
        if self.images_every is not None and self.images_every % self.score_every:
            raise ArgumentError(
                f"Argument `images_every` must be a multiple of `score_every`, {self.score_every}, but is "
                f"{self.images_every}."
            )
        if self.extractor is None:
            self.refuse(("images_every",), "without an `extractor`")

    @property
    def scores(self) -> tuple[str, ...]:
        """Names of the scores that are taken."""
        return SCORES[:2] if self.extractor is None else SCORES

    def scored_steps(self, score: str) -> list[int]:
        """Return the steps at which a training takes ``score``."""
        every = self.images_every if score == SCORES[2] else self.score_every
        return sorted({self.steps} if every is None else {*range(every, self.steps + 1, every), self.steps})


def train_capacity_trial(configuration: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Train one generator against one critic, score it along the way and draw samples; a trial of the study.

    The configuration holds ``generator`` with its sizes, ``critic_width``, ``seed``; ``autoencoder``, the digest of one
    in the study's folder; and ``training``, the fields of :class:`CapacityTraining`.

    Returns:
        ``generator_parameters`` and ``critic_parameters``, numbers of trainable parameters; ``scores``, a curve of each
        score; and the curves ``critic_loss``, ``generator_loss`` and ``wasserstein_distance``, means over
        ``score_every`` steps. A curve is a dictionary of ``steps`` and ``values``. ``starts`` holds what the untrained
        generator scores, and ``floors`` what latents of as many training images do, for the scores of latents.
    """
    study, training = folder.parents[1], CapacityTraining.of(**configuration["training"])
    images, held_out = load_images(study / AUTOENCODERS)
    autoencoder, latent_dim = load_autoencoder(study / AUTOENCODERS, configuration["autoencoder"])
    model = training.models.build(configuration, autoencoder, latent_dim, images.shape[1:])
    number, name = training.num_samples, training.extractor
    extractor = name and get_extractor(name, image_shape=tuple(images.shape[1:]), name="extractor")
    with kept_checkpoint(folder) as (checkpoint_dir, resume):
        history = model.fit(
            images,
            seed=configuration["seed"],
            training=training.models.training_of(
                configuration["generator"], steps=training.steps, batch_size=training.batch_size
            ),
            callbacks=[CapacityScores(autoencoder, held_out[:number], training, extractor or None)],
            checkpoint_dir=checkpoint_dir,
            resume=resume,
        )
        save_image_grid(model.sample(_SHOWN, seed=configuration["seed"]), folder / "samples.png")
    normalizer: Any = model.networks["normalizer"]
    real = [normalizer(encode(autoencoder, each[:number])) for each in (images, held_out)]
    known = history.names(_PHASE)
    return {
        "generator_parameters": count(model.networks["generator"]),
        "critic_parameters": count(model.networks["critic"]),
        "scores": {name: _curve(history, name, 1, after=0) for name in SCORES if name in known},
        "starts": {name: history.values(_PHASE, name)[0] for name in SCORES[:2]},
        "floors": _latent_scores(*real),
        **{name: _curve(history, name, training.score_every) for name in _LOSSES if name in known},
    }


class CapacityScores(AbstractCallback):
    """Scores as many samples as there are held-out images, always of the same noise, in the latent and as images.

    Without an ``extractor`` latents are scored only; ``training`` says when.
    """

    def __init__(
        self,
        autoencoder: nn.Module,
        held_out: Tensor,
        training: CapacityTraining,
        extractor: AbstractFeatureExtractor | None,
    ) -> None:
        self._autoencoder, self._held_out, self._training, self._extractor = autoencoder, held_out, training, extractor
        self._statistics: FeatureStatistics | None = None
        self._latents: Tensor | None = None

    def on_phase_begin(self, state: TrainingState) -> None:
        """Score the latents of the untrained generator, at step 0."""
        if state.step == 0 and isinstance(state.phase, WassersteinPhase):
            self._record(state, state.phase)

    def on_step_end(self, state: TrainingState) -> None:
        """Score at the steps that are due, and at the last."""
        if isinstance(state.phase, WassersteinPhase) and state.step in self._training.scored_steps(SCORES[0]):
            self._record(state, state.phase)

    def _record(self, state: TrainingState, phase: WassersteinPhase) -> None:
        normalizer: Any = phase.modules["normalizer"]
        if self._latents is None:
            self._latents = normalizer(encode(self._autoencoder, self._held_out))
        samples = phase.sample(len(self._held_out), state.seed)
        scores = _latent_scores(samples, self._latents)
        if self._extractor is not None and state.step in self._training.scored_steps(SCORES[2]):
            images = decode(self._autoencoder, normalizer.inverse(samples), is_image=True)
            if self._statistics is None:
                self._statistics = FeatureStatistics.from_features(self._extractor(self._held_out))
            statistics = FeatureStatistics.from_features(self._extractor(images))
            scores[SCORES[2]] = float(statistics.frechet_distance(self._statistics))
        state.history.record(phase.name, state.step, scores)


def _latent_scores(samples: Tensor, real: Tensor) -> dict[str, float]:
    distance = FeatureStatistics.from_features(samples).frechet_distance(FeatureStatistics.from_features(real))
    return {SCORES[0]: float(distance), SCORES[1]: float(jensen_shannon_divergence(samples, real))}


def _curve(history: History, name: str, block: int, after: int = -1) -> dict[str, list[Any]]:
    """Return a series of the history, as means over blocks of ``block`` values, each at its block's last step."""
    steps, values = history.steps(_PHASE, name), history.values(_PHASE, name)
    first = sum(step <= after for step in steps)
    steps, values = steps[first:], values[first:]
    starts = range(0, len(values), block)
    parts = [values[start : start + block] for start in starts]
    return {
        "steps": [steps[min(start + block, len(steps)) - 1] for start in starts],
        "values": [sum(part) / len(part) for part in parts],
    }
