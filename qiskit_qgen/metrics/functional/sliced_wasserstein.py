"""The sliced Wasserstein distance: of random one-dimensional projections (Bonneel et al., 2015; arXiv 1902.00434)."""

from __future__ import annotations

import torch
from torch import Tensor

from qiskit_qgen._checks import check_int
from qiskit_qgen._random import torch_generator
from qiskit_qgen._typing import TensorLike
from qiskit_qgen.metrics._features import check_features

DEFAULT_DIRECTIONS = 1000
_STREAM = 0x7377
_COLUMNS = 256  # directions that are sorted at once, which bounds the memory


def sliced_wasserstein_distance(
    x: TensorLike, y: TensorLike, *, directions: int = DEFAULT_DIRECTIONS, seed: int | None = 0
) -> Tensor:
    r"""Return the sliced 2-Wasserstein distance between two sets of samples, in their units.

    .. math::
        \mathrm{SW}_2^2 = \frac{1}{K} \sum_{k=1}^{K} W_2^2(u_k \cdot x,\, u_k \cdot y), \qquad
        W_2^2(a, b) = \int_0^1 \bigl(F_a^{-1}(t) - F_b^{-1}(t)\bigr)^2 dt

    with directions :math:`u_k` uniform on the sphere and the quantile functions of the samples, which are exact for
    sets of unequal numbers. Finite samples of one distribution do not give 0. In many dimensions a projection is nearly
    normal whatever the distribution, so that little but means and covariances is seen.

    Args:
        x: Samples of shape (N, D), for example generated ones.
        y: Real samples of shape (M, D).
        directions: K, the number of directions.
        seed: Seed of the directions; None draws fresh ones.

    Returns:
        The distance, a float64 scalar that is not negative.

    Raises:
        ArgumentError: If shapes do not fit, a set holds fewer than 2 samples, a value is not finite or ``directions``
            is not positive.

    Example:
        >>> import torch
        >>> x = torch.tensor([[0.0], [1.0]])
        >>> float(sliced_wasserstein_distance(x, x + 2))
        2.0
    """
    y = check_features("y", y)
    x = check_features("x", x, num_features=y.shape[1])
    check_int("directions", directions, minimum=1)
    drawn = torch.randn(directions, y.shape[1], generator=torch_generator(seed, _STREAM), dtype=torch.float64)
    units = (drawn / drawn.norm(dim=1, keepdim=True)).to(y.device)
    # Between two neighbouring levels both quantile functions are constant.
    levels = torch.cat([torch.arange(1, len(each) + 1, dtype=torch.float64) / len(each) for each in (x, y)]).unique()
    widths = levels.diff(prepend=levels.new_zeros(1)).to(y.device)
    middles = levels.to(y.device) - widths / 2
    rows_x, rows_y = ((middles * len(each)).long().clamp(max=len(each) - 1) for each in (x, y))
    total = torch.zeros((), dtype=torch.float64, device=y.device)
    for part in units.split(_COLUMNS):
        first, second = ((each @ part.T).sort(dim=0).values for each in (x, y))
        total += (widths @ (first[rows_x] - second[rows_y]).square()).sum()
    distance: Tensor = (total / directions).sqrt()
    return distance
