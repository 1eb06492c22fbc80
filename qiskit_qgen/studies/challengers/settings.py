"""The settings of a quantum model's challengers."""

from __future__ import annotations

from typing import Literal, get_args

from qiskit_qgen._checks import check_distinct
from qiskit_qgen._settings import Settings, setting

Level = Literal["weights", "width", "budget", "search", "unentangled", "frozen", "fourier"]
CONTROLS = ("unentangled", "frozen", "fourier")
"""The levels that change the model's circuit instead of replacing it with a classical network."""
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
    """Settings of a quantum model's challenger; see :func:`~qiskit_qgen.studies.classical_twin`."""

    level: Level = setting(
        "What the twin matches: 'weights', the number of weights; 'width', the width; 'budget', the operations of a "
        "training step; 'search', nothing, but the best of several candidates on a validation split; or the name of a "
        "control of the circuit",
        default="weights",
    )
    depth: int = setting("Hidden layers of a StyleQGAN's twin", default=2, minimum=1, maximum=100)
    num_frequencies: int = setting(
        "The largest number of frequencies at level 'fourier'", default=128, minimum=1, maximum=100_000
    )
    widths: tuple[int, ...] = setting("Widths of hidden layers to search", default=(16, 64, 256), minimum=1)
    depths: tuple[int, ...] = setting(
        "Numbers of hidden layers to search, for a StyleQGAN's twin", default=(1, 2, 3), minimum=1, maximum=100
    )
    learning_rates: tuple[float, ...] = setting(
        "Factors to search for the learning rate of the generator or the denoiser",
        default=(0.3, 1.0, 3.0),
        above=0,
    )
    num_trials: int = setting("Number of trainings in the search, drawn from all combinations", default=8, minimum=1)
    steps: int = setting("Steps of each training of the search", default=300, minimum=1)
    batch_size: int = setting("Batch size of each training of the search", default=64, minimum=2)
    validation: float = setting(
        "Share of the data that is used only to score the search", default=0.25, above=0, below=1
    )
    num_samples: int = setting("Number of samples to score for each candidate", default=500, minimum=2)
    seed: int = setting("Seed of the split, the draw and the trainings", default=0, minimum=0)

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
