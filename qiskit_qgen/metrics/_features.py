"""Conversion and checks of feature matrices, shared by every score."""

from __future__ import annotations

import torch
from torch import Tensor

from qiskit_qgen._checks import check_shape
from qiskit_qgen._typing import TensorLike
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError


def check_numbers(name: str, value: TensorLike) -> Tensor:
    """Return ``value`` as a detached tensor of finite real numbers, or say what is wrong with it."""
    try:
        tensor = torch.as_tensor(value).detach()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ArgumentTypeError(
            f"Argument `{name}` must be a tensor or an array of numbers, but is of type {type(value).__name__}."
        ) from error
    if tensor.is_complex() or tensor.dtype == torch.bool:
        raise ArgumentTypeError(f"Argument `{name}` must hold real numbers, but has dtype {tensor.dtype}.")
    if not bool(torch.isfinite(tensor).all()):
        count = int((~torch.isfinite(tensor)).sum())
        raise ArgumentError(f"Argument `{name}` must be finite, but {count} of its {tensor.numel()} values are not.")
    return tensor


def check_features(name: str, value: TensorLike, *, num_features: int | None = None, minimum: int = 2) -> Tensor:
    """Return ``value`` as a float64 matrix with at least ``minimum`` rows.

    Args:
        name: The argument's name, for the message.
        value: Features of shape (N, D).
        num_features: D that is expected, or None for any.
        minimum: The smallest accepted N.

    Returns:
        A finite float64 tensor of shape (N, D).

    Raises:
        ArgumentError: If the shape does not fit, a value is not finite or there are too few rows.
        ArgumentTypeError: If ``value`` is not an array of real numbers.
    """
    features = check_numbers(name, value)
    columns = "D" if num_features is None else str(num_features)
    fits = features.ndim == 2 and features.shape[1] > 0
    check_shape(name, features.shape, f"(N, {columns})", fits and num_features in (None, features.shape[1]))
    check_count(name, features.shape[0], minimum)
    return features.double()


def check_count(name: str, count: int, minimum: int) -> None:
    """Raise :class:`ArgumentError` unless ``name`` holds at least ``minimum`` samples."""
    if count < minimum:
        raise ArgumentError(
            f"Argument `{name}` must hold at least {minimum} samples, but holds {count}; give more samples."
        )
