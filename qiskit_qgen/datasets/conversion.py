"""Converts images of any size and mode to a common size and mode with Pillow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from qiskit_qgen._checks import check_choice, check_int
from qiskit_qgen.exceptions import ArgumentError

if TYPE_CHECKING:
    from PIL import Image

MODES = ("L", "RGB", "RGBA")
"""Pillow's names of the modes that images can be converted to: grey, colour, and colour with transparency."""

_WHITE = (255, 255, 255, 255)
_SIXTEEN_TO_EIGHT = 65535 / 255


@dataclass(frozen=True)
class ImageConversion:
    """How each image of a folder is converted so that all are alike.

    Args:
        image_size: Side in pixels, or (height, width); None keeps the sizes. Images are resized with Lanczos' filter,
            which averages when it shrinks them.
        mode: "L" (grey), "RGB" or "RGBA"; None keeps the modes. Transparent images are placed on white unless the mode
            is "RGBA"; 16-bit values are rounded to 8 bits; an animation yields its first frame.
        crop: "center" crops both sides to the new proportions; None changes the proportions.

    Raises:
        ArgumentError: If a value is out of range or has no effect.
    """

    image_size: int | tuple[int, int] | None = None
    mode: str | None = None
    crop: Literal["center"] | None = "center"

    def __post_init__(self) -> None:
        size = self.image_size
        if size is None:
            if self.crop is None:
                raise ArgumentError("Argument `crop` has no effect without `image_size`: leave it out.")
        elif isinstance(size, (tuple, list)):
            if len(size) != 2:
                raise ArgumentError(f"Argument `image_size` must be a side or (height, width), but is {size!r}.")
            height, width = (check_int("image_size", side, minimum=2) for side in size)
            object.__setattr__(self, "image_size", (height, width))
        else:
            side = check_int("image_size", size, minimum=2)
            object.__setattr__(self, "image_size", (side, side))
        if self.mode is not None:
            check_choice("mode", self.mode, MODES)
        if self.crop is not None:
            check_choice("crop", self.crop, ("center",))

    def __call__(self, image: Image.Image) -> Image.Image:
        """Return the converted ``image``, which has at most 16 bits."""
        from PIL import Image, ImageOps

        if self.mode is not None:
            image = _in_mode(image, self.mode)
        if self.image_size is None:
            return image
        height, width = self.image_size  # type: ignore[misc]  # a pair since it was checked
        lanczos = Image.Resampling.LANCZOS
        if self.crop is None:
            return image.resize((width, height), lanczos)
        return ImageOps.fit(image, (width, height), lanczos)


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    """Return ``image`` in ``mode``, one of ``MODES``."""
    from PIL import Image

    if image.mode.startswith("I"):  # 16-bit grey, which Pillow would clip at 255
        image = Image.fromarray(np.rint(np.asarray(image) / _SIXTEEN_TO_EIGHT).astype(np.uint8))
    if "transparency" in image.info or image.mode in ("LA", "La", "PA", "RGBa"):
        image = image.convert("RGBA")
    if image.mode == "RGBA" and mode != "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, _WHITE), image)
    if image.mode not in MODES:
        image = image.convert("RGB")
    return image if image.mode == mode else image.convert(mode)
