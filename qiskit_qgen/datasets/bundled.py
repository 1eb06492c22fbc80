"""Data sets that need no download.

``digits``: the 1,797 images of scikit-learn's ``load_digits`` (8 x 8, values 0 to 16, here divided by 16). In each
class, in file order, every fifth image (the fifth, tenth, ...) is a test image: 1,442 train and 355 test images.

``fashion-mnist-mini``: the first 700 images of each class of Fashion-MNIST's train files and the first 100 of each
class of its test files, in the order of those files: 7,000 train and 1,000 test images of 28 x 28. They are stored in
``files/fashion-mnist-mini.npz`` as uint8 arrays ``train_images`` (7000, 28, 28), ``train_labels``, ``test_images`` and
``test_labels``. MIT licence, copyright (c) 2017 Zalando SE: ``files/LICENSE.fashion-mnist``. Source: arXiv 1708.07747.
"""

from __future__ import annotations

from importlib.resources import as_file, files

import numpy as np

from qiskit_qgen.datasets.array_files import load_array_file
from qiskit_qgen.datasets.image_dataset import ImageDataset

FASHION_MNIST_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
"""The names of Fashion-MNIST's labels 0 to 9."""

_DIGITS_TEST_EVERY = 5


def load_digits(split: str) -> ImageDataset:
    """Return scikit-learn's digits: 1,442 train or 355 test images of shape (1, 8, 8)."""
    from sklearn.datasets import load_digits as load_from_sklearn

    digits = load_from_sklearn()
    labels = digits.target
    is_test = np.zeros(len(labels), dtype=bool)
    for label in range(10):
        is_test[np.flatnonzero(labels == label)[_DIGITS_TEST_EVERY - 1 :: _DIGITS_TEST_EVERY]] = True
    chosen = is_test if split == "test" else ~is_test
    names = tuple(str(label) for label in range(10))
    return ImageDataset(digits.images[chosen] / 16.0, labels[chosen], "digits", split, names)


def load_fashion_mnist_mini(split: str) -> ImageDataset:
    """Return the bundled part of Fashion-MNIST: 7,000 train or 1,000 test images of shape (1, 28, 28)."""
    with as_file(files("qiskit_qgen.datasets") / "files" / "fashion-mnist-mini.npz") as path:
        return load_array_file(path, split, name="fashion-mnist-mini", class_names=FASHION_MNIST_CLASSES)
