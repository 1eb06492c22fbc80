"""The cheap score of an adversarial training: a distance between latents."""

from __future__ import annotations

from typing import Any

from qiskit_qgen._checks import check_int
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.training.phases.base import AbstractGeneratorPhase, AbstractPhase
from qiskit_qgen.training.phases.denoising import DenoisingPhase
from qiskit_qgen.training.state import TrainingState


class LatentFrechetDistance:
    """Fréchet distance between generated and real samples in the generator's own space, for :class:`Scores`.

    That space is the latent one of a StyleQGAN, and the pixels' of a HybridGAN. Generated samples are those of the
    averaged generator, always from the same noise. The distance falls with the number of samples, so only values of one
    number compare. The training of an autoencoder has nothing to score.

    Args:
        num_samples: Number of generated samples; the real ones are all used.

    Raises:
        ArgumentError: If ``num_samples`` is less than 2.
    """

    def __init__(self, num_samples: int = 2000) -> None:
        self.num_samples = check_int("num_samples", num_samples, minimum=2)
        self._scored: AbstractPhase | None = None
        self._real: Any = None

    def __call__(self, state: TrainingState) -> float | None:
        """Return the distance as the present phase stands, or None if it has no generator.

        Raises:
            ArgumentError: If the phase trains a diffusion model.
        """
        from qiskit_qgen.metrics import FeatureStatistics

        phase = state.phase
        if isinstance(phase, DenoisingPhase):
            raise ArgumentError(
                "LatentFrechetDistance scores the generator of a GAN, which a diffusion model has not: leave it out."
            )
        if not isinstance(phase, AbstractGeneratorPhase):
            return None
        if self._scored is not phase:
            self._scored, self._real = phase, FeatureStatistics.from_features(phase.real.flatten(1).cpu())
        generated = phase.sample(self.num_samples, state.seed).flatten(1).cpu()
        return float(FeatureStatistics.from_features(generated).frechet_distance(self._real))
