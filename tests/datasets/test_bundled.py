import hashlib

import numpy as np
import pytest
import sklearn.datasets
import torch

import qiskit_qgen.datasets
from qiskit_qgen.datasets import load_dataset
from qiskit_qgen.datasets.idx import read_idx
from qiskit_qgen.datasets.idx_collections import FASHION_MNIST, FILES


def as_bytes(image):
    return (image * 255).round().to(torch.uint8).numpy().tobytes()


def test_digits_are_those_of_scikit_learn_once_each():
    train, test = load_dataset("digits"), load_dataset("digits", split="test")
    assert train.images.shape == (1442, 1, 8, 8)
    assert test.images.shape == (355, 1, 8, 8)
    assert train.class_names == test.class_names == tuple("0123456789")
    original = sklearn.datasets.load_digits()
    # Every fifth of each class, and nothing else, is for testing; both keep the order of the files.
    seen = np.zeros(10, dtype=int)
    parts = {"train": [], "test": []}
    for image, label in zip(original.images, original.target, strict=True):
        seen[label] += 1
        parts["test" if seen[label] % 5 == 0 else "train"].append((image, label))
    for dataset in (train, test):
        images, labels = zip(*parts[dataset.split], strict=True)
        assert np.array_equal(dataset.images[:, 0].numpy() * 16, images)
        assert dataset.labels.tolist() == list(labels)


def test_the_bundled_part_of_fashion_mnist_is_balanced_and_without_repetition():
    train, test = load_dataset("fashion-mnist-mini"), load_dataset("fashion-mnist-mini", split="test")
    assert train.images.shape == (7000, 1, 28, 28)
    assert test.images.shape == (1000, 1, 28, 28)
    assert train.labels.bincount().tolist() == [700] * 10
    assert test.labels.bincount().tolist() == [100] * 10
    assert train.class_names == test.class_names
    assert train.class_names[9] == "Ankle boot"
    assert train.name == "fashion-mnist-mini"
    for dataset in (train, test):
        assert dataset.images.dtype == torch.float32
        assert dataset.labels.dtype == torch.int64
        assert dataset.images.amin() == 0
        assert dataset.images.amax() == 1
    assert not {as_bytes(image) for image in train.images} & {as_bytes(image) for image in test.images}


def test_the_shipped_file_is_small_and_comes_with_its_licence():
    from importlib.resources import files

    folder = files(qiskit_qgen.datasets) / "files"
    assert len((folder / "fashion-mnist-mini.npz").read_bytes()) <= 3_500_000
    licence = (folder / "LICENSE.fashion-mnist").read_text(encoding="utf-8")
    assert "The MIT License (MIT)" in licence
    assert "Copyright (c) 2017 Zalando SE" in licence
    assert "The above copyright notice and this permission notice shall be included" in licence


def test_the_shipped_images_have_not_changed():
    digest = hashlib.sha256()
    for split in ("train", "test"):
        dataset = load_dataset("fashion-mnist-mini", split=split)
        digest.update(as_bytes(dataset.images))
        digest.update(bytes(dataset.labels.tolist()))
    assert digest.hexdigest() == "77a19503f1881e928d3dcd4a1185174ff123b49ec79745fb2d34ea1a1c7b762f"


@pytest.mark.skipif(not FASHION_MNIST.installed.is_dir(), reason="needs the complete Fashion-MNIST")
@pytest.mark.parametrize(("split", "count"), [("train", 700), ("test", 100)])
def test_the_shipped_images_are_the_first_of_each_class(split, count):
    images, labels = (read_idx(FASHION_MNIST.installed / name) for name in FILES[split])
    chosen, seen = [], [0] * 10
    for index, label in enumerate(labels.tolist()):
        if seen[label] < count:
            chosen.append(index)
        seen[label] += 1
    dataset = load_dataset("fashion-mnist-mini", split=split)
    assert dataset.labels.tolist() == labels[chosen].tolist()
    assert as_bytes(dataset.images) == images[chosen].tobytes()
