"""A folder of pictures, flat or with one sub-folder for each class."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qiskit_qgen.datasets.image_dataset import ImageDataset
from qiskit_qgen.datasets.reading import check_fits_memory, reading
from qiskit_qgen.datasets.subsets import subset_rows
from qiskit_qgen.exceptions import DatasetError

if TYPE_CHECKING:
    from PIL.Image import Image

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
"""The endings of files that are read; others are ignored, as are names that begin with a dot."""

# Only these decoders run: Pillow's others start programs (EPS) or are rarely used and so rarely tested.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
_MODES = {"L": "grey", "RGB": "RGB", "RGBA": "RGBA"}
_SPLITS = {"train": "train", "test": "test", "val": "val", "valid": "val", "validation": "val"}
_SIXTEEN_BITS = re.compile(r";16[BLN]")  # in the name that Pillow has for the layout of stored colours


def load_image_folder(folder: Path, split: str, num_images: int | None = None, subset_seed: int = 0) -> ImageDataset:
    """Return the pictures in ``folder``, sorted by name.

    Pictures directly in the folder have no labels. Pictures in sub-folders have their sub-folder's name as class;
    labels count the classes from 0 in the order of their names. If the folder has two of the sub-folders ``train``,
    ``test`` and ``val`` (or ``valid``, ``validation``), or one of them and no other, then ``split`` says in which of
    them to look for either, and the classes are those of all together.

    Black-and-white pictures become grey, palettes RGB, those of one transparent colour RGBA, and cameras' orientation
    marks are applied; nothing else is converted. More than 8 bits are refused.

    Args:
        folder: The folder, which exists.
        split: "train", "val" or "test"; the latter two only if there are such sub-folders.
        num_images: How many are drawn; no others are read. None takes all.
        subset_seed: Seed of that draw.

    Raises:
        ArgumentError: If ``num_images`` or ``subset_seed`` is out of range.
        DatasetError: If there are no pictures or no such split, or a picture cannot be read or is not like the others.
    """
    sub_folders = _list(folder)[1]
    splits = [entry for entry in sub_folders if entry.name.lower() in _SPLITS]
    places = [entry for entry in splits if _SPLITS[entry.name.lower()] == split]
    if not splits or len(splits) == 1 < len(sub_folders):  # a lone "train" may be a class of vehicles
        places, splits = [folder] if split == "train" else [], [folder]
    if len(places) > 1:
        raise DatasetError(f"Folder {folder} holds both {places[0].name!r} and {places[1].name!r}; keep one of them.")
    if not places:
        kind = {"val": "validation", "test": "test"}.get(split, "training")
        raise DatasetError(f"Folder {folder} has no {kind} pictures; give it a sub-folder `{split}` beside the others.")
    place = places[0]
    class_names = sorted({entry.name for part in splits for entry in _list(part)[1]})
    files, labels = _list_labelled(place, class_names)
    rows = subset_rows(len(files), num_images, subset_seed)
    if rows is not None:
        files, labels = [files[row] for row in rows.tolist()], None if labels is None else labels[rows]
    images = torch.from_numpy(_read_all(files, folder))
    names = tuple(class_names) if labels is not None else None
    return ImageDataset(images, labels, folder.resolve().name, split, names)


def _list(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the pictures and the sub-folders in ``folder``, each sorted by name."""
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    pictures = [entry for entry in entries if entry.suffix.lower() in PICTURE_SUFFIXES and entry.is_file()]
    return pictures, [entry for entry in entries if entry.is_dir()]


def _list_labelled(folder: Path, class_names: list[str]) -> tuple[list[Path], Tensor | None]:
    """Return the pictures of ``folder`` and of its classes, and their labels, or None if there are no classes."""
    pictures, classes = _list(folder)
    if not classes:
        if not pictures:
            raise DatasetError(
                f"Folder {folder} holds no pictures; the endings that are read are {', '.join(PICTURE_SUFFIXES)}."
            )
        return pictures, None
    if pictures:
        raise DatasetError(
            f"Folder {folder} holds both pictures ({pictures[0].name}) and sub-folders ({classes[0].name}); "
            "put every picture into the sub-folder of its class, or remove the sub-folders."
        )
    labels = []
    for folder_of_class in classes:
        members, deeper = _list(folder_of_class)
        if deeper or not members:
            fault = f"a sub-folder ({deeper[0].name})" if deeper else "no pictures"
            raise DatasetError(f"Folder {folder_of_class} of a class must hold pictures only, but holds {fault}.")
        pictures += members
        labels += [class_names.index(folder_of_class.name)] * len(members)
    return pictures, torch.tensor(labels, dtype=torch.int64)


def _read_all(files: list[Path], folder: Path) -> NDArray[np.uint8]:
    """Return the pictures, of which none may differ from the first in size or channels, as (N, C, H, W)."""
    first, first_mode = _read_one(files[0])
    check_fits_memory(len(files) * first.size, folder, itemsize=1)
    images = np.empty((len(files), *first.shape), dtype=np.uint8)
    for index, file in enumerate(files):
        image, mode = _read_one(file)
        if image.shape != first.shape:
            raise DatasetError(
                f"Picture {file} is {_describe(image, mode)}, but {files[0].name} is {_describe(first, first_mode)}; "
                "resize or convert the pictures so that all are alike."
            )
        images[index] = image
    return images


def _read_one(file: Path) -> tuple[NDArray[np.uint8], str]:
    """Return one picture as (C, H, W) and its mode."""
    from PIL import Image, ImageOps

    with reading(file, "a picture that Pillow reads"), warnings.catch_warnings():
        # Pillow only warns of pictures of suspicious size, up to twice its limit.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(file, formats=_FORMATS) as opened:
            frames = getattr(opened, "n_frames", 1)
            if frames > 1:
                raise DatasetError(f"Picture {file} has {frames} frames; store each in a file of its own.")
            _check_depth(opened, file)
            image = _convert_mode(ImageOps.exif_transpose(opened), file)
        array = np.asarray(image)
    return np.atleast_3d(array).transpose(2, 0, 1), image.mode


def _check_depth(image: Image, file: Path) -> None:
    """Raise if Pillow would cut colours of 16 bits to 8."""
    tiles = getattr(image, "tile", [])
    cut = any(_SIXTEEN_BITS.search(str(tile)) or (tile[0].startswith("ppm") and tile[3][-1] > 255) for tile in tiles)
    if cut and image.mode in _MODES:
        raise DatasetError(f"Picture {file} has 16 bits a colour; store it as 8-bit grey, RGB or RGBA, or as an array.")


def _convert_mode(image: Image, file: Path) -> Image:
    """Return ``image`` in one of the modes that are read, if that loses nothing."""
    if "transparency" in image.info and image.mode in ("1", "L", "P", "RGB"):
        return image.convert("RGBA")
    if image.mode in ("1", "P"):
        return image.convert("L" if image.mode == "1" else "RGB")
    if image.mode not in _MODES:
        raise DatasetError(f"Picture {file} has the mode {image.mode!r}; store it as 8-bit grey, RGB or RGBA.")
    return image


def _describe(image: NDArray[np.uint8], mode: str) -> str:
    return f"{_MODES[mode]} of {image.shape[2]} x {image.shape[1]} pixels"
