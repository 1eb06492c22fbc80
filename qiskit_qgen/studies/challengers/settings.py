"""The settings of challengers: against what a quantum model is held."""

from __future__ import annotations

from typing import Literal, get_args

from qiskit_qgen._checks import check_distinct
from qiskit_qgen._settings import Settings, setting

Level = Literal["weights", "width", "budget", "search", "unentangled", "frozen", "fourier"]
CONTROLS = ("unentangled", "frozen", "fourier")
"""The levels that keep the model and change its circuit, instead of replacing it by a classical network."""
LEVELS: tuple[str, ...] = get_args(Level)
_SEARCHED = (
    "widths",
    "depths",
    "learning_rates",
    "num_trials",
    "steps",
    "batch_size",
    "validation",
    "num_samples",
    "seed",
)


class TwinSettings(Settings):
    """Against what a quantum model is held; see :func:`~qiskit_qgen.studies.classical_twin`."""

    level: Level = setting(
        "What is equal: 'weights', the number of weights; 'width', the width; 'budget', the operations of a training "
        "step; 'search', nothing: the best of a few on a validation split; or the circuit's control of that name",
        default="weights",
    )
    depth: int = setting("Hidden layers of a StyleQGAN's twin", default=2, minimum=1, maximum=100)
    num_frequencies: int = setting(
        "The largest number of frequencies at level 'fourier'", default=128, minimum=1, maximum=100_000
    )
    widths: tuple[int, ...] = setting("Widths of hidden layers to search", default=(16, 64, 256), minimum=1)
    depths: tuple[int, ...] = setting(
        "Numbers of hidden layers to search, of a StyleQGAN's twin", default=(1, 2, 3), minimum=1, maximum=100
    )
    learning_rates: tuple[float, ...] = setting(
        "Factors of the training's learning rate, of the generator or of the denoiser, to search",
        default=(0.3, 1.0, 3.0),
        above=0,
    )
    num_trials: int = setting("Trainings of the search, drawn from all combinations", default=8, minimum=1)
    steps: int = setting("Steps of each training of the search", default=300, minimum=1)
    batch_size: int = setting("Batch of each training of the search", default=64, minimum=2)
    validation: float = setting(
        "Share of the data that scores the search and trains nothing", default=0.25, above=0, below=1
    )
    num_samples: int = setting("Samples of each candidate that are scored", default=500, minimum=2)
    seed: int = setting("Seed of the split, of the draw and of the trainings", default=0, minimum=0)

    def check(self) -> None:
        """Raise :class:`ArgumentError` if an option has no effect at this level, or a list repeats a value."""
        for name in ("widths", "depths", "learning_rates"):
            check_distinct(name, getattr(self, name))
        if self.level != "search":
            self.refuse(_SEARCHED, f"with level={self.level!r}")
        if self.level not in ("weights", "width", "budget"):
            self.refuse(("depth",), f"with level={self.level!r}")
        if self.level != "fourier":
            self.refuse(("num_frequencies",), f"with level={self.level!r}")
