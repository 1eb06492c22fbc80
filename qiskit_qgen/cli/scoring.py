"""Scores of a model, with floors, as numbers and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import typer

from qiskit_qgen._checks import renamed_arguments
from qiskit_qgen.cli.classes import describe
from qiskit_qgen.cli.data import DataSettings, in_memory
from qiskit_qgen.cli.reporting import note
from qiskit_qgen.exceptions import ArgumentError, DatasetError

_ROWS = {
    "frechet_distance": "Fréchet distance",
    "kernel_distance": "kernel distance",
    "jensen_shannon_divergence": "Jensen-Shannon, features",
    "jensen_shannon_divergence_pixel": "Jensen-Shannon, pixels",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "inception_score": "Inception Score",
    "maximum_mean_discrepancy": "mean discrepancy",
    "maximum_mean_discrepancy_pixel": "mean discrepancy, pixels",
    "sliced_wasserstein_distance": "sliced Wasserstein",
    "classifier_accuracy": "classifier's accuracy",
}
_FID_ROWS = {"frechet_distance": "FID", "kernel_distance": "KID"}
_QUALITY = {
    "peak_signal_to_noise_ratio": "peak signal-to-noise ratio of {:.1f} dB",
    "structural_similarity": "structural similarity of {:.3f}",
}
_CHOSEN = ("frechet_distance", "kernel_distance", "precision", "coverage")
_COLUMNS = ("generated", "95 % interval", "reconstructed", "real")
_WIDTH = 22
BASELINE_TITLES = {
    "untrained": "untrained",
    "standard_normal": "N(0, I)",
    "marginals": "shuffled",
    "gaussian": "Gaussian",
    "mixture": "mixture",
    "training": "training",
}
_NARROW = 12


def load_scored_images(data: DataSettings, split: str, remedy: str = "give --split train") -> Any:
    """Return the data set that samples are scored against; ``remedy`` is how a command takes another split.

    Raises:
        ArgumentError: If ``split`` or the name is unknown.
        DatasetError: If the data are missing or damaged, or have no such split.
    """
    try:
        return replace(data, stream=False).load(split)  # all of them are scored at once
    except DatasetError as error:
        if split != "test":
            raise
        raise DatasetError(f"{error} To score against what was trained on, {remedy}.") from error


def data_to_score(model: Any, chosen: DataSettings) -> DataSettings:
    """Return the settings of the data for scoring ``model``, of a file the columns of its table.

    Raises:
        ArgumentError: If the data are a table and the model is of images, or the reverse.
    """
    from qiskit_qgen.datasets.tables import is_frame_file

    if chosen.is_table != (model.image_shape is None):
        kind = "a table" if model.image_shape is None else "images"
        raise ArgumentError(f"Option --data must name {kind}, as the model generates, but is {chosen.name}.")
    names = [column.name for column in model.columns or () if isinstance(column.name, str)]
    if names and chosen.columns is None and is_frame_file(str(chosen.name)):
        return replace(chosen, columns=tuple(names))
    return chosen


def choose_extractor(name: str | None, train: Any, shape: Sequence[int]) -> Any:
    """Return the feature extractor of a name, of images of ``shape``; "labels" learns the labels of ``train``.

    Rows of a table, of ``shape`` (number of columns,), have none: None is returned.

    Raises:
        ArgumentError: If no extractor has that name, or ``train`` is needed and None, or has no labels; or there is one
            for rows.
    """
    if len(shape) == 1:
        if name is not None:
            raise ArgumentError("Argument `extractor` has no effect on a table, whose rows are compared: leave it out.")
        return None
    from qiskit_qgen.metrics import LabelFeatureExtractor, get_extractor
    from qiskit_qgen.metrics.extractors import LABELS_EXTRACTOR

    if name != LABELS_EXTRACTOR:
        return get_extractor(name, image_shape=shape, name="extractor")
    if train is None:
        raise ArgumentError(f"The extractor {name!r} needs the images that the model was trained on: give its run.")
    with renamed_arguments({"data": "name"}):
        return LabelFeatureExtractor(in_memory(train))


def score(
    model: Any,
    real: Any,
    *,
    extractor: Any,
    num_samples: int | None,
    seed: int | None,
    train: Any = None,
    memorization: bool = False,
    oversample: int = 1,
) -> dict[str, Any]:
    """Return the scores of ``model`` against the data set ``real``, with the names of the data.

    Args:
        model: A trained model.
        real: The data set to compare with.
        extractor: The feature extractor or its name; None as for ``model.evaluate``.
        num_samples: Number of samples to generate; None for as many as there are in ``real``.
        seed: Seed of the samples and of the scores' random parts.
        train: The data set that the model was trained on, to which baselines are fitted and of which as many images as
            in ``real`` give the floor; None has the baselines that need none, and splits ``real`` in two.
        memorization: Whether to look for copies of ``train``.
        oversample: Candidates for each sample, of which the critic keeps the best.
    """
    from qiskit_qgen.metrics import FeatureCache
    from qiskit_qgen.metrics.baselines import repeated_rows

    cache = FeatureCache() if model.image_shape is not None else None
    options = {"train": train, "memorization": memorization, "extractor": extractor, "cache": cache}
    if train is not None and real.split != train.split:
        if len(train) < 2:
            raise ArgumentError("There must be at least 2 samples for training to give a floor of real against real.")
        # Those that are the baseline of repeated samples, whose features are computed once.
        rows = repeated_rows(len(train), min(len(train), len(real)), seed=seed)
        options["reference"] = train.take(rows)
    scores = model.evaluate(real, num_samples=num_samples, seed=seed, oversample=oversample, **options)
    return {"data": real.name, "split": real.split, **scores}


def score_chosen(
    model: Any, real: Any, scores: Mapping[str, Any], *, extractor: Any, oversample: int
) -> dict[str, Any]:
    """Return the scores of samples of which the critic keeps the best of several, as many as in ``scores``."""
    from qiskit_qgen.metrics import FeatureCache, evaluate_images

    drawn = {"seed": scores["seed"], "oversample": oversample}
    if model.image_shape is None:
        chosen: dict[str, Any] = model.evaluate(real, num_samples=scores["num_samples"], baselines=False, **drawn)
        return chosen
    samples = model.sample(scores["num_samples"], **drawn)
    options = {"extractor": extractor, "seed": scores["seed"], "cache": FeatureCache(), "floors": False}
    return {**evaluate_images(samples, real.images, **options), "oversample": oversample}


def report(scores: Mapping[str, Any]) -> None:
    """Write ``scores`` as a table: generated images, the autoencoder's reconstructions, other real images."""
    typer.echo(score_text(scores))
    warnings = scores["warnings"]
    if warnings:
        more = f" ({len(warnings) - 1} more)" if len(warnings) > 1 else ""
        note(f"Note: {warnings[0]}{more}")


def score_text(scores: Mapping[str, Any]) -> str:
    """Return ``scores`` as a table, with what is known of classes and of the critic's choice."""
    text = _table(scores)
    if "oversample" in scores:
        one = _unit(scores).removesuffix("s")
        text += f"\nEach generated {one} is the best of {scores['oversample']} candidates, chosen by the critic."
    if "recognition" in scores:
        text += f"\n\n{describe(scores['recognition'])}"
    if "chosen" in scores:
        text += f"\n\n{_chosen(scores)}"
    return text


def score_titles(scores: Mapping[str, Any]) -> Mapping[str, str]:
    """Return what each score is called, in the order in which they are told: FID and KID of FID's features alone."""
    from qiskit_qgen.metrics.extractors import FID_EXTRACTOR

    return {**_ROWS, **_FID_ROWS} if scores["extractor"] == FID_EXTRACTOR else _ROWS


def _table(scores: Mapping[str, Any]) -> str:
    rebuilt, real = scores["floor_reconstruction"], scores["floor_real"]
    titles = score_titles(scores)
    lines = [" " * 26 + "".join(f"{name:>{_WIDTH}}" for name in _COLUMNS)]
    for key, title in titles.items():
        if key in scores:
            values = [
                _value(scores, key),
                _interval(scores.get(f"{key}_interval")),
                *(_value(x, key) for x in (rebuilt, real)),
            ]
            lines.append(f"{title:<26}" + "".join(f"{value:>{_WIDTH}}" for value in values))
    lines.append(
        "Of distances and divergences lower is better, of all else higher. "
        f"{scores['num_samples']} generated against {scores['num_real']} real {_unit(scores)} ({scores['data']}, "
        f"{scores['split']}); features of {scores['extractor']}{_accuracy(scores)}."
    )
    if rebuilt is not None and rebuilt["frechet_distance"] > 0:
        lines.append(ratio_sentence(scores, titles["frechet_distance"]))
    known = [text.format(rebuilt[key]) for key, text in _QUALITY.items() if rebuilt and rebuilt.get(key) is not None]
    if known:
        lines.append(f"Reconstructions have a {', and a '.join(known)}.")
    if scores["memorization"] is not None:
        lines.append(_memorization(scores["memorization"], _unit(scores)))
    for space, found in (("", scores), (", latents", scores["latent"])):
        if found is not None and found["baselines"]:
            lines += ["", *_baselines(found, titles, space)]
    return "\n".join(lines)


def ratio_sentence(scores: Mapping[str, Any], title: str) -> str:
    """Return how far samples are behind reconstructions, or why that is not said.

    With fewer samples than features the covariances are singular, and a bias that both distances share outweighs what
    sets them apart.
    """
    if _has_biased_ratio(scores):
        fewest = min(scores["num_samples"], scores["num_real"])
        return (
            f"No ratio of the {title} to that of the reconstructions: with {fewest} images for "
            f"{scores['num_features']} features, both are biased upwards, and their ratio towards 1. The kernel "
            "distance has no such bias."
        )
    ratio = scores["frechet_distance"] / scores["floor_reconstruction"]["frechet_distance"]
    return f"The {title} is {ratio:.2f} times that of the autoencoder's reconstructions."


def _has_biased_ratio(scores: Mapping[str, Any]) -> bool:
    return bool(min(scores["num_samples"], scores["num_real"]) <= scores["num_features"])


def _baselines(scores: Mapping[str, Any], titles: Mapping[str, str], space: str) -> list[str]:
    """Return the lines of a table of generated samples and trivial baselines, with what each score is fit for."""
    known = {name: title for name, title in BASELINE_TITLES.items() if name in scores["baselines"]}
    head = ("generated", *known.values(), "fit for")
    lines = [f"{'Baselines' + space:<26}" + "".join(f"{name:>{_NARROW}}" for name in head)]
    for key, title in titles.items():
        if key in scores:
            values = [_value(each, key) for each in (scores, *(scores["baselines"][name] for name in known))]
            judged = scores["unfit"].get(key)
            word = "all" if judged is None else "ranking" if judged["can_rank"] else "unfit"
            lines.append(f"{title:<26}" + "".join(f"{value:>{_NARROW}}" for value in (*values, word)))
    words = [judged["can_rank"] for judged in scores["unfit"].values()]
    if False in words:
        lines.append(
            "Unfit: a baseline that has learnt nothing is at least as good as the model; nothing is concluded from it."
        )
    if True in words:
        lines.append(
            "Ranking: only the fitted mixture is at least as good; it may rank models, but speaks for none of them."
        )
    return lines


def _chosen(scores: Mapping[str, Any]) -> str:
    """Return a sentence on samples that a critic has chosen."""
    found = scores["chosen"]
    values = ", ".join(f"{title} {_value(found, key)}" for key, title in _ROWS.items() if key in _CHOSEN)
    return (
        f"Where the critic keeps the best of {found['oversample']} candidates, a classical filter that is not part of "
        f"the scores above: {values}."
    )


def _accuracy(scores: Mapping[str, Any]) -> str:
    known = scores.get("extractor_accuracy")
    return "" if known is None else f", which tells {known:.1%} of labels of unseen images"


def _value(scores: Mapping[str, Any] | None, key: str) -> str:
    return "-" if scores is None else f"{scores[key]:.4g}"


def _interval(bounds: list[float] | None) -> str:
    return "" if bounds is None else f"[{bounds[0]:.3g}, {bounds[1]:.3g}]"


def _unit(scores: Mapping[str, Any]) -> str:
    """Return what was scored: images, which have pixels, or rows."""
    return "images" if "jensen_shannon_divergence_pixel" in scores else "rows"


def _memorization(found: Mapping[str, Any], unit: str) -> str:
    def share(name: str) -> str:
        low, high = found[f"{name}_interval"]
        return f"{found[name]:.1%} [{low:.1%}, {high:.1%}]"

    one = unit.removesuffix("s")
    return (
        f"Copies of the {found['num_train']} training {unit}: {share('copy_rate')} of the generated ones, "
        f"{share('held_out_copy_rate')} of real ones that were not trained on; a generated {one} is nearer to them "
        f"than such a real one with probability {found['closer']:.2f} {_interval(found['closer_interval'])}, which is "
        "0.5 without copying."
    )
