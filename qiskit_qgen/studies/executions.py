"""Compares executions of the same model: the effect of shots, noise, mitigation and a device."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from qiskit_qgen._checks import check_int, check_type
from qiskit_qgen._typing import PathLike
from qiskit_qgen.datasets import ImageDataset
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution import AbstractExecution, LocalExecution
from qiskit_qgen.metrics import BASELINES, FeatureCache, evaluate_features, evaluate_images, get_extractor
from qiskit_qgen.models.base import AbstractGenerativeModel
from qiskit_qgen.models.base.codecs import check_table
from qiskit_qgen.studies.intervals import interval_text, mean_interval
from qiskit_qgen.studies.tables import markdown_table, save_results

EXACT = "exact"
SCORES = ("frechet_distance", "kernel_distance", "jensen_shannon_divergence")
_SHOWN = 16


@dataclass(frozen=True, eq=False)
class ExecutionComparison:
    """The result of :func:`compare_executions`."""

    rows: list[dict[str, Any]]
    """One dictionary for each execution, which JSON can hold: its name, `scores` (score to mean and interval over the
    seeds), `latent_rms` and `latent_max` (distance of the latents from the exact ones, mean and interval), `seconds`,
    and `qpu_seconds` (estimated, None where nothing is billed)."""
    floors: dict[str, Any]
    """Scores of real against real data and of the autoencoder's reconstructions, for the first seed."""
    baselines: dict[str, Any]
    """Scores of trivial baselines by name, for the first seed."""
    unfit: dict[str, Any]
    """Reasons why a score does not allow conclusions in favour of the model, as for ``model.evaluate``."""
    images: dict[str, Tensor]
    """The first images, or all rows of a table, of the first seed on each execution."""
    num_samples: int
    seeds: tuple[int, ...]
    extractor: str

    def to_dict(self) -> dict[str, Any]:
        """Return everything except the images in a form that JSON can store."""
        return {
            "executions": self.rows,
            "floors": self.floors,
            "baselines": self.baselines,
            "unfit": self.unfit,
            "num_samples": self.num_samples,
            "seeds": list(self.seeds),
            "extractor": self.extractor,
        }

    def table(self) -> str:
        """Return the comparison as a Markdown table."""
        titles = (
            "execution",
            "latent RMS from exact",
            *(score.replace("_", " ") for score in SCORES),
            "seconds",
            "QPU s",
        )
        lines: list[tuple[object, ...]] = [
            (
                row["name"],
                interval_text(row["latent_rms"]),
                *(interval_text(row["scores"][score]) for score in SCORES),
                f"{row['seconds']:.1f}",
                "-" if row["qpu_seconds"] is None else f"{row['qpu_seconds']:.1f}",
            )
            for row in self.rows
        ]
        names = {"floor_real": "*real against real*", "floor_reconstruction": "*reconstructions*"}
        for name, floor in self.floors.items():
            if floor is not None:
                lines.append((names[name], "", *(f"{floor[score]:.4g}" for score in SCORES), "", ""))
        for name, found in self.baselines.items():
            title = f"*{BASELINES[name].title}*"
            lines.append((title, "", *(f"{found[score]:.4g}" for score in SCORES), "", ""))
        caption = (
            f"Lower is better; mean [95 % interval] over the seeds {', '.join(map(str, self.seeds))}, "
            f"{self.num_samples} samples each; features: {self.extractor}. Floors and baselines are those of seed "
            f"{self.seeds[0]}."
        )
        sentences = [self.unfit[score]["sentence"] for score in SCORES if score in self.unfit]
        return "\n\n".join([markdown_table(titles, lines), caption, *sentences])

    def save(self, folder: PathLike) -> Path:
        """Write ``comparison.json`` and ``comparison.md`` to ``folder``, and return it."""
        return save_results(folder, "comparison", text=self.table(), content=self.to_dict())


def compare_executions(
    model: AbstractGenerativeModel,
    data: Any,
    executions: Mapping[str, AbstractExecution],
    num_samples: int = 256,
    seeds: Sequence[int] = (0, 1, 2),
    *,
    reference: Any = None,
    extractor: Any = None,
    cache: FeatureCache | None = None,
) -> ExecutionComparison:
    """Run one trained model with the same noise vectors on several executions, and score the outputs of each.

    The first row is always the exact simulation in float64, under the name "exact"; the latents of all others are
    compared with it by ``rms = sqrt(mean((x - x_exact)^2))``. Executions with a ledger of paid jobs resume from it, so
    an interrupted comparison pays for nothing twice.

    Args:
        model: A trained model whose generator has a quantum part.
        data: Real images or rows to score against, preferably ones that the model was not trained on.
        executions: Executions, by their names in the table.
        num_samples: Number of samples for each execution and seed, at least 2.
        seeds: Seeds of the noise; several give intervals.
        reference: Other real data for the floor of real against real; None splits ``data`` in two.
        extractor: Name or object of the feature extractor of images; None as for ``model.evaluate``.
        cache: Cache for the features of real images between calls.

    Raises:
        ArgumentError: If ``executions`` is empty or names one "exact", ``seeds`` is empty or repeats one, or a number
            is out of range.
        ArgumentTypeError: If an argument has the wrong type.
        DatasetError: If ``data`` or ``reference`` is empty, not finite, out of range or of another shape.
    """
    check_type("model", model, AbstractGenerativeModel, "a generative model such as StyleQGAN")
    check_int("num_samples", num_samples, minimum=2)
    check_type("seeds", seeds, Iterable, "a sequence of seeds such as (0, 1, 2)")
    seeds = tuple(check_int("seeds", seed, minimum=0) for seed in seeds)
    if not seeds or len(set(seeds)) < len(seeds):
        raise ArgumentError(f"Argument `seeds` must hold distinct seeds, at least one, but is {list(seeds)}.")
    named = _checked(executions)
    if model.image_shape is not None:
        extractor = get_extractor(extractor, image_shape=model.image_shape, name="extractor")
    real = data.images if isinstance(data, ImageDataset) else data
    if model.image_shape is None:
        real = check_table(data, model.config.num_features, columns=model.columns).rows
    options: dict[str, Any] = {"extractor": extractor, "cache": cache}
    whole = model.evaluate(real, num_samples=num_samples, reference=reference, seed=seeds[0], **options)
    rows = []
    images: dict[str, Tensor] = {}
    exact = {seed: model.sample_latents(num_samples, seed=seed, execution=named[EXACT]) for seed in seeds}
    for name, execution in named.items():
        start = time.perf_counter()
        latents = {seed: model.sample_latents(num_samples, seed=seed, execution=execution) for seed in seeds}
        seconds = time.perf_counter() - start
        samples = {seed: model.decode_latents(found) for seed, found in latents.items()}
        images[name] = samples[seeds[0]][: _SHOWN if model.image_shape is not None else None]
        scores = [_scores(samples[seed], real, seed, options) for seed in seeds]
        distances = [(latents[seed] - exact[seed]).abs() for seed in seeds]
        count = num_samples * len(seeds)
        cost = model.estimate_cost(count, execution=execution).qpu_seconds if execution.has_cost else None
        rows.append(
            {
                "name": name,
                "scores": {key: mean_interval([score[key] for score in scores]) for key in SCORES},
                "latent_rms": mean_interval([float(distance.square().mean().sqrt()) for distance in distances]),
                "latent_max": mean_interval([float(distance.max()) for distance in distances]),
                "seconds": seconds,
                "qpu_seconds": cost,
            }
        )
    return ExecutionComparison(
        rows=rows,
        floors={name: whole[name] for name in ("floor_real", "floor_reconstruction")},
        baselines=whole["baselines"],
        unfit=whole["unfit"],
        images=images,
        num_samples=num_samples,
        seeds=seeds,
        extractor=whole["extractor"],
    )


def _checked(executions: Mapping[str, AbstractExecution]) -> dict[str, AbstractExecution]:
    """Return the exact execution, followed by the given ones."""
    check_type("executions", executions, Mapping, "a mapping of names to executions")
    if not executions:
        raise ArgumentError("Argument `executions` must hold at least one execution, but is empty.")
    if EXACT in executions:
        raise ArgumentError(f"Argument `executions` must not name an execution {EXACT!r}: that row is always there.")
    for name, execution in executions.items():
        check_type(f"executions[{name!r}]", execution, AbstractExecution, "an execution such as LocalExecution()")
    return {EXACT: LocalExecution(dtype=torch.float64), **executions}


def _scores(samples: Tensor, real: Any, seed: int, options: Mapping[str, Any]) -> dict[str, Any]:
    if samples.dim() == 2:
        return evaluate_features(samples, real, seed=seed, floors=False, standardize=True)
    return evaluate_images(samples, real, seed=seed, floors=False, **options)
