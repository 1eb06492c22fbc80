"""Labels of images, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from qiskit_qgen._checks import check_choice, check_int, check_shape, check_type
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, DatasetError


def training_labels(data: Any, labels: Any, number: int, num_classes: int | None) -> Tensor | None:
    """Return the labels (number,) to train on, given or from a data set; None without classes.

    Raises:
        ArgumentError: If they are missing, have another shape or have no use.
        DatasetError: If they are not integers, or out of range.
    """
    if num_classes is None:
        _refuse(labels)
        return None
    found = getattr(data, "labels", None) if labels is None else labels
    if found is None:
        raise ArgumentError(f"Argument `labels` must be given for a model with {num_classes} classes.")
    return _checked(_as_labels(found), number, num_classes)


def sampling_labels(
    labels: Any, number: int, num_classes: int | None, names: Sequence[str] | None = None
) -> Tensor | None:
    """Return the labels (number,) to sample, from one for all or one for each; None if none are given.

    Raises:
        ArgumentError: If they have another shape or no use, or do not name a class.
        ArgumentTypeError: If they are names and the classes have none.
        DatasetError: If they are not integers, or out of range.
    """
    if num_classes is None:
        _refuse(labels)
        return None
    if labels is None:
        return None
    if isinstance(labels, str):
        labels = _number(labels, names)
    elif isinstance(labels, (list, tuple)):
        labels = [_number(each, names) if isinstance(each, str) else each for each in labels]
    found = _as_labels(labels)
    return _checked(found.expand(number) if found.dim() == 0 else found, number, num_classes)


def counted_labels(class_counts: Any, num_classes: int | None, names: Sequence[str] | None = None) -> Tensor:
    """Return the labels for ``class_counts``, class by class: one number per class, or numbers by class.

    Raises:
        ArgumentError: If there are no classes, a class is unknown, or a number is negative or all are 0.
        ArgumentTypeError: If it is of another type.
    """
    if num_classes is None:
        raise ArgumentError("Argument `class_counts` must be None for a model without classes.")
    if not isinstance(class_counts, Mapping):
        check_type("class_counts", class_counts, Sequence, "a number for each class, or numbers by class")
        fits = len(class_counts) == num_classes
        check_shape("class_counts", (len(class_counts),), f"({num_classes},)", fits)
        class_counts = dict(enumerate(class_counts))
    parts = []
    for each, count in class_counts.items():
        label = sampling_labels(each, 1, num_classes, names)
        assert label is not None  # noqa: S101 - there are classes
        parts.append(label.repeat(check_int(f"class_counts[{each!r}]", count, minimum=0)))
    if not sum(map(len, parts)):
        raise ArgumentError("Argument `class_counts` must ask for one sample at least, but asks for none.")
    return torch.cat(parts)


def _number(name: str, names: Sequence[str] | None) -> int:
    """Return the number of the class ``name``."""
    if names is None:
        raise ArgumentTypeError(f"Argument `labels` must hold numbers, as the classes have no names, not {name!r}.")
    return list(names).index(check_choice("labels", name, list(names)))


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
    seen = labels.numel() and labels.device.type == "cpu"  # reading the values of others would wait for a device
    if not whole or (seen and (int(labels.min()) < 0 or int(labels.max()) >= num_classes)):
        raise DatasetError(f"Argument `labels` must hold integers from 0 to {num_classes - 1}.")
    return labels.long()
