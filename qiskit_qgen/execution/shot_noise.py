"""Shot noise on exact values; derivatives pass through it as if it were not there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen.simulator.tables import Table

_Draw = Callable[[NDArray[np.float64]], NDArray[np.float64]]


class PauliShots:
    """Draws expectation values of observables from those of their Pauli words.

    Args:
        observables: Operators with real coefficients.
        shots: How often each word is measured.
        generator: Is advanced at each draw.

    Attributes:
        words: The distinct Pauli words of the observables.
    """

    def __init__(self, observables: Sequence[SparsePauliOp], shots: int, generator: np.random.Generator) -> None:
        numbers: dict[str, int] = {}
        entries = [
            (numbers.setdefault(label, len(numbers)), output, coefficient.real)
            for output, observable in enumerate(observables)
            for label, coefficient in observable.simplify(atol=0.0).to_list()
        ]
        self.words = [SparsePauliOp(label) for label in numbers]
        coefficients = np.zeros((len(numbers), len(observables)))
        for word, output, coefficient in entries:
            coefficients[word, output] = coefficient
        self._coefficients = Table(coefficients)
        self._shots = shots
        self._generator = generator

    def __call__(self, exact: torch.Tensor) -> torch.Tensor:
        """Return drawn values of the observables, (B, O), for the exact ones of the words, (B, K)."""
        return _drawn(exact, self._draw) @ self._coefficients.on(exact.device, exact.dtype)

    def _draw(self, exact: NDArray[np.float64]) -> NDArray[np.float64]:
        chances = np.clip((1 + exact) / 2, 0, 1)
        return 2 * self._generator.binomial(self._shots, chances) / self._shots - 1


def drawn_frequencies(exact: torch.Tensor, shots: int, generator: np.random.Generator) -> torch.Tensor:
    """Return the frequencies of outcomes among ``shots``, (B, K), for their exact probabilities."""

    def draw(exact: NDArray[np.float64]) -> NDArray[np.float64]:
        chances = np.clip(exact, 0, None)
        return generator.multinomial(shots, chances / chances.sum(-1, keepdims=True)) / shots

    return _drawn(exact, draw)


def _drawn(exact: torch.Tensor, draw: _Draw) -> torch.Tensor:
    values: torch.Tensor = _Drawn.apply(exact, draw)  # type: ignore[no-untyped-call]
    return values


class _Drawn(torch.autograd.Function):
    """Draws from exact values; its derivative is that of the exact values, which are the mean."""

    @staticmethod
    def forward(exact: torch.Tensor, draw: _Draw) -> torch.Tensor:
        values = exact.detach().double().cpu().numpy()
        known = np.isfinite(values)
        drawn = draw(np.where(known, values, 1))
        return torch.from_numpy(np.where(known, drawn, np.nan)).to(exact)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, cotangent: torch.Tensor) -> tuple[torch.Tensor, None]:  # noqa: ARG004
        return cotangent, None

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None], exact: torch.Tensor, draw: _Draw) -> tuple[torch.Tensor, int]:  # noqa: ARG004
        return _drawn(exact.movedim(in_dims[0], 0), draw), 0
