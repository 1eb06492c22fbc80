"""The classical surrogate of a circuit: a trigonometric polynomial of the same frequencies."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from qiskit_qgen._checks import check_float, check_int, check_shape
from qiskit_qgen.circuits import ParametrizedCircuit, frequency_spectrum
from qiskit_qgen.exceptions import ArgumentError

_MOST_SEEDS = 2**31


class FourierSurrogate(nn.Module):
    r"""Maps inputs as a circuit could, with free coefficients and no circuit.

    .. math:: f_j(x) = a_j + K^{-1/2} \sum_{k=1}^{K} b_{jk} \cos(\omega_k \cdot x) + c_{jk} \sin(\omega_k \cdot x),

    where the :math:`\omega_k` are frequencies of the circuit in its inputs (arXiv 2008.08605, arXiv 2206.11740). If all
    of them fit into K, whatever weights the circuit has, its values are such a function, and this network can give any
    values that the circuit can: a circuit that is better must owe it to what its training makes easy. Of a circuit with
    more, half of the K frequencies are the simplest, and half are drawn as often as pairs of eigenvalues make them, as
    in arXiv 2210.13200; then it is an approximation.

    Args:
        circuit: The circuit, whose inputs come in by gates with one angle linear in one of them.
        num_outputs: The number of values.
        num_frequencies: The largest number K of frequencies; there are ``num_outputs * (2 K + 1)`` coefficients, which
            begin at zero.

    Attributes:
        frequencies: The frequencies, (K, num_inputs), in turns of the value for one radian; not trained.

    Raises:
        ArgumentError: If a number is not positive, or the circuit has no such spectrum.
    """

    frequencies: Tensor

    def __init__(self, circuit: ParametrizedCircuit, num_outputs: int, *, num_frequencies: int = 128) -> None:
        super().__init__()
        check_int("num_frequencies", num_frequencies, minimum=1)
        spectrum = frequency_spectrum(circuit)
        drawn = torch.randint(_MOST_SEEDS, (), device="cpu")  # as the weights that networks begin with
        vectors = spectrum.vectors(num_frequencies, np.random.default_rng(int(drawn)))
        chosen = torch.tensor(vectors.tolist(), dtype=torch.get_default_dtype())
        self.register_buffer("frequencies", chosen)
        self.is_complete = spectrum.size == 2 * len(chosen) + 1
        self.num_inputs, self.num_outputs = circuit.num_inputs, check_int("num_outputs", num_outputs, minimum=1)
        self.coefficients = nn.Linear(2 * len(chosen), num_outputs)
        for parameter in self.coefficients.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """Return the values (..., num_outputs) of inputs ``x`` (..., num_inputs)."""
        values: Tensor = self.coefficients(self._features(x))
        return values

    @torch.no_grad()
    def fit(self, inputs: Tensor, values: Tensor, *, ridge: float = 1e-9) -> float:
        """Set the coefficients to those nearest to given values, by least squares.

        Args:
            inputs: (N, num_inputs), such as the circuit is given; more than coefficients, where these are to be sure.
            values: What the circuit gives for them, (N, num_outputs).
            ridge: Weight of the coefficients' squares beside the mean square of what is left: the larger, the smaller
                they stay where inputs hardly differ.

        Returns:
            The share of the values' variance that is left, from 0, an exact fit, to 1.

        Raises:
            ArgumentError: If a shape is another or ``ridge`` is negative.
        """
        shape = (len(inputs), self.num_outputs)
        check_shape("inputs", inputs.shape, f"(N, {self.num_inputs})", inputs.shape[1:] == (self.num_inputs,))
        check_shape("values", values.shape, str(shape), tuple(values.shape) == shape)
        features, targets = self._features(inputs).double(), values.to(inputs).double()
        centre, mean = features.mean(0), targets.mean(0)
        features, targets = features - centre, targets - mean
        size = features.shape[1]
        penalty = (
            check_float("ridge", ridge, minimum=0)
            * len(inputs)
            * torch.eye(size, dtype=torch.float64, device=inputs.device)
        )
        solved = torch.linalg.solve(features.T @ features + penalty, features.T @ targets)
        self.coefficients.weight.copy_(solved.T)
        self.coefficients.bias.copy_(mean - centre @ solved)
        left = (targets - features @ solved).square().sum() / targets.square().sum().clamp(min=1e-300)
        return float(left)

    def _features(self, x: Tensor) -> Tensor:
        if x.shape[-1:] != (self.num_inputs,):
            raise ArgumentError(
                f"Argument `x` must have shape (..., {self.num_inputs}), but has shape {tuple(x.shape)}."
            )
        angles = x @ self.frequencies.T
        # Scaled, so that a step of Adam moves the values by about as much as it does those of a layer of neurons.
        return torch.cat([angles.cos(), angles.sin()], dim=-1) / math.sqrt(len(self.frequencies))

    def extra_repr(self) -> str:
        """Return the sizes, for ``repr``."""
        part = "all" if self.is_complete else "a part"
        return f"num_inputs={self.num_inputs}, frequencies={len(self.frequencies)} ({part} of the circuit's)"
