"""Labels of images or rows, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qiskit_qgen._checks import check_choice, check_int, check_shape, check_type
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, DatasetError

_LISTED = 5


def training_labels(
    data: Any, labels: Any, number: int, num_classes: int | None
) -> tuple[Tensor | None, tuple[str, ...] | None]:
    """Return the labels (number,) to train on and the names of the classes; None for what there is not.

    Labels that are given win over those of a data set. If they are words, the classes are named by them, in
    alphabetical order.

    Raises:
        ArgumentError: If they are missing, have another shape, have no use, or name another number of classes.
        DatasetError: If they are not integers, or out of range.
    """
    if num_classes is None:
        _refuse(labels)
        return None, None
    found = getattr(data, "labels", None) if labels is None else labels
    if found is None:
        raise ArgumentError(f"Argument `labels` must be given for a model with {num_classes} classes.")
    numbers, words = _named(found)
    names = words or getattr(data, "class_names", None)
    if names is not None and (len(names) != num_classes if words else len(names) < num_classes):
        if words or labels is None:
            more = ", ..." * (len(names) > _LISTED)
            raise ArgumentError(
                f"The labels name {len(names)} classes ({', '.join(names[:_LISTED])}{more}), but the model has "
                f"{num_classes}: make it with `num_classes={len(names)}`."
            )
        names = None  # those of the data, which its own labels belong to
    return _checked(_as_labels(numbers), number, num_classes), names


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


def _named(labels: Any) -> tuple[Any, tuple[str, ...] | None]:
    """Return words as numbers, with the words in alphabetical order; other labels as they are."""
    values = None if isinstance(labels, Tensor) else np.asarray(labels)
    if (
        values is None
        or not values.ndim
        or values.dtype.kind not in "OUT"
        or not all(isinstance(each, str) for each in values.flat)
    ):
        return labels, None
    names, numbers = np.unique(values.astype(str), return_inverse=True)
    return torch.from_numpy(numbers.reshape(values.shape)), tuple(map(str, names))


def _refuse(labels: Any) -> None:
    if labels is not None:
        raise ArgumentError("Argument `labels` must be None for a model without classes.")


def _as_labels(labels: Any) -> Tensor:
    try:
        return labels if isinstance(labels, Tensor) else torch.tensor(np.asarray(labels))
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
