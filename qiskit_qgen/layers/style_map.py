"""The affine map from noise to the angles of a style ansatz."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from qiskit_qgen._checks import check_float, check_int, check_shape
from qiskit_qgen.exceptions import ArgumentError


class StyleMap(nn.Module):
    """angle = W z + b: every angle of a circuit depends on the noise (arXiv 2110.06933, arXiv 2406.02668).

    Args:
        noise_dim: The number of noise components, at least 1.
        num_angles: The number of angles, at least 1.
        init_scale: W and b start uniform in [-init_scale, init_scale], in radians.
        bias_scale: The same for b alone; None for ``init_scale``.
        components: For each angle the one noise component that it depends on, (num_angles,) integers from 0 to
            noise_dim - 1: two weights per angle, as in arXiv 2110.06933. None for all, as in arXiv 2406.02668.
        generator: Random state of the initialisation; None for torch's global one, as torch's own modules do.

    Attributes:
        weight: W, (num_angles, noise_dim), or (num_angles,) with ``components``.
        bias: b, (num_angles,).

    Raises:
        ArgumentError: If a number is out of range.
    """

    def __init__(
        self,
        noise_dim: int,
        num_angles: int,
        *,
        init_scale: float = 0.1,
        bias_scale: float | None = None,
        components: Sequence[int] | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.noise_dim = check_int("noise_dim", noise_dim, minimum=1)
        self.num_angles = check_int("num_angles", num_angles, minimum=1)
        self.components: torch.Tensor | None
        found = None
        if components is not None:
            check_shape("components", (len(components),), f"({num_angles},)", len(components) == num_angles)
            chosen = [check_int("components", each, minimum=0, maximum=noise_dim - 1) for each in components]
            found = torch.tensor(chosen)
        self.register_buffer("components", found, persistent=False)
        scale = check_float("init_scale", init_scale, minimum=0.0, maximum=1e6)
        offset = scale if bias_scale is None else check_float("bias_scale", bias_scale, minimum=0.0, maximum=1e6)
        shape = (num_angles, noise_dim) if components is None else (num_angles,)
        self.weight = nn.Parameter(torch.empty(shape).uniform_(-scale, scale, generator=generator))
        self.bias = nn.Parameter(torch.empty(num_angles).uniform_(-offset, offset, generator=generator))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Return the angles.

        Args:
            z: Noise, (..., noise_dim).

        Returns:
            Angles in radians, (..., num_angles).

        Raises:
            ArgumentError: If the last dimension is not ``noise_dim``.
        """
        if z.shape[-1:] != (self.noise_dim,):
            raise ArgumentError(
                f"Argument `z` must have shape (..., {self.noise_dim}), but has shape {tuple(z.shape)}."
            )
        if self.components is None:
            return nn.functional.linear(z, self.weight, self.bias)
        return z[..., self.components] * self.weight + self.bias

    def dense_weight(self) -> torch.Tensor:
        """Return W as a matrix, (num_angles, noise_dim), whatever its form.

        This is what :func:`~qiskit_qgen.circuits.bind_style_map` takes.
        """
        if self.components is None:
            return self.weight.detach().clone()
        dense = self.weight.detach().new_zeros(self.num_angles, self.noise_dim)
        return dense.scatter(1, self.components[:, None], self.weight.detach()[:, None])

    def extra_repr(self) -> str:
        """Return the sizes, for ``repr``."""
        return f"noise_dim={self.noise_dim}, num_angles={self.num_angles}, full={self.components is None}"
