"""Images of the training progress."""

from __future__ import annotations

from pathlib import Path

from qiskit_qgen._checks import check_int
from qiskit_qgen._typing import PathLike
from qiskit_qgen.training.callbacks.base import AbstractCallback
from qiskit_qgen.training.image_grid import save_image_grid
from qiskit_qgen.training.state import TrainingState


class SampleGrid(AbstractCallback):
    """Writes a grid of images every ``every`` steps: ``PHASE-STEP.png``, such as ``adversarial-000500.png``.

    An adversarial phase shows samples, always from the same noise; an autoencoder phase shows images with their
    reconstructions. A phase without images, for example for tabular data, writes none.

    Args:
        folder: Folder for the grids; created if it does not exist.
        every: Steps between two grids; one is always written at the beginning and after the last step of a phase.
        num_images: Number of images in a grid.

    Raises:
        ArgumentError: If ``every`` or ``num_images`` is not a positive integer.
    """

    def __init__(self, folder: PathLike, every: int = 250, *, num_images: int = 64) -> None:
        self.folder = Path(folder)
        self.every = check_int("every", every, minimum=1)
        self.num_images = check_int("num_images", num_images, minimum=1)

    def on_phase_begin(self, state: TrainingState) -> None:
        """Write a grid of the untrained networks."""
        if state.step == 0:
            self._write(state)

    def on_step_end(self, state: TrainingState) -> None:
        """Write a grid at every ``every``-th step and at the last."""
        if state.step % self.every == 0 or state.step == state.phase.num_steps:
            self._write(state)

    def _write(self, state: TrainingState) -> None:
        images = state.phase.preview(self.num_images, state.seed)
        if images is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            save_image_grid(images, self.folder / f"{state.phase.name}-{state.step:06d}.png")
