"""The data of a run: the table [data] of a settings file, and what a command reads of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from qiskit_qgen._checks import expanded
from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.exceptions import ArgumentError

_OF_IMAGES = ("data_dir", "image_size", "mode", "crop", "skip_damaged")
_OF_TABLES = ("columns",)


class DataSettings(Settings):
    """The table [data]."""

    name: str | None = setting(
        "A known data set, a folder of images or its .zip, or a file of images or of a table", default=None
    )
    data_dir: str | None = setting(
        "Where the files of a known data set are; None looks in the usual places", default=None
    )
    num_images: int | None = setting(
        "Number of images or rows to draw for the training; None takes all", default=None, minimum=1
    )
    subset_seed: int = setting("Seed of that draw", default=0, minimum=0)
    key: str | None = setting("Of an .npz or .pt file: name of the array; None looks for the usual ones", default=None)
    columns: tuple[str, ...] | None = setting("Of a table: the columns to take; None takes all", default=None)
    image_size: int | tuple[int, int] | None = setting(
        "Of a folder: side in pixels, or (height, width), to resize images to; None keeps their size",
        default=None,
        minimum=2,
    )
    mode: Literal["L", "RGB", "RGBA"] | None = setting(
        "Of a folder: grey, colours or colours with transparency, to convert images to; None keeps their mode",
        default=None,
    )
    crop: Literal["center"] | None = setting(
        "Of a folder: cut images to the proportions of `image_size`; None changes the proportions", default="center"
    )
    skip_damaged: bool = setting("Of a folder: leave out files that cannot be read", default=False)
    test_fraction: float | None = setting(
        "Share of the images or rows that is held out where there are none for testing; None takes a tenth",
        default=None,
        minimum=0,
        maximum=0.9,
    )

    def whole(self) -> DataSettings:
        """Return the settings of the same data without a draw."""
        return replace(self, num_images=None, subset_seed=0)

    def to_table(self, *, of_images: bool) -> dict[str, Any]:
        """Return the settings that have an effect on such data, as TOML can hold them."""
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
            ArgumentError: If the name or an option is wrong, or has no effect on such data.
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


def unit_of(data: Any) -> str:
    """Return what a data set holds: "images" or "rows"."""
    from qiskit_qgen.datasets import TableDataset

    return "rows" if isinstance(data, TableDataset) else "images"
