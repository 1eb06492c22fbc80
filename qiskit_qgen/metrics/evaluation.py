"""All scores of a set of generated samples in one call, with their floors, sizes and the extractor's name."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from qiskit_qgen._checks import check_int, check_shape, renamed_arguments
from qiskit_qgen._random import resolve_seed, torch_generator
from qiskit_qgen.datasets import as_images
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics._features import check_count, check_features
from qiskit_qgen.metrics.cache import FeatureCache
from qiskit_qgen.metrics.extractors import DEFAULT_EXTRACTOR, AbstractFeatureExtractor, get_extractor
from qiskit_qgen.metrics.functional import FeatureStatistics, jensen_shannon_divergence, kernel_distance
from qiskit_qgen.metrics.functional.jensen_shannon import DEFAULT_BINS, PIXEL_LIMITS
from qiskit_qgen.metrics.functional.kernel import default_subset_size

_HALVES_STREAM = 0x6861  # keeps the split of the real set apart from every other use of the same seed
_DEFAULT_SUBSETS = 50


def evaluate_images(
    generated: Any,
    real: Any,
    *,
    extractor: str | AbstractFeatureExtractor = DEFAULT_EXTRACTOR,
    reconstructions: Any = None,
    reference: Any = None,
    subsets: int = _DEFAULT_SUBSETS,
    subset_size: int | None = None,
    bins: int = DEFAULT_BINS,
    seed: int | None = 0,
    cache: FeatureCache | None = None,
    floors: bool = True,
) -> dict[str, Any]:
    """Score generated pictures against real ones, together with the floors that no generator can be expected to beat.

    The features of every set are computed once and shared by all scores. Every distance is the value that
    :func:`~qiskit_qgen.metrics.frechet_distance`, :func:`~qiskit_qgen.metrics.kernel_distance` and
    :func:`~qiskit_qgen.metrics.jensen_shannon_divergence` give; lower is better.

    Args:
        generated: Generated pictures of shape (N, C, H, W) in [0, 1].
        real: Real pictures of shape (M, C, H, W) in [0, 1].
        extractor: The feature extractor or its name, see :func:`~qiskit_qgen.metrics.get_extractor`.
        reconstructions: An autoencoder's reconstructions of real pictures, for `floor_reconstruction`. Reconstructions
            of other pictures than ``real`` include the sampling noise that generated pictures have.
        reference: Other real pictures, for `floor_real`. None splits ``real`` into two random halves. The Fréchet
            distance depends on the number of samples, so as many as in ``generated`` compare best.
        subsets: How many subsets the kernel distance averages over.
        subset_size: Samples in each; None takes 1000, or half the smaller set if that is less.
        bins: Bins of each histogram of the Jensen-Shannon divergence.
        seed: Seed of the subsets and of the halves; None draws a fresh one, which the result names.
        cache: Where the features of ``real`` and ``reference`` are kept from one call to the next; None keeps none.
        floors: Whether to compute the floors; False leaves them None, where they are known from another call.

    Returns:
        A dictionary that JSON can hold: `frechet_distance`, `kernel_distance`, `kernel_distance_std`,
        `jensen_shannon_divergence` (features, bits), `jensen_shannon_divergence_pixel`, `num_samples`, `num_real`,
        `subset_size` for the generated pictures; the same under `floor_real` (and its `source`) and
        `floor_reconstruction` (None without reconstructions); `extractor`, `num_features`, `subsets`, `bins`, `seed`;
        and `warnings`, a list of sentences on samples that are too few.

    Raises:
        ArgumentError: If a set is empty or too small, or an option is out of its range.
        DatasetError: If pictures have a wrong shape, type or range, or hold values that are not finite.
        MissingOptionalLibraryError: If the named extractor needs an extra that is not installed.
    """
    _check_floors(floors, reconstructions, reference)
    options = _Options(subsets, subset_size, bins, resolve_seed(seed), floors)
    given = {"generated": generated, "real": real, "reconstructions": reconstructions, "reference": reference}
    pictures = {name: as_images(data, name=name).cpu() for name, data in given.items() if data is not None}
    shape = pictures["real"].shape[1:]
    network = get_extractor(extractor, image_shape=shape, name="extractor")
    for name, images in pictures.items():
        expected = f"(N, {', '.join(map(str, shape))}) as `real`"
        check_shape(name, images.shape, expected, images.shape[1:] == shape)
        check_count(name, images.shape[0], minimum=2)
    samples = {}
    for name, images in pictures.items():
        is_real = name in ("real", "reference")
        with renamed_arguments({"samples": name}):
            features = cache.features(images, network) if cache is not None and is_real else network(images)
        samples[name] = _Samples(check_features(name, features), images.flatten(1))
    return _evaluate(samples, network.name, options)


def evaluate_features(
    generated: Any,
    real: Any,
    *,
    extractor_name: str = "identity",
    reconstructions: Any = None,
    reference: Any = None,
    subsets: int = _DEFAULT_SUBSETS,
    subset_size: int | None = None,
    bins: int = DEFAULT_BINS,
    seed: int | None = 0,
    floors: bool = True,
) -> dict[str, Any]:
    """Score generated vectors (latents, rows of a table, features) against real ones, with the same floors.

    Args:
        generated: Generated vectors of shape (N, D).
        real: Real vectors of shape (M, D).
        extractor_name: What the vectors are, for the result: "latent", "identity", an extractor's name.
        reconstructions: Reconstructed real vectors, for `floor_reconstruction`.
        reference: Other real vectors, for `floor_real`. None splits ``real`` into two random halves.
        subsets: How many subsets the kernel distance averages over.
        subset_size: Samples in each; None takes 1000, or half the smaller set if that is less.
        bins: Bins of each histogram of the Jensen-Shannon divergence.
        seed: Seed of the subsets and of the halves; None draws a fresh one, which the result names.
        floors: Whether to compute the floors; False leaves them None, where they are known from another call.

    Returns:
        The dictionary of :func:`evaluate_images` without `jensen_shannon_divergence_pixel`.

    Raises:
        ArgumentError: If a set is too small, has a wrong shape or holds values that are not finite, or an option is
            out of its range.
        ArgumentTypeError: If a set is no array of real numbers.

    Example:
        >>> import torch
        >>> latents = torch.arange(40.0).reshape(20, 2)
        >>> scores = evaluate_features(latents + 3, latents, extractor_name="latent")
        >>> round(scores["frechet_distance"], 6), scores["extractor"], scores["num_samples"]
        (18.0, 'latent', 20)
    """
    _check_floors(floors, reconstructions, reference)
    options = _Options(subsets, subset_size, bins, resolve_seed(seed), floors)
    given = {"generated": generated, "real": real, "reconstructions": reconstructions, "reference": reference}
    width = check_features("real", real).shape[1]
    samples = {
        name: _Samples(check_features(name, data, num_features=width).cpu())
        for name, data in given.items()
        if data is not None
    }
    return _evaluate(samples, extractor_name, options)


def _check_floors(floors: bool, reconstructions: Any, reference: Any) -> None:
    if not floors and (reconstructions is not None or reference is not None):
        raise ArgumentError("Arguments `reconstructions` and `reference` must be None if `floors` is False.")


@dataclass(frozen=True)
class _Options:
    subsets: int
    subset_size: int | None
    bins: int
    seed: int
    floors: bool

    def __post_init__(self) -> None:
        check_int("subsets", self.subsets, minimum=1)
        check_int("bins", self.bins, minimum=2)
        if self.subset_size is not None:
            check_int("subset_size", self.subset_size, minimum=2)


@dataclass(frozen=True, eq=False)
class _Samples:
    """Features, (N, D) float64, of a set of samples, and its pixels, (N, C H W), if it is one of pictures."""

    features: Tensor
    pixels: Tensor | None = field(default=None)

    @cached_property
    def statistics(self) -> FeatureStatistics:
        return FeatureStatistics.from_features(self.features)

    def __len__(self) -> int:
        return self.features.shape[0]

    def take(self, rows: Tensor) -> _Samples:
        return _Samples(self.features[rows], None if self.pixels is None else self.pixels[rows])


def _evaluate(samples: dict[str, _Samples], extractor_name: str, options: _Options) -> dict[str, Any]:
    generated, real = samples["generated"], samples["real"]
    result: dict[str, Any] = {"extractor": extractor_name, "num_features": real.features.shape[1]}
    result |= _compare(generated, real, options)
    result |= _floors(samples, options) if options.floors else {"floor_real": None, "floor_reconstruction": None}
    result |= {"subsets": options.subsets, "bins": options.bins, "seed": options.seed}
    result["warnings"] = _warnings(result)
    return result


def _floors(samples: dict[str, _Samples], options: _Options) -> dict[str, Any]:
    real = samples["real"]
    if "reference" in samples:
        floor = _compare(samples["reference"], real, options) | {"source": "reference"}
    else:
        check_count("real", len(real), minimum=4)
        order = torch.randperm(len(real), generator=torch_generator(options.seed, _HALVES_STREAM))
        first, second = order.tensor_split(2)
        floor = _compare(real.take(first), real.take(second), options) | {"source": "halves of real"}
    rebuilt = samples.get("reconstructions")
    return {"floor_real": floor, "floor_reconstruction": None if rebuilt is None else _compare(rebuilt, real, options)}


def _compare(samples: _Samples, real: _Samples, options: _Options) -> dict[str, Any]:
    size = options.subset_size or default_subset_size(len(samples), len(real))
    kernel_mean, kernel_std = kernel_distance(
        samples.features, real.features, subsets=options.subsets, subset_size=size, seed=options.seed
    )
    scores = {
        "frechet_distance": float(samples.statistics.frechet_distance(real.statistics)),
        "kernel_distance": float(kernel_mean),
        "kernel_distance_std": float(kernel_std),
        "jensen_shannon_divergence": float(
            jensen_shannon_divergence(samples.features, real.features, bins=options.bins)
        ),
    }
    if samples.pixels is not None and real.pixels is not None:
        scores["jensen_shannon_divergence_pixel"] = float(
            jensen_shannon_divergence(samples.pixels, real.pixels, bins=options.bins, limits=PIXEL_LIMITS)
        )
    return scores | {"num_samples": len(samples), "num_real": len(real), "subset_size": size}


def _warnings(result: dict[str, Any]) -> list[str]:
    """Return a sentence for each comparison whose Fréchet distance rests on fewer samples than features."""
    groups = {"generated samples": result}
    groups |= {name: result[name] for name in ("floor_real", "floor_reconstruction") if result[name] is not None}
    return [
        f"The Fréchet distance of {name} compares {scores['num_samples']} with {scores['num_real']} samples in "
        f"{result['num_features']} dimensions: with fewer samples than dimensions it is biased upwards, so compare it "
        "only with values of the same numbers of samples."
        for name, scores in groups.items()
        if min(scores["num_samples"], scores["num_real"]) < result["num_features"]
    ]
