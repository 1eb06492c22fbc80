"""Reads image files into one array, and reports all that is wrong with any of them at once, with the fix."""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from qiskit_qgen.datasets.conversion import MODES, ImageConversion
from qiskit_qgen.datasets.reading import check_fits_memory, reading
from qiskit_qgen.datasets.zipped import ZippedEntry
from qiskit_qgen.exceptions import DatasetError

if TYPE_CHECKING:
    from PIL import Image

ImageFile: TypeAlias = Path | ZippedEntry
"""An image file or a folder of image files, on disk or in a zip archive."""

_LOGGER = logging.getLogger(__name__)

# Only these decoders run: Pillow's others start programs (EPS) or are rarely used and so rarely tested.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
_SIXTEEN_BITS = re.compile(r";16[BLN]")  # in the name that Pillow has for the layout of stored colours
_NAMES = {"L": "grey"}
_LISTED = 3  # the most files that a message lists
_WITHOUT_UNIT = {"F": "in floating point", "I": "of 32 bits"}  # by mode: kinds that no conversion supports
_USUAL_SIZE = 32


@dataclass(frozen=True, eq=False)
class HeldImage:
    """An image in memory, with its name in messages."""

    name: str
    image: Image.Image


def read_images(
    files: Sequence[ImageFile],
    subject: str,
    conversion: ImageConversion,
    *,
    skip_damaged: bool,
    others: Sequence[ImageFile] = (),
) -> tuple[NDArray[np.uint8], list[int]]:
    """Return images (N, C, H, W), and which of ``files`` they are.

    Args:
        files: At least one file.
        subject: Where the images are, as the beginning of messages: "Folder cats".
        conversion: How to make them alike.
        skip_damaged: Skip files that cannot be read, with a warning, instead of refusing them all.
        others: The folder's other files. They are checked if anything is wrong, so that the message lists everything.

    Raises:
        DatasetError: If images differ in size or mode, are of a kind that the conversion does not support, or a file
            cannot be read; the message lists every kind of fault in all files. Also if they do not fit into memory.
    """
    if isinstance(conversion.image_size, tuple):
        height, width = conversion.image_size
        check_fits_memory(len(files) * height * width, subject, itemsize=1)
    collector = ImageCollector(subject, len(files), conversion, skip_damaged=skip_damaged)
    for file in files:
        collector.add(file)
    return collector.images(others)


class ImageCollector:
    """Reads images one by one into one array, and records everything that prevents this.

    Args:
        subject: Where the images come from, as the beginning of messages: "Folder cats".
        number: How many there are.
        conversion: How to make them alike.
        skip_damaged: Skip files that cannot be read, with a warning, instead of refusing them all.
        remedy: How to pass settings; "{}" stands for the settings.
    """

    def __init__(
        self,
        subject: str,
        number: int,
        conversion: ImageConversion,
        *,
        skip_damaged: bool = False,
        remedy: str = "Pass {} to load them.",
    ) -> None:
        self._subject, self._number, self._conversion = subject, number, conversion
        self._skip_damaged, self._remedy = skip_damaged, remedy
        self._damaged: list[tuple[str, str]] = []  # names and errors
        self._refused: dict[str, list[str]] = defaultdict(list)  # by kind, of images that are not 8-bit grey or colour
        self._modes: dict[str, list[str]] = defaultdict(list)
        self._sizes: set[tuple[int, int]] = set()  # width, height
        self._images = np.empty((0, 0, 0, 0), np.uint8)
        self._kept: list[int] = []
        self._seen = 0

    def add(self, source: ImageFile | HeldImage) -> None:
        """Take the next image.

        Raises:
            DatasetError: If all images together do not fit into memory.
        """
        image = self._read(source)
        self._seen += 1
        if image is None or self._is_serious:
            return
        if not self._kept:
            check_fits_memory(self._number * image.size, self._subject, itemsize=1)
            self._images = np.empty((self._number, *image.shape), np.uint8)
        self._images[len(self._kept)] = image
        self._kept.append(self._seen - 1)

    def images(self, others: Sequence[ImageFile] = ()) -> tuple[NDArray[np.uint8], list[int]]:
        """Return the images (N, C, H, W), and which of the added images they are.

        Raises:
            DatasetError: If anything is wrong; the message lists everything, including the faults of ``others``.
        """
        if self._is_serious or (self._damaged and not self._skip_damaged):
            for other in others:
                self._read(other)
        self._report()
        return self._images[: len(self._kept)], self._kept

    @property
    def _is_serious(self) -> bool:
        """Whether the images read so far cannot form one array, even without the damaged ones."""
        return bool(self._refused) or len(self._modes) > 1 or len(self._sizes) > 1

    @property
    def _damaged_names(self) -> list[str]:
        return [name for name, _ in self._damaged]

    def _read(self, file: ImageFile | HeldImage) -> NDArray[np.uint8] | None:
        """Return an image as (C, H, W), or None if something is wrong with it."""
        try:
            image, kind = _open(file, self._conversion)
        except DatasetError as error:
            self._damaged.append((file.name, str(error)))
            return None
        if kind:
            self._refused[kind].append(file.name)
            return None
        self._modes[image.mode].append(file.name)
        self._sizes.add(image.size)
        return np.atleast_3d(np.asarray(image)).transpose(2, 0, 1)

    def _report(self) -> None:
        """Raise if anything is wrong, with all faults in one sentence; warn about damaged files that are skipped."""
        if not self._is_serious:
            if self._skip_damaged and self._modes and self._damaged:
                _LOGGER.warning("%s: left out %s.", self._subject, _count(self._damaged_names, "damaged"))
            elif self._damaged:
                raise DatasetError(self._damaged_alone())
            return
        found, remedies = [], []
        if len(self._sizes) > 1:
            (_, low), (_, high) = (limit((w * h, (w, h)) for w, h in sorted(self._sizes)) for limit in (min, max))
            found.append(f"{len(self._sizes)} sizes from {low[0]} x {low[1]} to {high[0]} x {high[1]} pixels")
            remedies.append(f"image_size={min(_USUAL_SIZE, *map(min, self._sizes))}")
        if len(self._modes) > 1 or self._refused:
            found += [_count(files, _NAMES.get(mode, mode)) for mode, files in self._modes.items()]
            found += [_count(files, kind) for kind, files in self._refused.items()]
            if len(self._modes) > 1 or set(self._refused) - set(_WITHOUT_UNIT.values()):
                grey = not self._refused and set(self._modes) == {"L"}
                remedies.append(f"mode={'L' if grey else 'RGB'!r}")
        if self._damaged:
            found.append(_count(self._damaged_names, "damaged"))
            remedies += [] if self._skip_damaged else ["skip_damaged=True"]
        text = f"{self._subject} holds images that are not alike: {'; '.join(found)}."
        if remedies:
            text += f" {self._remedy.format(', '.join(remedies))}"
        if any(kind in self._refused for kind in _WITHOUT_UNIT.values()):
            text += " Store floating point and 32 bits as an array in an .npy file."
        raise DatasetError(text)

    def _damaged_alone(self) -> str:
        if self._skip_damaged:
            return f"{self._subject} holds no image that can be read: {_count(self._damaged_names, 'damaged')}."
        first, *others = (error for _, error in self._damaged)
        if not others:
            return f"{first.removesuffix('.')}; pass skip_damaged=True to leave it out."
        listed = _count(self._damaged_names, "damaged images")
        return f"{self._subject} holds {listed}; pass skip_damaged=True to leave them out. The first: {first}"


def _open(file: ImageFile | HeldImage, conversion: ImageConversion) -> tuple[Image.Image, str]:
    """Return the converted image in ``file``, and the kind that prevents loading it, if any."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    converts = conversion.mode is not None
    if isinstance(file, HeldImage):
        if getattr(file.image, "n_frames", 1) > 1 and not converts and conversion.image_size is None:
            return file.image, "animated"
        with reading(Path(file.name), "an image that Pillow reads"):
            return _alike(ImageOps.exif_transpose(file.image), conversion, is_cut=_is_cut(file.image))
    with reading(str(file), "an image that Pillow reads"), warnings.catch_warnings():
        # Pillow only warns about images of suspicious size, up to twice its limit.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        source = file if isinstance(file, Path) else io.BytesIO(file.read_bytes())
        try:
            found = Image.open(source, formats=_FORMATS)
        except UnidentifiedImageError as error:
            raise ValueError(f"it begins as none of {', '.join(_FORMATS)}") from error
        with found as opened:
            if getattr(opened, "n_frames", 1) > 1 and not converts and conversion.image_size is None:
                return opened, "animated"
            cut = _is_cut(opened)
            image = ImageOps.exif_transpose(opened)
        return _alike(image, conversion, is_cut=cut)


def _alike(image: Image.Image, conversion: ImageConversion, *, is_cut: bool) -> tuple[Image.Image, str]:
    """Return the converted image, and the kind that prevents loading it, if any."""
    if image.mode in _WITHOUT_UNIT and not (image.mode == "I" and _fits_16_bits(image)):
        return image, _WITHOUT_UNIT[image.mode]
    if conversion.mode is None:
        if is_cut or image.mode.startswith("I"):
            return image, "of 16 bits"
        image = _without_loss(image)
        if image.mode not in MODES:
            return image, image.mode
    return conversion(image), ""


def _is_cut(image: Image.Image) -> bool:
    """Whether Pillow reduces 16-bit colours to 8 bits."""
    tiles = getattr(image, "tile", [])
    cut = any(_SIXTEEN_BITS.search(str(tile)) or (tile[0].startswith("ppm") and tile[3][-1] > 255) for tile in tiles)
    return cut and image.mode in MODES


def _fits_16_bits(image: Image.Image) -> bool:
    values = np.asarray(image)
    return bool(values.min() >= 0 and values.max() < 2**16)


def _without_loss(image: Image.Image) -> Image.Image:
    """Return ``image`` in one of ``MODES`` if that loses no information."""
    if "transparency" in image.info and image.mode in ("1", "L", "P", "RGB"):
        return image.convert("RGBA")
    return image.convert({"1": "L", "P": "RGB"}[image.mode]) if image.mode in ("1", "P") else image


def _count(names: Sequence[str], kind: str) -> str:
    """Return how many images are of a kind, and the first of them: "4 grey (a.png, b.png, c.png, ...)"."""
    more = ", ..." if len(names) > _LISTED else ""
    return f"{len(names)} {kind} ({', '.join(names[:_LISTED])}{more})"
