"""Loads every kind of image data set."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from torch import Tensor

from qiskit_qgen._checks import check_choice, check_type, expanded, nearest
from qiskit_qgen._typing import PathLike
from qiskit_qgen.datasets.array_files import ARRAY_SUFFIXES, ArrayDraw, load_array_file
from qiskit_qgen.datasets.array_streams import stream_array_file
from qiskit_qgen.datasets.bundled import load_digits, load_fashion_mnist_mini
from qiskit_qgen.datasets.cifar import load_cifar10
from qiskit_qgen.datasets.conversion import ImageConversion
from qiskit_qgen.datasets.idx_collections import FASHION_MNIST, MNIST
from qiskit_qgen.datasets.image_dataset import ImageDataset
from qiskit_qgen.datasets.image_folder import load_image_folder
from qiskit_qgen.datasets.images import ImageData, convert_images
from qiskit_qgen.datasets.medmnist import MEDMNIST_NAMES, is_medmnist, load_medmnist
from qiskit_qgen.datasets.sat4 import load_sat4
from qiskit_qgen.datasets.subsets import subset_rows
from qiskit_qgen.datasets.table_files import FRAME_SUFFIXES
from qiskit_qgen.datasets.torch_data import is_collection, load_collection
from qiskit_qgen.datasets.zipped import ZIP_SUFFIX
from qiskit_qgen.exceptions import ArgumentError, DatasetError

SPLITS = ("train", "val", "test")
"""The splits that a data set may have."""

_IN_THE_PACKAGE = {"digits": load_digits, "fashion-mnist-mini": load_fashion_mnist_mini}
_IN_FILES: dict[str, Callable[..., ImageDataset]] = {
    "mnist": MNIST.load,
    "fashion-mnist": FASHION_MNIST.load,
    "cifar-10": load_cifar10,
    "sat-4": load_sat4,
}

DATASET_NAMES = (*_IN_THE_PACKAGE, *_IN_FILES, *MEDMNIST_NAMES)
"""The names of the known data sets."""


def load_dataset(
    name: PathLike | ImageData | Any,
    *,
    split: str = "train",
    data_dir: PathLike | None = None,
    num_images: int | None = None,
    subset_seed: int = 0,
    image_size: int | tuple[int, int] | None = None,
    mode: str | None = None,
    crop: Literal["center"] | None = "center",
    skip_damaged: bool = False,
    test_fraction: float | None = None,
    key: str | None = None,
    stream: bool = False,
) -> ImageDataset:
    """Load a known image data set by name, or your own images.

    =========================  =========================================================================================
    ``"digits"``               scikit-learn's handwritten digits: 1,442 train, 355 test, 1 x 8 x 8
    ``"mnist"``                60,000 train, 10,000 test, 1 x 28 x 28; from ``data_dir``, or downloaded once (12 MB)
    ``"fashion-mnist-mini"``   a balanced part of the next within this package: 7,000 train, 1,000 test, 1 x 28 x 28
    ``"fashion-mnist"``        60,000 train, 10,000 test, 1 x 28 x 28; from ``data_dir``, from Debian's package
                               ``dataset-fashion-mnist``, or downloaded once (30 MB)
    ``"cifar-10"``             50,000 train, 10,000 test, 3 x 32 x 32; from ``data_dir``, in the binary or the python
                               form, which is not executed, or downloaded once (170 MB)
    ``"pathmnist"``, ...       the twelve sets of MedMNIST, 1 or 3 x 28 x 28, with "val"; ``"pathmnist-64"``, ``-128``
                               and ``-224`` are larger images; from ``data_dir``, from the folder of the package
                               ``medmnist``, or downloaded once
    ``"sat-4"``                400,000 train, 100,000 test, 4 x 28 x 28; ``data_dir`` is the file ``sat-4-full.mat`` or
                               its folder; with ``num_images``, no more than these are ever in memory
    a folder, or a ``.zip``    images (png, jpg, bmp, gif, tif, webp, pgm, ppm): directly in it (no labels), in a
    of one                     sub-folder for each class, or either of these in two or three of ``train``, ``test``
                               and ``val``; of one size and mode, or made so by ``image_size`` and ``mode``
    an ``.npz`` file           arrays ``images`` and perhaps ``labels``; or ``train_images``, ``train_labels``,
                               ``test_images``, ``test_labels``; or ``x_train``, ``y_train``, ``x_test``, ``y_test``;
                               likewise with ``val``
    an ``.npy`` file           the images
    a ``.pt`` file             a tensor of images, or a dict of tensors with the names of ``.npz``; never unpickled
    a tensor or array          the images
    a data set of torch        whose items are images, or pairs of an image and a label, or dicts of them; also a
                               ``DataLoader``. Images are Pillow's, tensors or arrays
    a ``datasets.Dataset``     of Hugging Face, with a column of images and perhaps one of class labels; of a
                               ``DatasetDict``, ``split``
    =========================  =========================================================================================

    Files, tensors and arrays hold uint8 from 0 to 255 or floating point from 0 to 1, in one of the shapes that
    :func:`as_images` describes. A known name takes precedence over a path of the same name; write ``./digits`` for the
    path. Downloads are checked and kept in the user's cache.

    Args:
        name: What to load.
        split: "train", "val" or "test". Your own images have "val" only if they name such a split. If a folder or file
            has training images but no test images, a tenth is held out for testing, always the same images.
        data_dir: Where the files of a known data set are, if it is not bundled with this package.
        num_images: Number of images to draw from the split; None takes all, in their order.
        subset_seed: Seed of the draw. Equal seeds draw the same images as ``num_images`` and ``subset_seed`` of a
            model's ``fit``, and a smaller draw is the beginning of a larger one.
        image_size: For a folder, its archive, or Pillow images: side in pixels, or (height, width), to which images are
            resized with antialiasing.
        mode: For the same sources: "L" (grey), "RGB" or "RGBA", to which images are converted. Transparent images are
            placed on white unless the mode is "RGBA"; 16-bit values are rounded to 8 bits; an animation yields its
            first frame.
        crop: For the same sources: "center" crops to the proportions of ``image_size``; None changes the proportions.
        skip_damaged: For a folder or its archive: skip files that cannot be read, with a warning that lists them.
        test_fraction: Share to hold out if there are no test images, in [0, 0.9]; None takes a tenth.
        key: For an ``.npz`` or ``.pt`` file: name of the array of images; None looks for the names above.
        stream: Leave the images where they are and read them on demand. Supported for an ``.npy`` or uncompressed
            ``.npz`` file, and for a torch or Hugging Face data set with a length. "sat-4" is then kept as uint8, a
            quarter of the memory.

    Returns:
        The images, with their labels and class names if there are any.

    Raises:
        ArgumentTypeError: If ``name`` or ``data_dir`` has another type.
        ArgumentError: If ``name`` is neither known nor an existing path, ``split`` is unknown, a number is out of
            range, or an option has no effect.
        DatasetError: If the data are missing, damaged, out of range, of the wrong shape or type, or have no such split.

    Example:
        >>> load_dataset("digits", split="test")
        ImageDataset('digits', 'test', images of shape (355, 1, 8, 8), 10 classes)
        >>> len(load_dataset("digits", num_images=100, subset_seed=1))
        100
    """
    check_choice("split", split, SPLITS)
    is_data = is_collection(name)
    kinds = "a name, a path, a tensor, a numpy array or a data set of torch or Hugging Face"
    if not is_data:
        check_type("name", name, (str, os.PathLike, Tensor, np.ndarray), kinds)
    check_type("stream", stream, bool, "True or False")
    check_type("data_dir", data_dir, (str, os.PathLike, type(None)), "a path or None")
    if isinstance(name, (str, os.PathLike)) and os.fspath(name).startswith("~"):
        name = expanded(name)
    data_dir = None if data_dir is None else expanded(data_dir)
    check_type("skip_damaged", skip_damaged, bool, "True or False")
    conversion = ImageConversion(image_size, mode, crop)
    is_folder, is_file = not is_data and _is_folder(name), not is_data and _is_array_file(name)
    if key is not None and not is_file:
        raise ArgumentError("Argument `key` has an effect on an .npz or .pt file alone: leave it out.")
    is_sat4 = isinstance(name, str) and name == "sat-4"
    if stream and not (is_file or is_data or is_sat4):
        raise ArgumentError("Argument `stream` has an effect on .npy, .npz, data sets and 'sat-4' alone: leave it out.")
    if not is_data or skip_damaged or test_fraction is not None:
        _check_effects(conversion, skip_damaged, test_fraction, is_folder=is_folder, is_file=is_file)
    if is_data:
        if data_dir is not None:
            raise ArgumentError("Argument `data_dir` must be None for a data set in memory.")
        data = load_collection(name, split, conversion, "Argument `name`", stream=stream)
        rows = subset_rows(len(data), num_images, subset_seed)
        return data if rows is None else data.take(rows)
    if stream and is_sat4:
        _check_no_validation("sat-4", split)
        return load_sat4(split, data_dir, num_images, subset_seed, stream=True)
    if isinstance(name, str) and name in _IN_FILES:
        _check_no_validation(name, split)
        return _IN_FILES[name](split, data_dir, num_images, subset_seed)
    if isinstance(name, str) and is_medmnist(name):
        return load_medmnist(name, split, data_dir, num_images, subset_seed)
    if data_dir is None and is_folder:
        return load_image_folder(
            Path(cast(PathLike, name)),
            split,
            num_images,
            subset_seed,
            conversion=conversion,
            skip_damaged=skip_damaged,
            test_fraction=test_fraction,
        )
    if data_dir is None and is_file:
        path = Path(cast(PathLike, name))
        if stream:
            draw = ArrayDraw(path, split, num_images, subset_seed, test_fraction, key=key)
            return stream_array_file(path, split, draw)
        return load_array_file(
            path, split, num_images=num_images, subset_seed=subset_seed, test_fraction=test_fraction, key=key
        )
    data = _load(name, split, data_dir)
    rows = subset_rows(len(data), num_images, subset_seed)
    if rows is None:
        return data
    return data.take(rows)


def _load(name: PathLike | ImageData, split: str, data_dir: PathLike | None) -> ImageDataset:
    if data_dir is not None:
        known = ", ".join(map(repr, _IN_FILES))
        raise ArgumentError(f"Argument `data_dir` must be None unless `name` is {known} or a set of MedMNIST.")
    if isinstance(name, (Tensor, np.ndarray)):
        return _from_memory(name, split)
    if isinstance(name, str) and name in _IN_THE_PACKAGE:
        _check_no_validation(name, split)
        return _IN_THE_PACKAGE[name](split)
    raise _no_data(Path(name))


def _check_effects(
    conversion: ImageConversion, skip_damaged: bool, test_fraction: float | None, *, is_folder: bool, is_file: bool
) -> None:
    """Raise if an option does not apply to this kind of data."""
    given = [each.name for each in fields(conversion) if getattr(conversion, each.name) != each.default]
    given += ["skip_damaged"] * skip_damaged
    if given and not is_folder:
        raise ArgumentError(
            f"Argument `{given[0]}` has an effect on a folder of images or its .zip alone: leave it out."
        )
    if test_fraction is not None and not (is_folder or is_file):
        raise ArgumentError("Argument `test_fraction` has an effect on a folder or file of images alone: leave it out.")


def _check_no_validation(name: str, split: str) -> None:
    if split == "val":
        raise DatasetError(f"Data set {name!r} has no validation images; ask for split='train' or 'test'.")


def _from_memory(data: ImageData, split: str) -> ImageDataset:
    if split != "train":
        raise DatasetError(f"A tensor or array has no images of the split {split!r}; ask for split='train'.")
    images = convert_images(data, "Argument `name`")
    return ImageDataset(images, None, "tensor" if isinstance(data, Tensor) else "array", split)


def _no_data(path: Path) -> ArgumentError | DatasetError:
    """Return the error for a path without data."""
    if not path.is_file():
        near = nearest(path, DATASET_NAMES)
        if near not in (None, str(path)):
            return ArgumentError(
                f"Argument `name` must be a known name or the path of a folder or file, but is {str(path)!r}: did you "
                f"mean {near!r}?"
            )
        known = ", ".join(repr(known) for known in DATASET_NAMES)
        return ArgumentError(
            f"Argument `name` must be one of {known}, or the path of a folder or file of images, "
            f"but is {str(path)!r}, and there is no such file or folder."
        )
    if path.suffix.lower() in FRAME_SUFFIXES:
        return DatasetError(f"File {path} is a table: load it with `load_table`.")
    return DatasetError(
        f"File {path} must be of one of the types {', '.join((*ARRAY_SUFFIXES, ZIP_SUFFIX))}; "
        "for images pass the folder that holds them."
    )


def _is_array_file(name: PathLike | ImageData) -> bool:
    path = _path(name)
    return path is not None and path.suffix.lower() in ARRAY_SUFFIXES and path.is_file()


def _is_folder(name: PathLike | ImageData) -> bool:
    path = _path(name)
    return path is not None and (path.is_dir() or (path.suffix.lower() == ZIP_SUFFIX and path.is_file()))


def is_known(name: str) -> bool:
    """Whether this is the name of a known data set."""
    return name in DATASET_NAMES or is_medmnist(name)


def _path(name: PathLike | ImageData) -> Path | None:
    """Return ``name`` as a path, or None if it is a known name or holds the images themselves."""
    known = isinstance(name, str) and (name == "" or is_known(name))
    return None if known or isinstance(name, (Tensor, np.ndarray)) else Path(name)
