"""The one door to all data sets."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from torch import Tensor

from qiskit_qgen._checks import check_choice, check_type
from qiskit_qgen._typing import PathLike
from qiskit_qgen.datasets.array_files import ARRAY_SUFFIXES, load_array_file
from qiskit_qgen.datasets.bundled import load_digits, load_fashion_mnist_mini
from qiskit_qgen.datasets.cifar import load_cifar10
from qiskit_qgen.datasets.fashion_mnist import load_fashion_mnist
from qiskit_qgen.datasets.image_dataset import ImageDataset
from qiskit_qgen.datasets.image_folder import load_image_folder
from qiskit_qgen.datasets.images import ImageData, convert_images
from qiskit_qgen.exceptions import ArgumentError, DatasetError

DATASET_NAMES = ("digits", "fashion-mnist-mini", "fashion-mnist", "cifar-10")
"""The data sets that are known by name."""


def load_dataset(name: PathLike | ImageData, *, split: str = "train", data_dir: PathLike | None = None) -> ImageDataset:
    """Load a data set of images by its name, or a person's own pictures.

    =========================  =========================================================================================
    ``"digits"``               scikit-learn's handwritten digits: 1,442 train, 355 test, 1 x 8 x 8
    ``"fashion-mnist-mini"``   a class-balanced part of it within this package: 7,000 train, 1,000 test, 1 x 28 x 28
    ``"fashion-mnist"``        all of it: 60,000 train, 10,000 test; from ``data_dir``, from Debian's package
                               ``dataset-fashion-mnist``, or downloaded once (30 MB) into the user's cache
    ``"cifar-10"``             50,000 train, 10,000 test, 3 x 32 x 32; from ``data_dir``, in the binary or the python
                               form, which is not executed, or downloaded once (170 MB) into the user's cache
    a folder                   pictures (png, jpg, bmp, gif, tif, webp, pgm, ppm) of one size and mode: directly in it
                               (no labels), in a sub-folder for each class, or either of these in ``train`` and ``test``
    an ``.npz`` file           arrays ``images`` and perhaps ``labels``; or ``train_images``, ``train_labels``,
                               ``test_images``, ``test_labels``; or ``x_train``, ``y_train``, ``x_test``, ``y_test``
    an ``.npy`` file           the images
    a ``.pt`` file             a tensor of images, or a dict of tensors with the names of ``.npz``; never unpickled
    a tensor or array          the images
    =========================  =========================================================================================

    Files, tensors and arrays hold uint8 from 0 to 255 or floating point from 0 to 1, in one of the shapes that
    :func:`as_images` describes. A known name wins over a path of that name; write ``./digits`` for the path.

    Args:
        name: What to load.
        split: "train" or "test". One's own pictures have the split "test" only where they say what is for testing.
        data_dir: A folder with the files of ``"fashion-mnist"``, gzipped or not, or of ``"cifar-10"``; of no use for
            anything else.

    Returns:
        The images with their labels and class names, as far as there are any.

    Raises:
        ArgumentTypeError: If ``name`` or ``data_dir`` has another type.
        ArgumentError: If ``name`` is neither known nor an existing path, ``split`` is another text, or ``data_dir`` is
            given for anything but ``"fashion-mnist"`` and ``"cifar-10"``.
        DatasetError: If the data are missing, damaged, of the wrong shape or type, or out of range, or have no test
            split.

    Example:
        >>> load_dataset("digits", split="test")
        ImageDataset('digits', 'test', images of shape (355, 1, 8, 8), 10 classes)
    """
    check_choice("split", split, ("train", "test"))
    check_type("name", name, (str, os.PathLike, Tensor, np.ndarray), "a name, a path, a tensor or a numpy array")
    check_type("data_dir", data_dir, (str, os.PathLike, type(None)), "a path or None")
    if isinstance(name, str) and name == "fashion-mnist":
        return load_fashion_mnist(split, data_dir)
    if isinstance(name, str) and name == "cifar-10":
        return load_cifar10(split, data_dir)
    if data_dir is not None:
        raise ArgumentError("Argument `data_dir` must be None unless `name` is 'fashion-mnist' or 'cifar-10'.")
    if isinstance(name, (Tensor, np.ndarray)):
        return _from_memory(name, split)
    if isinstance(name, str) and name == "digits":
        return load_digits(split)
    if isinstance(name, str) and name == "fashion-mnist-mini":
        return load_fashion_mnist_mini(split)
    return _from_path(name, split)


def _from_memory(data: ImageData, split: str) -> ImageDataset:
    if split == "test":
        raise DatasetError("A tensor or array has no test pictures; ask for split='train'.")
    images = convert_images(data, "Argument `name`")
    return ImageDataset(images, None, "tensor" if isinstance(data, Tensor) else "array", split)


def _from_path(name: PathLike, split: str) -> ImageDataset:
    path = Path(name)
    if path.is_dir():
        return load_image_folder(path, split)
    if not path.is_file():
        known = ", ".join(repr(known) for known in DATASET_NAMES)
        raise ArgumentError(
            f"Argument `name` must be one of {known}, or the path of a folder or file of pictures, "
            f"but is {os.fspath(name)!r}, and there is no such file or folder."
        )
    if path.suffix.lower() not in ARRAY_SUFFIXES:
        raise DatasetError(
            f"File {path} must be of one of the types {', '.join(ARRAY_SUFFIXES)}; "
            "for pictures pass the folder that holds them."
        )
    return load_array_file(path, split)
