"""Autoencoders for studies in their latent: trained once for each set of options, with the floor that each sets."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from qiskit_qgen._checks import check_distinct, check_folder, check_int
from qiskit_qgen._typing import PathLike
from qiskit_qgen.datasets import ImageDataset, as_images
from qiskit_qgen.exceptions import ArgumentError, DatasetError
from qiskit_qgen.metrics import evaluate_images, get_extractor
from qiskit_qgen.models import StyleQGAN
from qiskit_qgen.models.base.codecs import fingerprint
from qiskit_qgen.models.style_arguments import latent_size
from qiskit_qgen.persistence import load_tensors, save_tensors
from qiskit_qgen.studies.trials.folder import trial_folder
from qiskit_qgen.studies.trials.run import run_trials
from qiskit_qgen.training.checkpoint import CHECKPOINT_NAME
from qiskit_qgen.training.image_grid import save_image_grid

_DATA, _MODEL = "data.safetensors", "model"
_SHOWN = 32
FEWEST = 10
"""The fewest pictures, and samples, that a study scores."""
AUTOENCODER_OPTIONS = (
    "latent_dim", "autoencoder_width", "autoencoder_hidden", "latent_bound", "autoencoder_learning_rate",
    "autoencoder_weight_decay", "autoencoder_warmup", "absolute_error", "latent_noise", "latent_shape",
)  # fmt: skip
"""The arguments of StyleQGAN that concern the autoencoder."""


def run_autoencoder_sweep(
    data: Any,
    held_out: Any,
    options: Sequence[Mapping[str, Any]],
    folder: PathLike,
    *,
    steps: int = 1500,
    batch_size: int = 128,
    num_samples: int = 1000,
    extractor: str = "pixel",
    seeds: Sequence[int] = (0,),
    **runner: Any,
) -> list[dict[str, Any]]:
    """Train autoencoders with several options, and tell the floor that each sets for generators in its latent.

    Args:
        data: Pictures for training, as :meth:`~qiskit_qgen.models.StyleQGAN.fit` takes them.
        held_out: Pictures to score against.
        options: Options of each: arguments of :class:`~qiskit_qgen.models.StyleQGAN` that concern the autoencoder, such
            as ``latent_dim``, ``latent_noise``, ``latent_shape`` or ``autoencoder_weight_decay``.
        folder: Folder of the sweep; the same call resumes.
        steps: Steps of each.
        batch_size: Pictures in a batch.
        num_samples: Pictures that are scored.
        extractor: Name of the feature extractor.
        seeds: Seeds of weights and order: every setting is trained with each, seed by seed.
        **runner: Where trials run, as of :func:`~qiskit_qgen.studies.run_trials`.

    Returns:
        The records of the trials; a result holds ``reconstruction_error``, the mean squared error of pixels of held-out
        pictures; ``floor_reconstruction``, the scores of reconstructed training pictures; and ``floor_real``, those of
        the training pictures themselves. Both are against the held-out pictures, as generated pictures are.

    Raises:
        ArgumentError: If an option or another argument is unknown or out of range, or the folder holds another sweep.
        DatasetError: If pictures are empty, out of range or of another shape.
    """
    place = check_folder("folder", folder)
    images, others = study_pictures(data, held_out)
    for each in options:
        build_autoencoder_model(images.shape[1:], each)
    check_int("steps", steps, minimum=1)
    check_int("batch_size", batch_size, minimum=2)
    check_int("num_samples", num_samples, minimum=FEWEST)
    get_extractor(extractor, image_shape=tuple(images.shape[1:]), name="extractor")
    seeds = [check_int("seeds", each, minimum=0) for each in check_distinct("seeds", seeds)]
    place.mkdir(parents=True, exist_ok=True)
    settings = {"data": fingerprint(images), "held_out": fingerprint(others)}
    configurations = [
        {
            "options": dict(each),
            "steps": steps,
            "batch_size": batch_size,
            "num_samples": min(num_samples, len(images), len(others)),
            "extractor": extractor,
            "seed": seed,
        }
        for seed, each in product(seeds, options)
    ]
    if not (place / _DATA).exists():
        save_tensors(place / _DATA, {"data": images, "held_out": others})
    return run_trials(train_autoencoder, configurations, place, settings=settings, **runner)


def train_autoencoder(configuration: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Train one autoencoder, save it, draw reconstructions and score them; a trial of the sweep."""
    images, held_out = load_pictures(folder.parents[1])
    model = build_autoencoder_model(images.shape[1:], configuration["options"])
    checkpoints = folder / "checkpoints"
    # The classical generator of one step is what fit trains besides; nothing uses it.
    model.fit(
        images,
        steps=1,
        autoencoder_steps=configuration["steps"],
        batch_size=configuration["batch_size"],
        seed=configuration["seed"],
        callbacks=[],
        checkpoint_dir=checkpoints,
        resume=(checkpoints / CHECKPOINT_NAME).exists(),
    )
    model.save_pretrained(folder / _MODEL)
    count = configuration["num_samples"]
    rebuilt = model.reconstruct(held_out[:count])
    shown = min(_SHOWN, count)
    pairs = torch.stack([held_out[:shown], rebuilt[:shown]], dim=1).flatten(0, 1)
    save_image_grid(pairs, folder / "reconstructions.png")
    scores = evaluate_images(
        model.reconstruct(images[:count]),
        held_out[:count],
        extractor=configuration["extractor"],
        reference=images[:count],
    )
    shutil.rmtree(checkpoints, ignore_errors=True)
    return {
        "reconstruction_error": float((rebuilt - held_out[:count]).square().mean()),
        "floor_reconstruction": {key: value for key, value in scores.items() if key not in ("floor_real", "warnings")},
        "floor_real": scores["floor_real"],
    }


def load_autoencoder(folder: Path, digest: str) -> tuple[nn.Module, int]:
    """Return the autoencoder of a trial of the sweep in ``folder``, and the length of its latents."""
    model = StyleQGAN.from_pretrained(trial_folder(folder, digest) / _MODEL)
    return model.networks["autoencoder"].eval(), latent_size(model.arguments)


def load_pictures(folder: Path) -> tuple[Tensor, Tensor]:
    """Return the sweep's pictures for training and those held out."""
    tensors, _ = load_tensors(folder / _DATA)
    return tensors["data"], tensors["held_out"]


def study_pictures(data: Any, held_out: Any) -> tuple[Tensor, Tensor]:
    """Return pictures for training and those held out, (N, C, H, W), float32.

    Raises:
        DatasetError: If they are fewer than 10, out of range, not finite, all equal, or differ in shape.
    """
    found = []
    for name, given in (("data", data), ("held_out", held_out)):
        images = as_images(given.images if isinstance(given, ImageDataset) else given, name=name)
        if len(images) < FEWEST:
            raise DatasetError(f"Argument `{name}` must hold at least {FEWEST} pictures, but holds {len(images)}.")
        if bool((images == images[0]).all()):
            raise DatasetError(f"Argument `{name}` must hold different pictures, but all {len(images)} are equal.")
        found.append(images)
    images, others = found
    if images.shape[1:] != others.shape[1:]:
        raise DatasetError(
            f"Argument `held_out` must hold pictures of the shape of `data`, {tuple(images.shape[1:])}, but theirs is "
            f"{tuple(others.shape[1:])}."
        )
    return images, others


def build_autoencoder_model(image_shape: Sequence[int], options: Mapping[str, Any]) -> StyleQGAN:
    """Return an untrained model with the autoencoder of these options; its generator is of no use.

    Raises:
        ArgumentError: If an option is none of the autoencoder's, or out of range.
    """
    channels, height, width = image_shape
    if unknown := [name for name in options if name not in AUTOENCODER_OPTIONS]:
        raise ArgumentError(
            "Argument `options` must hold options of the autoencoder only, which are "
            f"{', '.join(AUTOENCODER_OPTIONS)}, but holds `{unknown[0]}`."
        )
    return StyleQGAN((channels, height, width), generator="classical", **options)
