"""Fitted maps between data and the space in which a generator works, each with its inverse."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

import torch
from torch import Tensor, nn

from qiskit_qgen._checks import check_choice, check_int, check_shape

LATENT_TRANSFORMS = ("pca", "zca", "standard", "none")
_SMALLEST_VARIANCE = 1e-8
_SMALLEST_EXPONENT = 1e-12
_SMALLEST_RANGE = 1e-7  # of transformed values, in parts of the largest
_KNOTS = 1001


class AbstractNormalizer(nn.Module, ABC):
    """A map of vectors that is fitted to data once and then stays: its numbers are buffers, not weights.

    Args:
        num_features: Length of a vector.

    Raises:
        ArgumentError: If ``num_features`` is not a positive integer.
    """

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = check_int("num_features", num_features, minimum=1)

    def fit(self, data: Tensor) -> None:
        """Fit the map to ``data`` (N, num_features).

        Raises:
            ArgumentError: If ``data`` has another shape or is empty.
        """
        expected = f"(N, {self.num_features}) with N of at least 1"
        matches = data.dim() == 2 and data.shape[1] == self.num_features and len(data) > 0
        check_shape("data", data.shape, expected, matches)
        with torch.no_grad():
            self._fit(data.detach().double())

    @abstractmethod
    def forward(self, data: Tensor) -> Tensor:
        """Map data (N, num_features) to the generator's space."""

    @abstractmethod
    def inverse(self, samples: Tensor) -> Tensor:
        """Map ``samples`` (N, num_features) of the generator's space back to data."""

    @abstractmethod
    def _fit(self, data: Tensor) -> None:
        """Fill the buffers from ``data``, float64."""


class LatentNormalizer(AbstractNormalizer):
    """Affine map ``y = K^-1 (v - mean)`` of latents ``v`` to mean 0 and variance 1.

    Args:
        num_features: Length of a latent vector.
        transform: "pca" also removes correlations and puts the directions of largest variance first; "zca" removes
            correlations with the least change; "standard" scales each component by itself; "none" changes nothing.

    Raises:
        ArgumentError: If an argument is out of range.
    """

    def __init__(self, num_features: int, transform: Literal["pca", "zca", "standard", "none"] = "pca") -> None:
        super().__init__(num_features)
        self.transform = check_choice("transform", transform, LATENT_TRANSFORMS)
        self.mean: Tensor
        self.matrix: Tensor
        self.inverse_matrix: Tensor
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("matrix", torch.zeros(num_features, num_features).fill_diagonal_(1.0))
        self.register_buffer("inverse_matrix", torch.zeros(num_features, num_features).fill_diagonal_(1.0))

    def forward(self, data: Tensor) -> Tensor:
        """Map latents (N, num_features) to the generator's space."""
        return (data - self.mean) @ self.inverse_matrix.T

    def inverse(self, samples: Tensor) -> Tensor:
        """Map ``samples`` (N, num_features) of the generator's space back to latents."""
        return self.mean + samples @ self.matrix.T

    def _fit(self, data: Tensor) -> None:
        if self.transform == "none":
            return
        centred = data - data.mean(dim=0)
        covariance = centred.T @ centred / max(len(data) - 1, 1)
        if self.transform == "standard":
            variances, directions = (
                covariance.diagonal(),
                torch.eye(self.num_features, dtype=data.dtype, device=data.device),
            )
        else:
            variances, directions = torch.linalg.eigh(covariance)
            variances, directions = variances.flip(0), directions.flip(1)
        # A direction that does not vary is left at its scale: dividing by its tiny variance would blow noise up.
        usable = variances > (_SMALLEST_VARIANCE * variances.max()).clamp(min=_SMALLEST_VARIANCE)
        scales = torch.where(usable, variances, torch.ones_like(variances)).sqrt()
        rotation = (
            directions.T
            if self.transform == "zca"
            else torch.eye(self.num_features, dtype=data.dtype, device=data.device)
        )
        self.mean.copy_(data.mean(dim=0))
        self.matrix.copy_((directions * scales) @ rotation)
        self.inverse_matrix.copy_(rotation.T @ (directions / scales).T)


class RangeNormalizer(AbstractNormalizer):
    """Affine map of each feature from its range in the data to [-1, 1]; a constant feature is mapped to 0, and back.

    It computes in float64, so that neighbouring float32 numbers stay apart and the largest ones stay finite.
    """

    def __init__(self, num_features: int) -> None:
        super().__init__(num_features)
        self.center: Tensor
        self.radius: Tensor
        self.register_buffer("center", torch.zeros(num_features, dtype=torch.float64))
        self.register_buffer("radius", torch.ones(num_features, dtype=torch.float64))

    def forward(self, data: Tensor) -> Tensor:
        """Map data (N, num_features) to [-1, 1]."""
        width = torch.where(self.radius > 0, self.radius, torch.ones_like(self.radius))
        return _as_type_of(data, (data.double() - self.center) / width)

    def inverse(self, samples: Tensor) -> Tensor:
        """Map ``samples`` (N, num_features) back to data units; what is too large for their type becomes its limit."""
        return _as_type_of(samples, samples.double() * self.radius + self.center)

    def _fit(self, data: Tensor) -> None:
        low, high = data.amin(dim=0), data.amax(dim=0)
        self.center.copy_(high / 2 + low / 2)
        self.radius.copy_(high / 2 - low / 2)


class QuantileNormalizer(AbstractNormalizer):
    """Map of each feature to a uniform distribution on [-1, 1], linear between quantiles of the data.

    It suits long tails and gaps. Values beyond the data's range are taken as its ends, in both directions.
    """

    def __init__(self, num_features: int) -> None:
        super().__init__(num_features)
        self.knots: Tensor
        self.register_buffer("knots", torch.linspace(-1, 1, _KNOTS).repeat(num_features, 1))

    def forward(self, data: Tensor) -> Tensor:
        """Map data (N, num_features) to [-1, 1]."""
        levels = torch.linspace(-1, 1, _KNOTS, dtype=data.dtype, device=data.device).expand_as(self.knots)
        return _interpolate(data, self.knots, levels)

    def inverse(self, samples: Tensor) -> Tensor:
        """Map ``samples`` (N, num_features) back to data units."""
        levels = torch.linspace(-1, 1, _KNOTS, dtype=samples.dtype, device=samples.device).expand_as(self.knots)
        return _interpolate(samples, levels, self.knots)

    def _fit(self, data: Tensor) -> None:
        ordered = data.sort(dim=0).values
        places = torch.linspace(0, len(data) - 1, _KNOTS, dtype=data.dtype, device=data.device)
        left = places.floor().long()
        right = places.ceil().long()
        part = (places - left)[:, None]
        self.knots.copy_(torch.lerp(ordered[left], ordered[right], part).T)


class PowerNormalizer(AbstractNormalizer):
    """Yeo-Johnson's power transform of each feature, then its range in the data mapped to [-1, 1].

    ``y = (f(x) - center) / radius`` where ``f(x) = ((1 + x)^lambda - 1) / lambda`` for x >= 0 and
    ``-((1 - x)^(2 - lambda) - 1) / (2 - lambda)`` below, with logarithms where an exponent is 0. scikit-learn's
    ``PowerTransformer`` finds the exponents; its standardisation cancels in the range that follows. This is the
    preprocessing of the code of arXiv 2110.06933. What lies beyond all that ``f`` reaches becomes its type's limit.
    """

    def __init__(self, num_features: int) -> None:
        super().__init__(num_features)
        self.exponent: Tensor
        self.center: Tensor
        self.radius: Tensor
        for name, value in (("exponent", 1.0), ("center", 0.0), ("radius", 1.0)):
            self.register_buffer(name, torch.full((num_features,), value, dtype=torch.float64))

    def forward(self, data: Tensor) -> Tensor:
        """Map data (N, num_features) to [-1, 1]."""
        width = torch.where(self.radius > 0, self.radius, torch.ones_like(self.radius))
        return _as_type_of(data, (self._power(data.double()) - self.center) / width)

    def inverse(self, samples: Tensor) -> Tensor:
        """Map ``samples`` (N, num_features) back to data units."""
        values = samples.double() * self.radius + self.center
        upper = _inverse_power(values.clamp(min=0), self.exponent)
        lower = _inverse_power((-values).clamp(min=0), 2 - self.exponent)
        return _as_type_of(samples, torch.where(values >= 0, upper, -lower))

    def _power(self, data: Tensor) -> Tensor:
        upper, lower = _power(data.clamp(min=0), self.exponent), _power((-data).clamp(min=0), 2 - self.exponent)
        return torch.where(data >= 0, upper, -lower)

    def _fit(self, data: Tensor) -> None:
        from sklearn.preprocessing import PowerTransformer

        found = PowerTransformer(method="yeo-johnson", standardize=False).fit(data.cpu().numpy()).lambdas_
        self.exponent.copy_(torch.from_numpy(found))
        low, high = self._power(data).aminmax(dim=0)
        # A power that crowds all values within rounding could not be inverted.
        usable = (high - low > _SMALLEST_RANGE * torch.maximum(low.abs(), high.abs())) & (high - low).isfinite()
        self.exponent.copy_(torch.where(usable, self.exponent, torch.ones_like(self.exponent)))
        low, high = self._power(data).aminmax(dim=0)
        self.center.copy_(high / 2 + low / 2)
        self.radius.copy_(high / 2 - low / 2)


def _power(x: Tensor, exponent: Tensor) -> Tensor:
    """Return ``((1 + x)^exponent - 1) / exponent``, or ``ln(1 + x)`` where the exponent is 0, of x >= 0."""
    is_log = exponent.abs() < _SMALLEST_EXPONENT
    divisor = torch.where(is_log, torch.ones_like(exponent), exponent)
    return torch.where(is_log, x.log1p(), (divisor * x.log1p()).expm1() / divisor)


def _inverse_power(y: Tensor, exponent: Tensor) -> Tensor:
    """Return the x >= 0 of which y >= 0 is the power; infinity for what no x reaches."""
    is_log = exponent.abs() < _SMALLEST_EXPONENT
    divisor = torch.where(is_log, torch.ones_like(exponent), exponent)
    logarithm = torch.where(is_log, y, (divisor * y).clamp(min=-1).log1p() / divisor)
    return logarithm.expm1()


def _interpolate(values: Tensor, sources: Tensor, targets: Tensor) -> Tensor:
    """Map each column of ``values`` (N, F) by the line through (``sources``, ``targets``), (F, K) each."""
    sources, targets = sources.double(), targets.double()
    columns = values.T.double().contiguous()
    columns = torch.minimum(torch.maximum(columns, sources[:, :1]), sources[:, -1:])
    right = torch.searchsorted(sources.contiguous(), columns).clamp(1, sources.shape[1] - 1)
    x0, x1 = sources.gather(1, right - 1), sources.gather(1, right)
    y0, y1 = targets.gather(1, right - 1), targets.gather(1, right)
    width = torch.where(x1 > x0, x1 - x0, torch.ones_like(x0))
    return _as_type_of(values, (y0 + (columns - x0) / width * (y1 - y0)).T)


def _as_type_of(like: Tensor, values: Tensor) -> Tensor:
    """Return ``values``, float64, in the type of ``like``, and none of them infinite."""
    limit = torch.finfo(like.dtype).max
    return values.clamp(-limit, limit).to(like.dtype)
