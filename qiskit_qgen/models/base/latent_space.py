"""Exploring a model's noise: fixed noise, interpolation, traversals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from qiskit_qgen._checks import check_distinct, check_float, check_int, check_shape, check_type
from qiskit_qgen._random import resolve_seed, torch_generator
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution import AbstractExecution
from qiskit_qgen.models.base.sampling import SAMPLE_STREAM, AbstractSampler

_VALUES = (-2.0, -1.0, 0.0, 1.0, 2.0)


class AbstractLatentSpace(AbstractSampler):
    """A model that can be explored along paths between noise vectors."""

    def draw_noise(self, num_samples: int, *, seed: int | None = None) -> Tensor:
        """Return noise vectors to reuse; with the same seed, those of :meth:`sample`.

        Args:
            num_samples: Number of vectors.
            seed: Seed of the noise; None draws a fresh one.

        Returns:
            float32 tensor (num_samples, noise_dim), on the CPU.

        Raises:
            ArgumentError: If ``num_samples`` is not a positive integer, or ``seed`` is negative.
        """
        number = check_int("num_samples", num_samples, minimum=1)
        size, chosen = self._sample_batch, resolve_seed(seed)
        return torch.cat(
            [
                self._draw_noise(min(size, number - start), torch_generator(chosen, SAMPLE_STREAM, index))
                for index, start in enumerate(range(0, number, size))
            ]
        )

    def interpolate(
        self,
        start: Tensor,
        end: Tensor,
        steps: int = 8,
        *,
        labels: Any = None,
        execution: AbstractExecution | None = None,
        **options: Any,
    ) -> Tensor:
        """Return samples along the path from one noise vector to another.

        Normal vectors with many components all have about the same length, and a straight line between two of them
        would leave it. So the direction follows the great circle, and the length changes from one to the other
        (:meth:`AbstractNoise.between`; uniform noise is interpolated linearly). A category in the noise is interpolated
        linearly, unless ``labels`` fix it. A diffusion model interpolates the images that its sampler starts from.

        Args:
            start: The first noise vector, (noise_dim,), or several, (N, noise_dim).
            end: The last one, of the same shape.
            steps: Number of samples on each path, including both ends; at least 2.
            labels: For a model with classes or clusters: one label for all. A diffusion model with classes needs it.
            execution: Where the quantum circuits run; None takes the built-in simulator with its defaults.
            **options: Further sampling options of the model.

        Returns:
            float32 tensor on the CPU: samples (steps, ...), or (N, steps, ...), as from :meth:`sample`.

        Raises:
            ArgumentError: If a shape is wrong, ``steps`` is less than 2, ``labels`` is missing, two vectors point in
                opposite directions, or the model draws more noise while sampling, like a diffusion model with
                sampler='ddpm' or a process that is not Gaussian.
        """
        check_int("steps", steps, minimum=2)
        first, last = (self._checked_noise(name, each) for name, each in (("start", start), ("end", end)))
        check_shape("end", end.shape, f"{tuple(start.shape)}, that of `start`", end.shape == start.shape)
        self._check_path(labels, options)
        places = torch.linspace(0, 1, steps, dtype=first.dtype)
        starts, ends = (each.repeat_interleave(steps, 0) for each in (first, last))
        path = self.noise.between(starts, ends, places.repeat(len(first)))
        samples = self.sample(noise=path, labels=labels, execution=execution, **options)
        return samples if start.dim() == 1 else samples.unflatten(0, (len(first), steps))

    def traverse(
        self,
        noise: Tensor,
        components: Sequence[int] | None = None,
        values: Sequence[float] = _VALUES,
        *,
        labels: Any = None,
        execution: AbstractExecution | None = None,
    ) -> Tensor:
        """Return samples of a noise vector with one component at a time set to each of several values.

        :func:`~qiskit_qgen.plotting.plot_traversals` draws them.

        Args:
            noise: The noise vector, (noise_dim,).
            components: Indices of the components, from 0; None takes all except those of a category.
            values: Values to set each component to, in turn.
            labels: For a model with classes or clusters: one label for all; None keeps the label in ``noise``.
            execution: Where the quantum circuits run; None takes the built-in simulator with its defaults.

        Returns:
            float32 tensor on the CPU, (number of components, number of values, ...).

        Raises:
            ArgumentError: If an argument is out of range, or the model is a diffusion model, where one noise component
                is one pixel.
        """
        if not self._has_latent_noise:
            raise ArgumentError(
                f"A {type(self).__name__} has no components of the noise to traverse: each is one pixel of the image "
                "that its sampler begins with. Take `interpolate`."
            )
        vector = self._checked_noise("noise", noise)[0]
        check_shape("noise", noise.shape, f"({self.noise_dim},)", noise.dim() == 1)
        most = len(vector) - self.noise.num_categories
        given = range(most) if components is None else check_distinct("components", components)
        chosen = [check_int(f"components[{k}]", each, minimum=0, maximum=most - 1) for k, each in enumerate(given)]
        settings = [check_float(f"values[{k}]", each) for k, each in enumerate(check_distinct("values", values))]
        rows = vector.repeat(len(chosen), len(settings), 1)
        for row, component in zip(rows, chosen, strict=True):
            row[:, component] = torch.tensor(settings)
        samples = self.sample(noise=rows.flatten(0, 1), labels=labels, execution=execution)
        table: Tensor = samples.unflatten(0, (len(chosen), len(settings)))
        return table

    def _checked_noise(self, name: str, vectors: Any) -> Tensor:
        """Return noise vectors as rows (N, noise_dim)."""
        check_type(name, vectors, Tensor, "a tensor")
        fits = vectors.dim() in (1, 2) and vectors.shape[-1] == self.noise_dim and len(vectors) > 0
        check_shape(name, vectors.shape, f"({self.noise_dim},) or (N, {self.noise_dim})", fits)
        rows: Tensor = vectors.detach().cpu().float().view(-1, self.noise_dim)
        return rows

    def _check_path(self, labels: Any, options: dict[str, Any]) -> None:
        """Raise unless samples depend on noise and labels alone, so that near vectors give near samples.

        Raises:
            ArgumentError: If they do not.
        """
