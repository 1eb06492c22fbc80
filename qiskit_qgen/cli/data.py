"""The data of a run: the table [data] of a settings file, and how commands load it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from qiskit_qgen._checks import expanded
from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.cli.reporting import note
from qiskit_qgen.exceptions import ArgumentError

MOST_IN_MEMORY = 10_000
"""Streamed images that are read for scores."""

_OF_IMAGES = ("data_dir", "image_size", "mode", "crop", "skip_damaged", "stream")
_OF_TABLES = ("columns", "label")


class DataSettings(Settings):
    """The table [data]."""

    name: str | None = setting(
        "A known data set, a folder of images or a .zip of one, or a file with images or a table", default=None
    )
    data_dir: str | None = setting(
        "Directory with the files of a known data set; None looks in the usual places", default=None
    )
    num_images: int | None = setting(
        "Number of images or rows to draw for training; None takes all", default=None, minimum=1
    )
    subset_seed: int = setting("Seed of that draw", default=0, minimum=0)
    key: str | None = setting("For an .npz or .pt file: name of the array; None looks for the usual ones", default=None)
    columns: tuple[str, ...] | None = setting("For a table: the columns to take; None takes all", default=None)
    label: str | None = setting(
        "For a table: the column with the classes of the rows, of which samples can be asked for; None for none",
        default=None,
    )
    image_size: int | tuple[int, int] | None = setting(
        "For a folder: resize images to this side in pixels, or to (height, width); None keeps their size",
        default=None,
        minimum=2,
    )
    mode: Literal["L", "RGB", "RGBA"] | None = setting(
        "For a folder: convert images to this mode, grey, colours or colours with transparency; None keeps their mode",
        default=None,
    )
    crop: Literal["center"] | None = setting(
        "For a folder: crop images to the aspect ratio of `image_size`; None stretches them", default="center"
    )
    skip_damaged: bool = setting("For a folder: skip files that cannot be read", default=False)
    stream: bool = setting(
        "For an .npy or uncompressed .npz file, or sat-4: leave training images there and read each batch on demand",
        default=False,
    )
    test_fraction: float | None = setting(
        "Fraction of the images or rows to hold out if there are none for testing; None takes a tenth",
        default=None,
        minimum=0,
        maximum=0.9,
    )

    def whole(self) -> DataSettings:
        """Return the settings of the same data without the draw."""
        return replace(self, num_images=None, subset_seed=0)

    def to_table(self, *, of_images: bool) -> dict[str, Any]:
        """Return the settings that have an effect on these data, in a form that TOML can hold."""
        others = _OF_TABLES if of_images else _OF_IMAGES
        return {name: value for name, value in self.to_dict().items() if name not in others}

    @property
    def is_table(self) -> bool:
        """Whether the data are a table.

        Raises:
            DatasetError: If the file is damaged.
        """
        from qiskit_qgen.datasets.loading import is_known
        from qiskit_qgen.datasets.tables import is_table_file

        return self.name is not None and not is_known(self.name) and is_table_file(expanded(self.name), self.key)

    def load(self, split: str = "train") -> Any:
        """Return a part of the data set, images or a table.

        Raises:
            ArgumentError: If the name or an option is wrong, or an option has no effect on these data.
            DatasetError: If the data are missing or damaged.
        """
        from qiskit_qgen.datasets import load_dataset, load_table

        given = self.to_dict()
        others = _OF_IMAGES if self.is_table else _OF_TABLES
        for option in others:
            if given.pop(option) != getattr(type(self), option):
                kind = "a table" if self.is_table else "images"
                raise ArgumentError(f"Argument `{option}` has no effect on {kind}: leave it out.")
        if not self.is_table:
            return load_dataset(**given, split=split)
        number = given.pop("num_images")
        return load_table(**given, num_rows=number, split=split)


def samples_of(data: Any) -> Any:
    """Return the images or rows of a data set, a tensor (N, ...)."""
    return data.rows if unit_of(data) == "rows" else data.images


def in_memory(data: Any) -> Any:
    """Return a data set for scores, whose images are in memory: of images that stay in their file, 10,000 at most."""
    from qiskit_qgen.datasets.streamed import StreamedImages, whole
    from qiskit_qgen.datasets.subsets import subset_rows

    if unit_of(data) == "rows" or not isinstance(data.images, StreamedImages):
        return data
    if len(data) > MOST_IN_MEMORY:
        note(f"Scores use a draw of {MOST_IN_MEMORY:,} of the {len(data):,} training images, which stay in their file.")
        data = data.take(subset_rows(len(data), MOST_IN_MEMORY, 0))
    return replace(data, images=whole(data.images))


def unit_of(data: Any) -> str:
    """Return the unit of a data set: "images" or "rows"."""
    from qiskit_qgen.datasets import TableDataset

    return "rows" if isinstance(data, TableDataset) else "images"
