"""One trial of the low-data study: a diffusion model trained on few pictures, and its scores on others."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from qiskit_qgen._checks import check_int
from qiskit_qgen._random import torch_generator
from qiskit_qgen.datasets import load_dataset
from qiskit_qgen.datasets.subsets import subset
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics import AbstractFeatureExtractor, FeatureCache, get_extractor, kernel_distance, memorization
from qiskit_qgen.models import QuantumDiffusion
from qiskit_qgen.networks.bottleneck_gates import QUANTUM, Bottleneck
from qiskit_qgen.training import save_image_grid
from qiskit_qgen.training.checkpoint import CHECKPOINT_NAME

_SPLIT_SEED = 0  # one split for all trials
_SPLIT_STREAM = 0x73706C69
_SHOWN = 16
SAMPLES = "samples.png"


class LowDataPictures(NamedTuple):
    """The pictures of a study, in two parts that are the same in all its trials."""

    pool: Tensor
    """What trials draw their training pictures from, (N, C, H, W)."""
    held_out: Tensor
    """What samples are scored against and no trial trains on, (M, C, H, W)."""

    def rows(self, size: int, seed: int) -> Tensor:
        """Return which pictures of the pool a trial trains on; those of a seed hold the smaller ones of that seed."""
        return subset(torch.arange(len(self.pool)), size, seed)

    def digest(self) -> str:
        """Return a short digest of all pictures."""
        digest = hashlib.sha256()
        for part in self:
            digest.update(str(tuple(part.shape)).encode() + part.numpy().tobytes())
        return digest.hexdigest()[:16]


def low_data_pictures(name: str, *, data_dir: str | None, labels: list[int] | None, held_out: int) -> LowDataPictures:
    """Load a data set's pictures for training and split them at random, always alike.

    Args:
        name: What :func:`~qiskit_qgen.datasets.load_dataset` takes: a known name, a file or a folder.
        data_dir: The same function's argument.
        labels: Labels of the pictures to take; None takes all.
        held_out: Number of pictures to hold out.

    Raises:
        ArgumentError: If the data set has no such labels, or no 2 pictures would be left.
        DatasetError: If the data are missing or damaged.
    """
    data = load_dataset(name, data_dir=data_dir)
    images = data.images
    if labels is not None:
        known = [] if data.labels is None else data.labels.unique().tolist()
        if data.labels is None or not set(labels) <= set(known):
            raise ArgumentError(f"Argument `labels` must hold labels of {name!r}, which are {known}, but is {labels}.")
        images = images[torch.isin(data.labels, torch.tensor(labels))]
    check_int("held_out", held_out, minimum=2)
    if len(images) < held_out + 2:
        raise ArgumentError(
            f"Argument `held_out` must leave at least 2 of the {len(images)} pictures, but is {held_out}."
        )
    order = torch.randperm(len(images), generator=torch_generator(_SPLIT_SEED, _SPLIT_STREAM))
    return LowDataPictures(images[order[held_out:]].contiguous(), images[order[:held_out]].contiguous())


def build_arm(pictures: LowDataPictures, arm: str, options: Mapping[str, Any]) -> QuantumDiffusion:
    """Return the model of an arm; what makes a gate or a circuit is left out where there is none."""
    idle = {"plain": ("num_qubits", "num_layers")}.get(arm, () if arm in QUANTUM else ("num_layers",))
    given = {name: value for name, value in options.items() if name not in idle}
    channels, height, width = pictures.pool.shape[1:]
    return QuantumDiffusion((channels, height, width), cast("Bottleneck", arm), **given)


def run_low_data_trial(configuration: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Train a model on few pictures and score as many samples as there are held-out pictures.

    The trial's seed sets the subset, the weights, the order of batches, the noise and the samples, so that trials of
    one seed and size differ in their bottleneck alone. A trial that was interrupted goes on from its checkpoint.

    Args:
        configuration: `data` (`name`, `data_dir`, `labels`, `held_out`, `digest`), `arm`, `size`, `seed`, `steps`,
            `batch_size`, `extractor` and `model` (further arguments of QuantumDiffusion).
        folder: Where the trial's files lie.

    Returns:
        `kernel_distance` to the held-out pictures; `copies_kernel_distance`, that of the training pictures repeated,
        which is what a model would reach that learnt them by heart; `copy_rate`, `held_out_copy_rate` and `closer` of
        :func:`~qiskit_qgen.metrics.memorization` in pixels; and `num_weights`, the number of trained weights.

    Raises:
        ArgumentError: If the data are not those that the configuration was made for, or a setting is wrong.
        TrainingDivergedError: If the training diverges.
    """
    place, seed = dict(configuration["data"]), configuration["seed"]
    expected = place.pop("digest")
    pictures = low_data_pictures(**place)
    if pictures.digest() != expected:
        raise ArgumentError(f"The data {place['name']!r} are no longer those that this study began with.")
    chosen = pictures.rows(configuration["size"], seed)
    model = build_arm(pictures, configuration["arm"], configuration["model"])
    checkpoints = folder / "checkpoints"
    model.fit(
        pictures.pool[chosen],
        steps=configuration["steps"],
        batch_size=configuration["batch_size"],
        seed=seed,
        callbacks=[],
        checkpoint_dir=checkpoints,
        resume=(checkpoints / CHECKPOINT_NAME).exists(),
    )
    samples = model.sample(len(pictures.held_out), seed=seed)
    save_image_grid(samples[:_SHOWN], folder / SAMPLES, columns=_SHOWN)
    scores = score_low_data(samples, pictures, chosen, configuration["extractor"])
    shutil.rmtree(checkpoints)
    trained = (weight for part in model.networks.values() for weight in part.parameters() if weight.requires_grad)
    return {**scores, "num_weights": sum(weight.numel() for weight in trained)}


def score_low_data(samples: Tensor, pictures: LowDataPictures, chosen: Tensor, extractor: str) -> dict[str, float]:
    """Return the scores of samples (M, C, H, W) of a model that was trained on the pool's pictures ``chosen``."""
    network = get_extractor(extractor, image_shape=pictures.pool.shape[1:], name="extractor")
    pool, held_out = real_features(pictures, network)
    repeated = chosen[torch.arange(len(held_out)) % len(chosen)]
    copies = memorization(samples.flatten(1), pictures.pool[chosen].flatten(1), pictures.held_out.flatten(1))
    return {
        "kernel_distance": whole_kernel_distance(network(samples), held_out),
        "copies_kernel_distance": whole_kernel_distance(pool[repeated], held_out),
        **{name: float(value) for name, value in copies._asdict().items()},
    }


def real_features(pictures: LowDataPictures, network: AbstractFeatureExtractor) -> tuple[Tensor, Tensor]:
    """Return the features of the pool and of the held-out pictures, computed once and kept on disk."""
    cache = FeatureCache()
    return cache.features(pictures.pool, network), cache.features(pictures.held_out, network)


def whole_kernel_distance(features: Tensor, others: Tensor) -> float:
    """Return the unbiased kernel distance of sets of features, of all of the smaller one at once."""
    mean, _ = kernel_distance(features, others, subsets=1, subset_size=min(len(features), len(others)))
    return float(mean)
