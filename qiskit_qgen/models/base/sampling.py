"""Sampling from models."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from torch import Tensor

from qiskit_qgen._checks import check_float, check_int, check_type
from qiskit_qgen._random import resolve_seed, torch_generator
from qiskit_qgen._settings import unknown_name
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution import AbstractExecution
from qiskit_qgen.models.base.codecs import reserve
from qiskit_qgen.models.base.labels import counted_labels, sampling_labels
from qiskit_qgen.models.base.module import AbstractModule
from qiskit_qgen.models.base.run_settings import executed_on
from qiskit_qgen.training.rank_sources import check_may_bill

_LOGGER = logging.getLogger(__name__)
SAMPLE_STREAM = 0x73616D70
_NO_OPTIONS = ("self", "options")


class AbstractSampler(AbstractModule):
    """A model that samples: it maps noise to generator outputs, and these to images or rows, batch by batch."""

    _sampling_network: ClassVar[str] = "generator"
    _sample_batch: ClassVar[int] = 512
    _draws_on_the_way: ClassVar[bool] = False  # whether samples depend on more than noise and labels
    _labels_are_noise: ClassVar[bool] = False  # whether the noise holds a category, which labels replace
    _has_critic: ClassVar[bool] = False  # whether there is a network that rates samples
    _has_latent_noise: ClassVar[bool] = True  # whether noise may be scaled down and traversed

    def sample(
        self,
        num_samples: int | None = None,
        *,
        seed: int | None = None,
        generator: torch.Generator | None = None,
        noise: Tensor | None = None,
        labels: Any = None,
        class_counts: Any = None,
        oversample: int = 1,
        truncation: float = 1.0,
        execution: AbstractExecution | None = None,
        **options: Any,
    ) -> Tensor:
        """Generate samples; the same seed and execution give the same bits.

        Samples are generated in batches of bounded size, in evaluation mode and without gradients. With another number
        of threads, device or precision, results can differ in the last digits.

        Args:
            num_samples: Number of samples; with ``noise``, the number of vectors, and with ``class_counts``, their sum.
            seed: Seed of the noise; None draws a fresh one.
            generator: Generator of the noise, on the CPU, instead of a seed.
            noise: The noise itself, (num_samples, noise_dim).
            labels: For a model with classes: one label for all samples, or labels (num_samples,), as numbers or names;
                for a model with clusters, the clusters' numbers. None draws them: as often as in the training data, or
                evenly for a diffusion model.
            class_counts: Number of samples of each class, instead of ``labels``: a sequence with one number per class,
                or a dictionary of numbers by label or name. Samples are ordered by class.
            oversample: Candidates for each sample, of which the critic keeps the best; with classes or clusters, all
                candidates are from the same one. This is a classical filter: circuits run that many times as often.
            truncation: Factor in (0, 1] that scales the noise, except for its category: values below 1 give more
                typical, less varied samples (arXiv 1812.04948). Not for a diffusion model, whose noise must have
                variance 1.
            execution: Where the quantum circuits run; None takes the built-in simulator with its defaults.
            **options: Further sampling options of the model.

        Returns:
            float32 tensor on the CPU: images (num_samples, C, H, W) in [0, 1], or rows (num_samples, num_features) in
            the units of the tabular data.

        Raises:
            ArgumentError: If an argument is out of range or without effect, or ``execution`` is given to a model that
                samples without a circuit, or is billed and this process does not have rank 0.
            DatasetError: If ``labels`` are out of range or have another shape.
        """
        samples: Tensor | None = None
        start = 0
        if class_counts is not None:
            if labels is not None:
                raise ArgumentError("At most one of the arguments `labels` and `class_counts` can be given.")
            labels = counted_labels(class_counts, self.num_categories, self.class_names)
            if noise is None and num_samples is None:
                num_samples = len(labels)
        options |= {"oversample": oversample, "truncation": truncation}
        number, parts = self._latent_parts(num_samples, seed, generator, noise, labels, execution, options)
        for latents in parts:
            part = self.decode_latents(latents)
            samples = reserve(number, part) if samples is None else samples
            samples[start : start + len(part)] = part
            start += len(part)
        assert samples is not None  # noqa: S101 - there is at least one part
        return samples

    def sample_latents(
        self,
        num_samples: int,
        *,
        seed: int | None = None,
        oversample: int = 1,
        execution: AbstractExecution | None = None,
    ) -> Tensor:
        """Return the generator's outputs for the noise of :meth:`sample`, before decoding to images or rows.

        Arguments and errors are those of :meth:`sample`.

        Returns:
            float32 tensor on the CPU, (num_samples, ...).
        """
        options = {"oversample": oversample, "truncation": 1.0}
        _, parts = self._latent_parts(num_samples, seed, None, None, None, execution, options)
        return torch.cat([part.cpu() for part in parts]).float()

    @torch.no_grad()
    def decode_latents(self, latents: Tensor) -> Tensor:
        """Decode the result of :meth:`sample_latents` to the samples that :meth:`sample` returns.

        Raises:
            ArgumentError: If ``latents`` has another shape.
            ArgumentTypeError: If ``latents`` is not a tensor.
        """
        check_type("latents", latents, Tensor, "a tensor")
        with self._evaluating():
            parts = latents.to(self.device, self.dtype).split(self._sample_batch)
            return torch.cat([self.decode(part).cpu() for part in parts]).float().contiguous()

    def _latent_parts(
        self,
        num_samples: int | None,
        seed: int | None,
        generator: torch.Generator | None,
        noise: Tensor | None,
        labels: Any,
        execution: AbstractExecution | None,
        options: dict[str, Any],
    ) -> tuple[int, Iterator[Tensor]]:
        """Return the number of samples and the generator's outputs, batch by batch."""
        self._check_device()
        if noise is not None:
            check_type("noise", noise, Tensor, "a tensor")
            fits = noise.dim() == 2 and noise.shape[1] == self.noise_dim and len(noise) > 0
            if not fits or num_samples not in (None, len(noise)):
                rows = "N" if num_samples is None else num_samples
                raise ArgumentError(
                    f"Argument `noise` must have shape ({rows}, {self.noise_dim}), but has shape {tuple(noise.shape)}."
                )
        elif num_samples is None:
            raise ArgumentError("Argument `num_samples` must be given unless `noise` is.")
        if generator is not None:
            check_type("generator", generator, torch.Generator, "a torch.Generator or None")
        if (seed is not None) + (generator is not None) + (noise is not None and not self._draws_on_the_way) > 1:
            raise ArgumentError("At most one of the arguments `seed`, `generator` and `noise` can be given.")
        number = check_int("num_samples", len(noise) if noise is not None else num_samples, minimum=1)
        check_may_bill(execution)
        times = check_int("oversample", options.pop("oversample"), minimum=1, maximum=self._sample_batch)
        if times > 1 and noise is not None:
            raise ArgumentError("Argument `oversample` must be 1 beside `noise`, which leaves nothing to choose.")
        if times > 1 and not self._has_critic:
            raise ArgumentError(f"Argument `oversample` must be 1 for a {type(self).__name__}, which has no critic.")
        shortened = check_float("truncation", options.pop("truncation"), minimum=0, open_minimum=True, maximum=1)
        if shortened < 1 and (noise is not None or not self._has_latent_noise):
            case = "beside `noise`: shorten it" if noise is not None else f"for a {type(self).__name__}: leave it out"
            raise ArgumentError(f"Argument `truncation` must be 1 {case}.")
        classes = sampling_labels(labels, number, self.num_categories, self.class_names)
        chosen = self._sampling_options(options)
        if not self._is_trained:
            _LOGGER.warning("These samples come from a %s that was neither trained nor loaded.", type(self).__name__)
        drawn = self._drawn(number, resolve_seed(seed), generator, noise, classes, execution, chosen, times, shortened)
        return number, drawn

    @torch.no_grad()
    def _drawn(
        self,
        number: int,
        seed: int,
        generator: torch.Generator | None,
        noise: Tensor | None,
        labels: Tensor | None,
        execution: AbstractExecution | None,
        options: dict[str, Any],
        times: int,
        truncation: float,
    ) -> Iterator[Tensor]:
        with self._evaluating(), executed_on(self.get_submodule(self._sampling_network), execution):
            size = self._sample_batch // times
            for index, start in enumerate(range(0, number, size)):
                rows = slice(start, min(start + size, number))
                source = torch_generator(seed, SAMPLE_STREAM, index) if generator is None else generator
                z = self._draw_noise(rows.stop - start, source) if noise is None else noise[rows]
                classes = None if labels is None else labels[rows].to(self.device)
                if classes is None and self.num_classes is not None and not self._labels_are_noise:
                    drawn = torch.randint(self.num_classes, (rows.stop - start,), generator=source)
                    classes = drawn.to(self.device)
                if times > 1:
                    z, classes = self._candidates(z, classes, times, source)
                if truncation < 1:
                    z[:, : self.noise_dim - self.noise.num_categories] *= truncation
                z = z.to(self.device, self.dtype)
                latents = self.latents(z, classes, generator=source, **options)
                yield latents if times == 1 else self._best(latents, z, classes, times)

    def _candidates(
        self, noise: Tensor, labels: Tensor | None, times: int, source: torch.Generator
    ) -> tuple[Tensor, Tensor | None]:
        """Return ``times`` noise vectors for each given one, with the same category, and their labels."""
        count = self.num_categories
        if labels is None and count is not None:
            labels = noise[:, -count:].argmax(1)
        more = self._draw_noise(times * len(noise), source)
        return more, None if labels is None else labels.repeat_interleave(times).to(self.device)

    def _best(self, latents: Tensor, noise: Tensor, labels: Tensor | None, times: int) -> Tensor:
        """Return the row that the critic rates highest from each group of ``times`` rows."""
        values = self._judge(latents, noise, labels).view(-1, times)
        first = torch.arange(0, len(latents), times, device=latents.device)
        return latents[first + values.argmax(1)]

    def _judge(self, latents: Tensor, noise: Tensor, labels: Tensor | None) -> Tensor:
        """Return the critic's values (N,) for the generator's outputs for ``noise`` and ``labels``."""
        raise NotImplementedError

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """Keep the model in evaluation mode inside the context."""
        training = self.training
        self.eval()
        try:
            yield
        finally:
            self.train(training)

    def _sampling_options(self, options: dict[str, Any], more: Collection[str] = ()) -> dict[str, Any]:
        """Return the checked arguments of :meth:`latents` other than noise and labels; ``more`` are further names."""
        for name in options:
            usual = [each for each in inspect.signature(AbstractSampler.sample).parameters if each not in _NO_OPTIONS]
            raise unknown_name(name, [*usual, *more], f"{type(self).__name__}.sample")
        return {}

    def _draw_noise(self, number: int, generator: torch.Generator) -> Tensor:
        """Draw noise (number, noise_dim) on the CPU."""
        return self.noise.sample(number, generator)
