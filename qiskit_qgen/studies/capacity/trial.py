"""One trial of the capacity study: a generator of one size against a critic of one size, in a shared latent space."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from qiskit_qgen._checks import check_int
from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.models.base import count
from qiskit_qgen.models.base.codecs import encode
from qiskit_qgen.persistence import save_tensors
from qiskit_qgen.studies.capacity.autoencoders import FEWEST, load_autoencoder, load_images
from qiskit_qgen.studies.capacity.models import CapacityModels
from qiskit_qgen.studies.capacity.scores import SCORES, LatentScores
from qiskit_qgen.studies.trials.folder import AUTOENCODERS, kept_checkpoint
from qiskit_qgen.training import AbstractCallback, History, TrainingState
from qiskit_qgen.training.image_grid import save_image_grid
from qiskit_qgen.training.phases.wasserstein import WassersteinPhase

LATENTS = "latents.safetensors"
_PHASE = "adversarial"
_SHOWN = 64


class CapacityTraining(Settings):
    """How all trials of a capacity study are trained and scored."""

    steps: int = setting("Training steps of each generator", default=1000, minimum=1)
    batch_size: int = setting("Images in a batch", default=128, minimum=2)
    score_every: int = setting("Steps between two scores", default=50, minimum=1)
    num_samples: int = setting("Number of samples for each score", default=1000, minimum=FEWEST)
    extractors: tuple[str, ...] = setting(
        "Names of the feature extractors that compare images with the test images, once, at the end",
        default=("pixel",),
    )
    models: CapacityModels = setting("The models", default=CapacityModels())

    def check(self) -> None:
        """Raise :class:`ArgumentError` unless the numbers of steps are consistent."""
        check_int("score_every", self.score_every, minimum=1, maximum=self.steps)

    @property
    def scored_steps(self) -> list[int]:
        """The steps at which a training is scored."""
        return sorted({*range(self.score_every, self.steps + 1, self.score_every), self.steps})


def train_capacity_trial(configuration: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Train one generator against one critic, score it along the way and draw samples; a trial of the study.

    The configuration holds ``generator`` with its sizes, ``critic_width``, ``seed``; ``autoencoder``, the digest of an
    autoencoder in the study's folder; and ``training``, the fields of :class:`CapacityTraining` except ``extractors``.
    The latents of the scored samples are in the trial's folder.

    Returns:
        ``generator_parameters`` and ``critic_parameters``, numbers of trainable parameters; ``scores``, a curve of each
        score; and the curve ``critic_loss``, means over ``score_every`` steps. A curve is a dictionary of ``steps`` and
        ``values``. ``starts`` holds the scores of the untrained generator.
    """
    study, training = folder.parents[1], CapacityTraining.of(**configuration["training"])
    images, held_out = load_images(study / AUTOENCODERS)
    autoencoder = load_autoencoder(study / AUTOENCODERS, configuration["autoencoder"], images.shape[1:])
    model = training.models.build(configuration, autoencoder, images.shape[1:])
    with kept_checkpoint(folder) as (checkpoint_dir, resume):
        scores = CapacityScores(autoencoder, held_out[: training.num_samples], training)
        history = model.fit(
            images,
            seed=configuration["seed"],
            training=training.models.training_of(
                configuration["generator"], steps=training.steps, batch_size=training.batch_size
            ),
            callbacks=[scores],
            checkpoint_dir=checkpoint_dir,
            resume=resume,
        )
        save_image_grid(model.sample(_SHOWN, seed=configuration["seed"]), folder / "samples.png")
        if scores.latents is not None:
            save_tensors(folder / LATENTS, {"latents": scores.latents})
    return {
        "generator_parameters": count(model.networks["generator"]),
        "critic_parameters": count(model.networks["critic"]),
        "scores": {name: _curve(history, name, 1, after=0) for name in SCORES},
        "starts": {name: history.values(_PHASE, name)[0] for name in SCORES},
        "critic_loss": _curve(history, "critic_loss", training.score_every),
    }


class CapacityScores(AbstractCallback):
    """Scores the latents of as many samples as there are held-out images, always from the same noise."""

    def __init__(self, autoencoder: nn.Module, held_out: Tensor, training: CapacityTraining) -> None:
        self._autoencoder, self._held_out, self._training = autoencoder, held_out, training
        self._scores: LatentScores | None = None
        self.latents: Tensor | None = None
        """Latents (N, D) of the last scored samples, in the form that the autoencoder decodes."""

    def on_phase_begin(self, state: TrainingState) -> None:
        """Score the latents of the untrained generator, at step 0."""
        if state.step == 0 and isinstance(state.phase, WassersteinPhase):
            self._record(state, state.phase)

    def on_step_end(self, state: TrainingState) -> None:
        """Score at the scheduled steps and at the last step."""
        if isinstance(state.phase, WassersteinPhase) and state.step in self._training.scored_steps:
            self._record(state, state.phase)

    def _record(self, state: TrainingState, phase: WassersteinPhase) -> None:
        normalizer: Any = phase.modules["normalizer"]
        if self._scores is None:
            self._scores = LatentScores(normalizer, encode(self._autoencoder, self._held_out))
        samples = phase.sample(len(self._held_out), state.seed)
        self.latents = normalizer.inverse(samples)
        state.history.record(phase.name, state.step, self._scores(samples))


def _curve(history: History, name: str, block: int, after: int = -1) -> dict[str, list[Any]]:
    """Return a series of the history as means over blocks of ``block`` values, each at its block's last step.

    Their noise is larger than the rounding to four digits.
    """
    steps, values = history.steps(_PHASE, name), history.values(_PHASE, name)
    first = sum(step <= after for step in steps)
    steps, values = steps[first:], values[first:]
    starts = range(0, len(values), block)
    parts = [values[start : start + block] for start in starts]
    return {
        "steps": [steps[min(start + block, len(steps)) - 1] for start in starts],
        "values": [float(f"{sum(part) / len(part):.4g}") for part in parts],
    }
