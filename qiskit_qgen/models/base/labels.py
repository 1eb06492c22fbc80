"""Labels of images, checked."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from qiskit_qgen._checks import check_shape
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, DatasetError


def training_labels(data: Any, labels: Any, number: int, num_classes: int | None) -> Tensor | None:
    """Return the labels (number,) to train on, those given or those of a data set; None without classes.

    Raises:
        ArgumentError: If they are missing, of another shape or without use.
        DatasetError: If they are no integers, or out of range.
    """
    if num_classes is None:
        _refuse(labels)
        return None
    found = getattr(data, "labels", None) if labels is None else labels
    if found is None:
        raise ArgumentError(f"Argument `labels` must be given for a model with {num_classes} classes.")
    return _checked(_as_labels(found), number, num_classes)


def sampling_labels(labels: Any, number: int, num_classes: int | None) -> Tensor | None:
    """Return the labels (number,) to sample, one for all or one for each; None if none are given.

    Raises:
        ArgumentError: If they are of another shape or without use.
        DatasetError: If they are no integers, or out of range.
    """
    if num_classes is None:
        _refuse(labels)
        return None
    if labels is None:
        return None
    found = _as_labels(labels)
    return _checked(found.expand(number) if found.dim() == 0 else found, number, num_classes)


def _refuse(labels: Any) -> None:
    if labels is not None:
        raise ArgumentError("Argument `labels` must be None for a model without classes.")


def _as_labels(labels: Any) -> Tensor:
    try:
        return torch.as_tensor(labels)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ArgumentTypeError(
            f"Argument `labels` must be a label or an array of labels, but is of type {type(labels).__name__}."
        ) from error


def _checked(labels: Tensor, number: int, num_classes: int) -> Tensor:
    check_shape("labels", labels.shape, f"({number},)", tuple(labels.shape) == (number,))
    whole = not labels.is_floating_point() and labels.dtype != torch.bool
    if not whole or (labels.numel() and (int(labels.min()) < 0 or int(labels.max()) >= num_classes)):
        raise DatasetError(f"Argument `labels` must hold integers from 0 to {num_classes - 1}.")
    return labels.long()
