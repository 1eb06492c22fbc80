"""The Kullback-Leibler divergence between histograms of two tables, column by column."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy import special
from torch import Tensor

from qiskit_qgen._checks import check_array, check_int, check_shape
from qiskit_qgen._typing import TensorLike
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics._features import check_features

DEFAULT_BINS = 100
_CONSTANT = 1e-5  # half the range of a constant column, in parts of its magnitude
_EMPTY = 1e-100  # probability of a bin without samples, as in the code of arXiv 2110.06933


def marginal_kl_divergence(
    x: TensorLike, y: TensorLike, *, bins: int | None = None, edges: Sequence[ArrayLike] | None = None
) -> Tensor:
    r"""Compute the Kullback-Leibler divergence of the histograms of each column, in nats (arXiv 2110.06933).

    .. math::
        \mathrm{KL}_d = \sum_b p_{db} \ln \frac{p_{db}}{q_{db}}

    where :math:`p_d` is the histogram of column d of the real samples ``y``, and :math:`q_d` that of the generated ones
    ``x``, both scaled to sum 1 within the bins. A bin without samples counts as 1e-100: one that only real samples
    reach costs about 230 times their share. It sees no correlation between columns. Two finite samples of one
    distribution give about (B - 1) (1/N + 1/M) / 2 with B occupied bins, not 0, and much more where the tails differ by
    single samples: compare it with the value of other real samples.

    Args:
        x: Samples of shape (N, D), for example generated ones.
        y: Real samples of shape (M, D); they set the bins.
        bins: Number of equal bins over the range of each column of ``y``, at least 2; samples beyond are left out. None
            takes 100.
        edges: The bins' increasing edges for each column, in place of equal ones, such as logarithmic ones.

    Returns:
        The divergence of each column, float64 (D,), at least 0.

    Raises:
        ArgumentError: If shapes do not fit, a set holds fewer than 2 samples, a value is not finite, or edges do not
            increase.

    Example:
        >>> import torch
        >>> y = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
        >>> x = torch.tensor([[0.0], [0.0], [0.0], [3.0]])
        >>> marginal_kl_divergence(x, y, bins=2)  # ln(2) / 2 - ln(3 / 2) / 2
        tensor([0.1438], dtype=torch.float64)
    """
    y = check_features("y", y)
    x = check_features("x", x, num_features=y.shape[1])
    if bins is not None and edges is not None:
        raise ArgumentError("At most one of the arguments `bins` and `edges` can be given.")
    number = check_int("bins", DEFAULT_BINS if bins is None else bins, minimum=2)
    if edges is not None:
        check_shape("edges", (len(edges),), f"({y.shape[1]},)", len(edges) == y.shape[1])
    found = []
    for column, (generated, real) in enumerate(zip(x.T.cpu().numpy(), y.T.cpu().numpy(), strict=True)):
        limits = _edges(real, number) if edges is None else check_array("edges", edges[column])
        if limits.ndim != 1 or len(limits) < 3 or not (np.diff(limits) > 0).all():
            raise ArgumentError(f"Argument `edges` must increase, but those of column {column} do not.")
        counts = [np.histogram(each, limits)[0].astype(float) for each in (real, generated)]
        p, q = (np.where(each > 0, each / max(each.sum(), 1), _EMPTY) for each in counts)
        found.append(
            float(special.rel_entr(p, q).sum())
        )  # scipy's `entropy` would scale q of no sample to a uniform one
    return torch.tensor(found, dtype=torch.float64)


def _edges(real: np.ndarray, bins: int) -> np.ndarray:
    """Return the edges of equal bins over the range of a column; a constant lies in the middle of its bins."""
    low, high = real.min(), real.max()
    if low == high:
        width = _CONSTANT * max(abs(low), 1.0)
        low, high = low - width, high + width
    return np.linspace(low, high, bins + 1)
