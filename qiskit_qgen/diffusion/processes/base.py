"""Forward processes other than adding Gaussian noise.

Each treats pixels independently and ends in a known distribution that does not depend on the image. A network that is
trained to predict ``x_0`` from ``x_t`` turns it into a generative model: :func:`process_sample`. For each pixel, the
network predicts ``num_outputs`` numbers; the process's ``error`` trains them and its ``clean`` interprets them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from qiskit_qgen._checks import check_int


class AbstractForwardProcess(ABC):
    """A forward process of ``num_steps`` steps from images to noise.

    Random numbers are drawn on the CPU and moved to the device of the images.

    Args:
        num_steps: Number of steps.

    Raises:
        ArgumentError: If ``num_steps`` is not a positive integer.
    """

    def __init__(self, num_steps: int) -> None:
        self.num_steps = check_int("num_steps", num_steps, minimum=1)
        self._moved: dict[tuple[str, str], Tensor] = {}

    def table(self, name: str, device: torch.device) -> Tensor:
        """Return the attribute ``name``, a tensor, on ``device``, moved there once."""
        key = (name, str(device))
        if key not in self._moved:
            self._moved[key] = getattr(self, name).to(device)
        return self._moved[key]

    @property
    def num_outputs(self) -> int:
        """Number of values that a network predicts for each pixel."""
        return 1

    def error(self, output: Tensor, x0: Tensor) -> Tensor:
        """Return the error (N,) of a network's output (N, C * num_outputs, H, W), ``x0`` (N, C, H, W) being right.

        Here, the squared error of the mean ``(output + 1) / 2``.
        """
        return (output - (2 * x0 - 1)).square().mean((1, 2, 3))

    def constant_output(self, images: Tensor) -> Tensor:
        """Return what a network may as well say of every pixel before it has learned anything, (C * num_outputs,).

        A network that starts there need not learn it first, which would teach it to disregard the drowned images.

        Args:
            images: Images (N, C, H, W) in [0, 1].
        """
        return 2 * images.mean((0, 2, 3)) - 1

    def clean(self, output: Tensor, generator: torch.Generator | None) -> Tensor:  # noqa: ARG002 - others draw
        """Return clean images (N, C, H, W) in [0, 1], as a network's output says: drawn; their mean if None."""
        return ((output + 1) / 2).clamp(0, 1)

    @abstractmethod
    def add_noise(self, x0: Tensor, steps: Tensor, generator: torch.Generator) -> Tensor:
        """Draw ``x_t`` of images (N, ...) in [0, 1] after ``steps`` (N,), counted from 0, are done."""

    @abstractmethod
    def go_back(self, x_t: Tensor, x0: Tensor, step: int, earlier: int, generator: torch.Generator) -> Tensor:
        """Draw what was there after step ``earlier``, if ``x_t`` is there after ``step`` and ``x0`` was at the start.

        If ``x_t`` is distributed as :meth:`add_noise` says, so is the result.
        """

    @abstractmethod
    def prior(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Draw from the distribution in which every image ends."""


def process_sample(
    model: Callable[[Tensor, Tensor], Tensor],
    process: AbstractForwardProcess,
    x: Tensor,
    generator: torch.Generator,
    *,
    steps: Sequence[int] | None = None,
) -> Tensor:
    """Sample with a network that predicts ``x_0``: predict it, go back some steps, and so on, from the end.

    Args:
        model: Maps noisy images (N, C, H, W) in [0, 1] and their steps (N,) to (N, C * num_outputs, H, W).
        process: The process that the network was trained with.
        x: Where every image ends, (N, C, H, W), as :meth:`AbstractForwardProcess.prior` draws it.
        generator: Source of randomness.
        steps: The steps after which the network is called, from the last down; None takes all.

    Returns:
        Images in [0, 1].
    """
    falling = list(range(process.num_steps))[::-1] if steps is None else list(steps)
    for step, earlier in zip(falling, [*falling[1:], None], strict=True):
        output = model(x, torch.full((len(x),), step, dtype=torch.int64, device=x.device))
        if earlier is None:
            return process.clean(output, None)
        x = process.go_back(x, process.clean(output, generator), step, earlier, generator)
    return x
