"""Type names that several layers share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:  # torch takes a second to import, and command-line options need none of it
    from torch import Tensor

FloatArray: TypeAlias = NDArray[np.floating]
IntArray: TypeAlias = NDArray[np.integer]
TensorLike: TypeAlias = "Tensor | ArrayLike"
"""A tensor, an array, or nested sequences of numbers."""
PathLike: TypeAlias = str | os.PathLike[str]
