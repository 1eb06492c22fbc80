"""What ``qgen app`` shows: the images of a model that its controls describe."""

from __future__ import annotations

import io
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from qiskit_qgen.cli.executions import parse_execution
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.training import image_grid

MOST_IMAGES, MOST_COMPONENTS = 64, 32
_LONGEST_SIDE = 900


@dataclass
class Controls:
    """What the controls of the page are set to."""

    mode: Literal["samples", "interpolation"] = "samples"
    seed: int = 0
    last_seed: int = 1
    """Of the noise vector that an interpolation ends with."""
    number: int = 16
    spread: float = 1.0
    """By which noise is multiplied, except for a category in it: below 1, samples are more alike."""
    shifts: dict[int, float] = field(default_factory=dict)
    """What is added to components of all noise vectors."""
    label: int | None = None
    execution: Literal["local", "aer"] = "local"
    shots: int = 0
    """Of each circuit on Aer; 0 computes expectation values."""


class Explorer:
    """A model of images, and the executions that its page has asked for.

    Args:
        model: A trained model.

    Raises:
        ArgumentError: If the model generates rows of a table.
    """

    def __init__(self, model: Any) -> None:
        if model.image_shape is None:
            raise ArgumentError("This model generates rows of a table, but the app shows images: take `qgen sample`.")
        self.model = model
        self.has_components = type(model).__name__ != "QuantumDiffusion"  # whose noise is an image
        self.num_components = model.noise_dim - model.noise.num_categories if self.has_components else 0
        self._executions: dict[str, Any] = {}
        self._open = ExitStack()

    @property
    def labels(self) -> dict[int, str]:
        """The names of classes or clusters by their numbers; empty without any."""
        names = self.model.class_names or ()
        count = self.model.num_categories or 0
        return {number: names[number] if number < len(names) else str(number) for number in range(count)}

    def draw(self, controls: Controls) -> Tensor:
        """Return the images (number, C, H, W) that the controls describe.

        Raises:
            QGenError: If the model refuses what they are set to.
        """
        options: dict[str, Any] = {"labels": controls.label, "execution": self._execution(controls)}
        if controls.mode == "interpolation":
            start, end = (self._noise(controls, seed, 1)[0] for seed in (controls.seed, controls.last_seed))
            found: Tensor = self.model.interpolate(start, end, max(2, controls.number), **options)
        elif not self.has_components:
            found = self.model.sample(controls.number, seed=controls.seed, **options)
        else:
            found = self.model.sample(noise=self._noise(controls, controls.seed, controls.number), **options)
        return found

    def close(self) -> None:
        """Give back what the executions hold."""
        self._open.close()

    def _noise(self, controls: Controls, seed: int, number: int) -> Tensor:
        noise: Tensor = self.model.draw_noise(number, seed=seed).clone()
        if self.has_components:
            noise[:, : self.num_components] *= controls.spread
            for component, shift in controls.shifts.items():
                noise[:, component] += shift
        return noise

    def _execution(self, controls: Controls) -> Any:
        if controls.execution == "local":
            return None
        text = f"aer:shots={controls.shots}" if controls.shots else "aer"
        if text not in self._executions:
            self._executions[text] = self._open.enter_context(parse_execution(text))
        return self._executions[text]


def as_png(images: Tensor) -> bytes:
    """Return images as one PNG file, every pixel a square of dots."""
    from PIL import Image

    grid = image_grid(images)
    scale = max(1, _LONGEST_SIDE // max(grid.shape[:2]))
    content = io.BytesIO()
    Image.fromarray(grid.repeat(scale, axis=0).repeat(scale, axis=1)).save(content, "PNG")
    return content.getvalue()


def as_npy(images: Tensor) -> bytes:
    """Return images as a file of NumPy."""
    import numpy as np

    content = io.BytesIO()
    np.save(content, torch.as_tensor(images).numpy(), allow_pickle=False)
    return content.getvalue()
