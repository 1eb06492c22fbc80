"""Constants as tensors: made once for each device and dtype, never moved at a call."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import torch
from numpy.typing import NDArray

MadeT = TypeVar("MadeT")


def made(kind: Callable[..., MadeT], *arguments: Any, **options: Any) -> MadeT:
    """Return ``kind(*arguments, **options)`` made in a thread of its own.

    A thread begins outside of inference mode and of the transforms of ``torch.func``, whose tensors must not be kept.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(kind, *arguments, **options).result()


class Table:
    """Numbers as a tensor on each device and of each dtype that has been asked for.

    Args:
        numbers: The numbers.
    """

    def __init__(self, numbers: NDArray[Any]) -> None:
        self.numbers = numbers
        self._kept: dict[tuple[torch.device, torch.dtype], torch.Tensor] = {}

    def on(self, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
        """Return the numbers on a device."""
        if (device, dtype) not in self._kept:
            self._kept[device, dtype] = made(torch.tensor, self.numbers, device=device, dtype=dtype)
        return self._kept[device, dtype]

    def __reduce__(self) -> tuple[Any, ...]:
        return Table, (self.numbers,)
