"""All scores of a set of generated samples in one call, with their floors, sizes and the extractor's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from qiskit_qgen._checks import check_choice, check_shape, renamed_arguments
from qiskit_qgen._random import resolve_seed, torch_generator
from qiskit_qgen._typing import TensorLike
from qiskit_qgen.datasets import as_images
from qiskit_qgen.datasets.images import ImageData
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics._features import check_count, check_features
from qiskit_qgen.metrics.baselines import BASELINES
from qiskit_qgen.metrics.cache import FeatureCache
from qiskit_qgen.metrics.comparison import SCORES, Options, Samples, compare, memorized
from qiskit_qgen.metrics.extractors import AbstractFeatureExtractor, get_extractor
from qiskit_qgen.metrics.fitness import judge_score
from qiskit_qgen.metrics.functional.jensen_shannon import DEFAULT_BINS

_HALVES_STREAM = 0x6861  # keeps the split of the real set apart from every other use of the same seed
_DEFAULT_SUBSETS = 50
_TINY = 1e-300
_MOST_HELD_OUT_COPIES = 0.5


def evaluate_images(
    generated: ImageData,
    real: ImageData,
    *,
    extractor: str | AbstractFeatureExtractor | None = None,
    reconstructions: ImageData | None = None,
    reference: ImageData | None = None,
    train: ImageData | None = None,
    subsets: int = _DEFAULT_SUBSETS,
    subset_size: int | None = None,
    bins: int = DEFAULT_BINS,
    seed: int | None = 0,
    cache: FeatureCache | None = None,
    floors: bool = True,
    baselines: Mapping[str, ImageData] | None = None,
) -> dict[str, Any]:
    """Score generated images against real ones, with floors that no generator can be expected to beat, and baselines.

    The features of every set are computed once and shared by all scores, which are the values of the functions
    :func:`~qiskit_qgen.metrics.frechet_distance`, :func:`~qiskit_qgen.metrics.kernel_distance`,
    :func:`~qiskit_qgen.metrics.jensen_shannon_divergence`, :func:`~qiskit_qgen.metrics.precision_recall`,
    :func:`~qiskit_qgen.metrics.density_coverage`, :func:`~qiskit_qgen.metrics.inception_score` and
    :func:`~qiskit_qgen.metrics.memorization`. Of the distances and divergences, lower is better.

    Args:
        generated: Generated images of shape (N, C, H, W) in [0, 1].
        real: Real images of shape (M, C, H, W) in [0, 1].
        extractor: The feature extractor or its name, or None for the default, see
            :func:`~qiskit_qgen.metrics.get_extractor`.
        reconstructions: An autoencoder's reconstructions of real images, for `floor_reconstruction`. Reconstructions
            of other images than ``real`` include the sampling noise that generated images have.
        reference: Other real images, for `floor_real`. None splits ``real`` into two random halves. The Fréchet
            distance depends on the number of samples, so as many as in ``generated`` compare best.
        train: All images that the model was trained on, none of which is in ``real``; None leaves out whether the
            generated ones are copies of them.
        subsets: How many subsets the kernel distance averages over.
        subset_size: Samples in each; None takes 1000, or half the smaller set if that is less.
        bins: Bins of each histogram of the Jensen-Shannon divergence.
        seed: Seed of the subsets and of the halves; None draws a fresh one, which the result names.
        cache: Where the features of ``real``, ``reference`` and ``train`` are kept for the next call; None keeps none.
        floors: Whether to compute the floors; False leaves them None, where they are known from another call.
        baselines: Samples of trivial baselines by their names in :data:`~qiskit_qgen.metrics.BASELINES`, as many as in
            ``generated``; a set that stands under two names is scored once.

    Returns:
        A dictionary that JSON can hold: `frechet_distance`, `kernel_distance`, `kernel_distance_std`,
        `jensen_shannon_divergence` (features, bits), `jensen_shannon_divergence_pixel`,
        `maximum_mean_discrepancy_pixel`, `precision`, `recall`,
        `density`, `coverage`, `inception_score`, `inception_score_std` and `inception_score_splits` (only of an
        extractor with classes), `num_samples`, `num_real`, `subset_size` for the generated images; the same under
        `floor_real` (and its `source`) and `floor_reconstruction` (None without reconstructions); `memorization`, a
        dictionary of `copy_rate`, `held_out_copy_rate`, `closer` and `num_train`, or None without ``train``;
        `baselines`, the same scores of each baseline, and `unfit`, for each score from which nothing may be concluded
        for the model what :func:`~qiskit_qgen.metrics.judge_score` says: `beaten_by`, `can_rank` and a `sentence`;
        `extractor`, `extractor_accuracy` (of :class:`~qiskit_qgen.metrics.LabelFeatureExtractor`, else None),
        `num_features`, `subsets`, `bins`, `seed`; and `warnings`, a list of sentences on samples that are
        too few. Beside the kernel distance, the four scores of the support and the three of memorisation stand their
        intervals of 95 % as `..._interval`: they say how much of a value is chance of these samples, with all else
        (the training, the other set of a comparison, and the features) as it is.

    Raises:
        ArgumentError: If a set is empty or too small, or an option is out of its range.
        DatasetError: If images have a wrong shape, type or range, or hold values that are not finite.
        MissingOptionalLibraryError: If the named extractor needs an extra that is not installed.
    """
    _check_floors(floors, reconstructions, reference)
    options = Options(subsets, subset_size, bins, resolve_seed(seed), floors)
    given = {"generated": generated, "real": real, "reconstructions": reconstructions, "reference": reference}
    given["train"] = train
    rivals, sets = _rivals(baselines)
    given |= sets
    checked = {name: as_images(data, name=name).cpu() for name, data in given.items() if data is not None}
    shape = checked["real"].shape[1:]
    network = get_extractor(extractor, image_shape=shape, name="extractor")
    for name, images in checked.items():
        expected = f"(N, {', '.join(map(str, shape))}) as `real`"
        check_shape(name, images.shape, expected, images.shape[1:] == shape)
        check_count(name, images.shape[0], minimum=2)
    samples = {}
    for name, images in checked.items():
        is_real = name in ("real", "reference", "train", rivals.get("training"))
        with renamed_arguments({"samples": name}):
            features = cache.features(images, network) if cache is not None and is_real else network(images)
        samples[name] = Samples(check_features(name, features), images.flatten(1), network.logits(features))
    return _evaluate(samples, network.name, options, rivals) | {"extractor_accuracy": network.accuracy}


def evaluate_features(
    generated: TensorLike,
    real: TensorLike,
    *,
    extractor_name: str = "identity",
    reconstructions: TensorLike | None = None,
    reference: TensorLike | None = None,
    train: TensorLike | None = None,
    subsets: int = _DEFAULT_SUBSETS,
    subset_size: int | None = None,
    bins: int = DEFAULT_BINS,
    seed: int | None = 0,
    floors: bool = True,
    standardize: bool = False,
    baselines: Mapping[str, TensorLike] | None = None,
) -> dict[str, Any]:
    """Score generated vectors (latents, rows of a table, features) against real ones, with the same floors.

    Args:
        generated: Generated vectors of shape (N, D).
        real: Real vectors of shape (M, D).
        extractor_name: What the vectors are, for the result: "latent", "identity", an extractor's name.
        reconstructions: Reconstructed real vectors, for `floor_reconstruction`.
        reference: Other real vectors, for `floor_real`. None splits ``real`` into two random halves.
        train: All vectors that the model was trained on, none of which is in ``real``, for `memorization`.
        subsets: How many subsets the kernel distance averages over.
        subset_size: Samples in each; None takes 1000, or half the smaller set if that is less.
        bins: Bins of each histogram of the Jensen-Shannon divergence.
        seed: Seed of the subsets and of the halves; None draws a fresh one, which the result names.
        floors: Whether to compute the floors; False leaves them None, where they are known from another call.
        standardize: Whether every column is shifted and scaled to mean 0 and standard deviation 1 of ``real``, in all
            sets alike, so that no unit decides: right for tables. `extractor` then ends with "standardized".
        baselines: Samples of trivial baselines, as of :func:`evaluate_images`.

    Returns:
        The dictionary of :func:`evaluate_images` without what is of pixels and the Inception Score, and with
        `maximum_mean_discrepancy`, `sliced_wasserstein_distance` and `classifier_accuracy`.

    Raises:
        ArgumentError: If a set is too small, has a wrong shape or holds values that are not finite, or an option is
            out of its range.
        ArgumentTypeError: If a set is not an array of real numbers.

    Example:
        >>> import torch
        >>> latents = torch.arange(40.0).reshape(20, 2)
        >>> scores = evaluate_features(latents + 3, latents, extractor_name="latent")
        >>> round(scores["frechet_distance"], 6), scores["extractor"], scores["num_samples"]
        (18.0, 'latent', 20)
    """
    _check_floors(floors, reconstructions, reference)
    options = Options(subsets, subset_size, bins, resolve_seed(seed), floors)
    given = {"generated": generated, "real": real, "reconstructions": reconstructions, "reference": reference}
    given["train"] = train
    rivals, sets = _rivals(baselines)
    given |= sets
    width = check_features("real", real).shape[1]
    vectors = {
        name: check_features(name, data, num_features=width).cpu() for name, data in given.items() if data is not None
    }
    if standardize:
        extractor_name = f"{extractor_name}, standardized"
        centre, scale = _scales(vectors["real"])
        vectors = {name: (each - centre) / scale for name, each in vectors.items()}
    return _evaluate({name: Samples(each) for name, each in vectors.items()}, extractor_name, options, rivals)


def _scales(real: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and spread of each column; of one that is constant up to float32's rounding, its size or 1."""
    centre, size = real.mean(0), real.abs().amax(0)
    # Twice, since squares of numbers near the ends of float64 would leave it.
    spread = size * (real / size.clamp(min=_TINY)).std(0)
    size = torch.where(size > 0, size, 1.0)
    return centre, torch.where(spread > torch.finfo(torch.float32).eps * size, spread, size)


def _check_floors(floors: bool, reconstructions: object, reference: object) -> None:
    if not floors and (reconstructions is not None or reference is not None):
        raise ArgumentError("Arguments `reconstructions` and `reference` must be None if `floors` is False.")


def _rivals(baselines: Mapping[str, Any] | None) -> tuple[dict[str, str], dict[str, Any]]:
    """Return for each baseline under which name its samples are kept, and these: equal objects once."""
    names: dict[int, str] = {}
    sets = {}
    for name, data in (baselines or {}).items():
        check_choice("baselines", name, list(BASELINES))
        sets[names.setdefault(id(data), f"baselines[{name!r}]")] = data
    return {name: names[id(data)] for name, data in (baselines or {}).items()}, sets


def _evaluate(
    samples: dict[str, Samples], extractor_name: str, options: Options, rivals: Mapping[str, str]
) -> dict[str, Any]:
    generated, real = samples["generated"], samples["real"]
    result: dict[str, Any] = {"extractor": extractor_name, "num_features": real.features.shape[1]}
    result |= compare(generated, real, options)
    result |= _floors(samples, options) if options.floors else {"floor_real": None, "floor_reconstruction": None}
    result["memorization"] = memorized(generated, samples["train"], real) if "train" in samples else None
    found = {name: compare(samples[name], real, options) for name in set(rivals.values())}
    result["baselines"] = {name: found[place] for name, place in rivals.items()}
    result["unfit"] = _unfit(result)
    result |= {"subsets": options.subsets, "bins": options.bins, "seed": options.seed}
    result["warnings"] = _warnings(result)
    return result


def _floors(samples: dict[str, Samples], options: Options) -> dict[str, Any]:
    real = samples["real"]
    if "reference" in samples:
        floor = compare(samples["reference"], real, options) | {"source": "reference"}
    else:
        check_count("real", len(real), minimum=4)
        order = torch.randperm(len(real), generator=torch_generator(options.seed, _HALVES_STREAM))
        first, second = order.tensor_split(2)
        floor = compare(real.take(first), real.take(second), options) | {"source": "halves of real"}
    rebuilt = samples.get("reconstructions")
    return {"floor_real": floor, "floor_reconstruction": None if rebuilt is None else compare(rebuilt, real, options)}


def _unfit(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return what :func:`judge_score` says of the scores that a baseline does not lose by."""
    found = {}
    for name in SCORES:
        if name not in result:
            continue
        rivals = {rival: _estimate(scores, name) for rival, scores in result["baselines"].items()}
        verdict = judge_score(name, {"model": _estimate(result, name)}, rivals)
        if verdict.is_unfit:
            found[name] = {
                "beaten_by": list(verdict.beaten_by),
                "can_rank": verdict.can_rank,
                "sentence": verdict.sentence,
            }
    return found


def _estimate(scores: Mapping[str, Any], name: str) -> tuple[float, float, float]:
    value = scores[name]
    return (value, *scores.get(f"{name}_interval", (value, value)))


def _warnings(result: dict[str, Any]) -> list[str]:
    """Return a sentence for each value that its samples cannot carry."""
    groups = {"generated samples": result}
    groups |= {name: result[name] for name in ("floor_real", "floor_reconstruction") if result[name] is not None}
    sentences = []
    copied = result["memorization"]
    if copied is not None and copied["copy_rate_interval"][0] > copied["held_out_copy_rate_interval"][1]:
        sentences.append(
            f"Of the generated samples, {copied['copy_rate']:.0%} are copies of training samples, and "
            f"{copied['held_out_copy_rate']:.0%} of real ones would count as such: distances between distributions "
            "praise copies, so that none of them speaks for the model."
        )
    if copied is not None and copied["held_out_copy_rate"] > _MOST_HELD_OUT_COPIES:
        sentences.append(
            f"Of the real samples, {copied['held_out_copy_rate']:.0%} count as copies of the training samples: check "
            "that they are others, else the scores of memorisation say nothing."
        )
    return sentences + [
        f"The Fréchet distance of {name} compares {scores['num_samples']} with {scores['num_real']} samples in "
        f"{result['num_features']} dimensions: with fewer samples than dimensions it is biased upwards, so compare it "
        "only with values of the same numbers of samples."
        for name, scores in groups.items()
        if min(scores["num_samples"], scores["num_real"]) < result["num_features"]
    ]
