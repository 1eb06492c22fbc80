"""A cheap score during training: the distance between samples and validation data, in pixels or columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from qiskit_qgen._checks import check_float, check_int, check_type
from qiskit_qgen.datasets import ImageDataset, TableDataset, as_images
from qiskit_qgen.datasets.streamed import whole
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.training.phases.base import AbstractGeneratorPhase
from qiskit_qgen.training.phases.denoising import DenoisingPhase
from qiskit_qgen.training.state import TrainingState


class SampleDiscrepancy:
    """Squared maximum mean discrepancy between samples and validation data, for :class:`Scores`.

    For images, it compares pixels; for tables, rows in the space of the generator. Samples come from the averaged
    network, always with the same noise. The score is :func:`~qiskit_qgen.metrics.maximum_mean_discrepancy`, about 0 for
    samples from the data's distribution, whatever their number. There is no score while an autoencoder trains. A
    diffusion model needs many network calls per sample: score it rarely, with few samples.

    Args:
        validation: Images or rows that are not trained on, for example from :func:`~qiskit_qgen.datasets.hold_out`. Do
            not use test images, because scores during training influence your choices.
        num_samples: Number of generated samples.
        bandwidth: Bandwidth of the kernel, in units of the data; None takes the median distance between validation
            data. For images in a few tight clusters this is small, and measures the autoencoder's blur more than the
            generator.

    Raises:
        ArgumentError: If ``num_samples`` or the number of ``validation`` is less than 2, or ``bandwidth`` not positive.
        ArgumentTypeError: If ``validation`` is not a tensor, array or data set.
        DatasetError: If images are out of range or not finite.
    """

    def __init__(self, validation: Any, num_samples: int = 1000, *, bandwidth: float | None = None) -> None:
        from qiskit_qgen.metrics import median_distance

        data = whole(validation.images) if isinstance(validation, ImageDataset) else validation
        data = data.rows if isinstance(data, TableDataset) else data
        check_type("validation", data, (Tensor, np.ndarray), "a tensor, an array or a data set")
        is_table = data.ndim == 2
        self._real = torch.as_tensor(data).detach().cpu() if is_table else as_images(data, name="validation").cpu()
        self._bandwidth = bandwidth
        if bandwidth is not None:
            check_float("bandwidth", bandwidth, minimum=0.0, open_minimum=True)
        elif not is_table:
            self._bandwidth = median_distance(self._real.flatten(1))
        self.num_samples = check_int("num_samples", num_samples, minimum=2)

    def __call__(self, state: TrainingState) -> float | None:
        """Return the current discrepancy, or None if the current phase has no generator.

        Raises:
            ArgumentError: If the validation data have another shape than samples, or are rows for an image model.
        """
        from qiskit_qgen.metrics import maximum_mean_discrepancy

        phase = state.phase
        if not isinstance(phase, (AbstractGeneratorPhase, DenoisingPhase)):
            return None
        samples, real = phase.preview(self.num_samples, state.seed), self._real
        if samples is None:
            assert isinstance(phase, AbstractGeneratorPhase)  # noqa: S101 - a denoising phase has images to show
            samples = phase.sample(self.num_samples, state.seed)
            if "normalizer" in phase.modules:
                real = phase.modules["normalizer"](real.to(samples)).cpu()
        if samples.shape[1:] != real.shape[1:]:
            raise ArgumentError(
                f"Argument `validation` must have shape (N, {', '.join(map(str, samples.shape[1:]))}) as samples have, "
                f"but has shape {tuple(real.shape)}."
            )
        generated, known = samples.flatten(1).cpu(), real.flatten(1)
        return float(maximum_mean_discrepancy(generated, known, bandwidth=self._bandwidth))
