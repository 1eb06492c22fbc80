"""Structural similarity as a torchmetrics metric."""

from __future__ import annotations

from typing import Any

import torchmetrics.image.ssim


class StructuralSimilarityIndexMeasure(torchmetrics.image.ssim.StructuralSimilarityIndexMeasure):
    """torchmetrics' structural similarity of pairs of images (N, C, H, W) in [0, 1], such as reconstructions.

    It averages over windows that reach over the border too, where the images are mirrored; that of
    :func:`~qiskit_qgen.metrics.reconstruction_quality` lies within the images, as in scikit-image.

    Args:
        data_range: The images' range: 1.0. torchmetrics' own default, None, takes it from each batch.
        **kwargs: torchmetrics' other options, such as ``sigma`` or ``reduction``.

    Example:
        >>> import torch
        >>> metric = StructuralSimilarityIndexMeasure()
        >>> metric.update(torch.full((2, 1, 16, 16), 0.5), torch.full((2, 1, 16, 16), 0.5))
        >>> float(metric.compute())
        1.0
    """

    def __init__(self, *, data_range: float | tuple[float, float] | None = 1.0, **kwargs: Any) -> None:
        super().__init__(data_range=data_range, **kwargs)
