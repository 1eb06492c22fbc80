"""Autoencoders for latent-space studies, trained once for each set of options, with the floor that each sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from qiskit_qgen._checks import check_distinct, check_folder
from qiskit_qgen._settings import Settings, setting
from qiskit_qgen._typing import PathLike
from qiskit_qgen.datasets import ImageDataset, as_images
from qiskit_qgen.exceptions import CheckpointError, DatasetError
from qiskit_qgen.metrics import evaluate_images, get_extractor
from qiskit_qgen.models.base.codecs import fingerprint
from qiskit_qgen.persistence import load_tensors, save_tensors
from qiskit_qgen.studies.capacity.autoencoder_sweep import RECONSTRUCTIONS, AutoencoderSweep, option_grid
from qiskit_qgen.studies.capacity.models import AutoencoderSettings
from qiskit_qgen.studies.given import settings_of, split_options
from qiskit_qgen.studies.trials.folder import kept_checkpoint, read_trial, trial_folder
from qiskit_qgen.studies.trials.run import run_trials
from qiskit_qgen.training.image_grid import save_image_grid

_DATA, _MODEL = "data.safetensors", "model"
_SHOWN = 32
_GRID: dict[str, Sequence[Any]] = {"latent_dim": (8, 16, 24, 32), "latent_noise": (0.0, 0.2)}
FEWEST = 10
"""The smallest number of images and of samples that a study scores."""


class SweepSettings(Settings):
    """How autoencoders are scored, and how many times each is trained."""

    batch_size: int = setting("Images in a batch", default=128, minimum=2)
    num_samples: int = setting("Number of images to score", default=1000, minimum=FEWEST)
    extractor: str = setting("Name of the feature extractor", default="pixel")
    seeds: tuple[int, ...] = setting(
        "Seeds of the weights and the order of images; every setting is trained with every seed",
        default=(0,),
        minimum=0,
    )

    def check(self) -> None:
        """Raise :class:`ArgumentError` unless seeds are distinct and not empty."""
        check_distinct("seeds", self.seeds)


def run_autoencoder_sweep(
    data: Any,
    grid: Mapping[str, Sequence[Any]] | None = None,
    *,
    held_out: Any,
    folder: PathLike,
    autoencoder: AutoencoderSettings | Mapping[str, Any] | None = None,
    **options: Any,
) -> AutoencoderSweep:
    """Train autoencoders with several options, and measure the floor that each sets for latent generators.

    Args:
        data: Training images, in any form that :meth:`~qiskit_qgen.models.AbstractGenerativeModel.fit` accepts.
        grid: Values of options of :class:`AutoencoderSettings` by name, such as ``latent_dim``, ``width`` or
            ``latent_noise``. Every combination is trained. None uses four latent sizes, with and without latent noise.
        held_out: Images to score against.
        folder: Folder of the sweep; repeating the call resumes it.
        autoencoder: All other options, as settings or as a mapping of them by name.
        **options: Settings of :class:`SweepSettings`: ``batch_size``, ``num_samples``, ``extractor``, ``seeds``; and
            where trials run, as for :func:`~qiskit_qgen.studies.run_trials`.

    Returns:
        The floors, and the records of the trials. A result holds ``reconstruction_error``, the mean squared pixel error
        on held-out images; ``floor_reconstruction``, the scores of reconstructed training images; and ``floor_real``,
        the scores of the training images. Both compare with the held-out images, as for generated images.

    Raises:
        ArgumentError: If an option or another argument is unknown or out of range, or the folder holds another sweep.
        DatasetError: If there are fewer than 10 images, or if they are out of range, all equal, or have another shape.
    """
    place = check_folder("folder", folder)
    images, others = study_images(data, held_out)
    common = settings_of("autoencoder", autoencoder, AutoencoderSettings).to_dict()
    given, runner = split_options(options)
    settings = SweepSettings(**given)
    points = option_grid(_GRID if grid is None else grid)
    codecs = [AutoencoderSettings.of(**{**common, **each}) for each in points]
    for codec in codecs:
        codec.build(images.shape[1:])
    get_extractor(settings.extractor, image_shape=tuple(images.shape[1:]), name="extractor")
    place.mkdir(parents=True, exist_ok=True)
    identity = {"data": fingerprint(images), "held_out": fingerprint(others)}
    configurations = [
        {
            "options": each,
            "autoencoder": codec.to_dict(),
            "batch_size": settings.batch_size,
            "num_samples": min(settings.num_samples, len(images), len(others)),
            "extractor": settings.extractor,
            "seed": seed,
        }
        for seed, (each, codec) in product(settings.seeds, zip(points, codecs, strict=True))
    ]
    if not (place / _DATA).exists():
        save_tensors(place / _DATA, {"data": images, "held_out": others})
    return AutoencoderSweep(run_trials(train_autoencoder, configurations, place, settings=identity, **runner), place)


def train_autoencoder(configuration: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Train one autoencoder, save it, draw reconstructions and score them; a trial of the sweep."""
    images, held_out = load_images(folder.parents[1])
    codec = AutoencoderSettings.of(**configuration["autoencoder"])
    model = codec.build(images.shape[1:], images)
    count = configuration["num_samples"]
    shown = min(_SHOWN, count)
    with kept_checkpoint(folder) as (checkpoint_dir, resume):
        codec.fit(
            model,
            images,
            configuration["batch_size"],
            seed=configuration["seed"],
            checkpoint_dir=checkpoint_dir,
            resume=resume,
        )
        model.save_pretrained(folder / _MODEL)
        rebuilt = model.reconstruct(held_out[:count])
        pairs = torch.stack([held_out[:shown], rebuilt[:shown]], dim=1).flatten(0, 1)
        save_image_grid(pairs, folder / RECONSTRUCTIONS)
        scores = evaluate_images(
            model.reconstruct(images[:count]),
            held_out[:count],
            extractor=configuration["extractor"],
            reference=images[:count],
        )
    return {
        "reconstruction_error": float((rebuilt - held_out[:count]).square().mean()),
        "floor_reconstruction": {key: value for key, value in scores.items() if key not in ("floor_real", "warnings")},
        "floor_real": scores["floor_real"],
    }


def load_autoencoder(folder: Path, digest: str, image_shape: Sequence[int]) -> nn.Module:
    """Return the autoencoder of a trial of the sweep in ``folder``, for images of ``image_shape``."""
    record = read_trial(folder, digest)
    if record is None:
        raise CheckpointError(f"Folder {folder} lacks the record of the autoencoder {digest}.")
    codec = AutoencoderSettings.of(**record["configuration"]["autoencoder"])
    return codec.load(trial_folder(folder, digest) / _MODEL, image_shape)


def load_images(folder: Path) -> tuple[Tensor, Tensor]:
    """Return the sweep's training images and its held-out images."""
    tensors, _ = load_tensors(folder / _DATA)
    return tensors["data"], tensors["held_out"]


def study_images(data: Any, held_out: Any, name: str = "held_out") -> tuple[Tensor, Tensor]:
    """Return the training and held-out images named ``name``, (N, C, H, W), float32.

    Raises:
        DatasetError: If there are fewer than 10, or if they are out of range, not finite, all equal, or differ in
            shape.
    """
    found = []
    for each, given in (("data", data), (name, held_out)):
        images = as_images(given.images if isinstance(given, ImageDataset) else given, name=each)
        if len(images) < FEWEST:
            raise DatasetError(f"Argument `{each}` must hold at least {FEWEST} images, but holds {len(images)}.")
        if bool((images == images[0]).all()):
            raise DatasetError(f"Argument `{each}` must hold different images, but all {len(images)} are equal.")
        found.append(images)
    images, others = found
    if images.shape[1:] != others.shape[1:]:
        raise DatasetError(
            f"Argument `{name}` must hold images of the shape of `data`, {tuple(images.shape[1:])}, but theirs is "
            f"{tuple(others.shape[1:])}."
        )
    return images, others
