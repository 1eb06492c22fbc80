"""The single evaluation on the test images: the scores of the optimal pairs of sizes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from qiskit_qgen.metrics import (
    AbstractFeatureExtractor,
    FeatureStatistics,
    fitted_baselines,
    get_extractor,
    judge_score,
    standard_normal,
)
from qiskit_qgen.models.base.codecs import decode, encode
from qiskit_qgen.networks import LatentNormalizer
from qiskit_qgen.persistence import load_tensors
from qiskit_qgen.studies.capacity.autoencoders import load_autoencoder, load_images
from qiskit_qgen.studies.capacity.grid import generator_name
from qiskit_qgen.studies.capacity.scores import LatentScores
from qiskit_qgen.studies.capacity.trial import LATENTS, CapacityTraining, train_capacity_trial
from qiskit_qgen.studies.intervals import mean_interval
from qiskit_qgen.studies.trials.folder import AUTOENCODERS, trial_folder

if TYPE_CHECKING:
    from qiskit_qgen.studies.capacity.study import CapacityStudy

_DRAWS = 5  # of each baseline


def score_on_test(study: CapacityStudy, folder: Path, test: Tensor, training: CapacityTraining) -> dict[str, Any]:
    """Score the samples of each generator, trained with its optimal critic, against the test images.

    The samples are those of the final scores of the trials in ``folder``, for all finished seeds. Between two critics
    of the grid, the larger is used.

    Returns:
        By score name, either of latents or "Fréchet distance, EXTRACTOR": ``models``, intervals over seeds by generator
        name; ``baselines``, intervals over draws by baseline name, including "training", the reconstructed training
        images; and the ``verdict`` on the score, in words.
    """
    images, _ = load_images(folder / AUTOENCODERS)
    digest = study.floors["digest"]
    autoencoder = load_autoencoder(folder / AUTOENCODERS, digest, images.shape[1:])
    latents = encode(autoencoder, images)
    normalizer = LatentNormalizer(latents.shape[1], training.models.model.latent_transform)
    normalizer.fit(latents)
    number = min(training.num_samples, len(test))
    extractors = [get_extractor(name, image_shape=tuple(images.shape[1:])) for name in training.extractors]
    score = _Scores(autoencoder, normalizer, test[:number], extractors)
    models: dict[str, list[dict[str, float]]] = {}
    for record in study.records:
        name = generator_name(record["configuration"])
        optimum = study.analysis.optima.get(name)
        critic = study.sizes["critics"][str(record["configuration"]["critic_width"])]
        if optimum is not None and critic == optimum.next_critic and record["status"] == "done":
            models.setdefault(name, []).append(score(_samples(folder, record)[:number]))
    baselines: dict[str, list[dict[str, float]]] = {}
    for seed in range(_DRAWS):
        drawn = fitted_baselines(normalizer(latents), number, seed=seed)
        drawn["standard_normal"] = standard_normal(number, latents.shape[1], seed=seed)
        for name, samples in drawn.items():
            baselines.setdefault(name, []).append(score(normalizer.inverse(samples)))
    names = list(next(iter(baselines.values()))[0])
    return {name: _found(name, models, baselines) for name in names}


class _Scores:
    """All scores of latents against the test images, whose features are computed once."""

    def __init__(
        self, autoencoder: Any, normalizer: LatentNormalizer, test: Tensor, extractors: list[AbstractFeatureExtractor]
    ) -> None:
        self._autoencoder, self._normalizer = autoencoder, normalizer
        self._latents = LatentScores(normalizer, encode(autoencoder, test))
        self._extractors = [(each, FeatureStatistics.from_features(each(test))) for each in extractors]

    def __call__(self, latents: Tensor) -> dict[str, float]:
        found = self._latents(self._normalizer(latents))
        images = decode(self._autoencoder, latents, is_image=True)
        for extractor, real in self._extractors:
            distance = FeatureStatistics.from_features(extractor(images)).frechet_distance(real)
            found[f"Fréchet distance, {extractor.name}"] = float(distance)
        return found


def _samples(folder: Path, record: Mapping[str, Any]) -> Tensor:
    """Return the final latents of a trial; if its record has none, run the trial again."""
    own = trial_folder(folder, record["digest"])
    if not (own / LATENTS).exists():
        own.mkdir(parents=True, exist_ok=True)
        train_capacity_trial(record["configuration"], own)
    tensors, _ = load_tensors(own / LATENTS)
    return tensors["latents"]


def _found(
    score: str, models: Mapping[str, list[dict[str, float]]], baselines: Mapping[str, list[dict[str, float]]]
) -> dict[str, Any]:
    trained, rivals = (
        {name: dict(mean_interval([each[score] for each in runs])) for name, runs in found.items()}
        for found in (models, baselines)
    )
    verdict = judge_score(score, trained, rivals, higher_is_better=False)
    return {"models": trained, "baselines": rivals, "verdict": verdict.sentence, "can_rank": verdict.can_rank}
