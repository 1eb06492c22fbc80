"""SAT-4 from a small file of the same form, which scipy writes."""

import re
import tracemalloc

import numpy as np
import pytest
import scipy.io
import torch

from qiskit_qgen.datasets import load_dataset
from qiskit_qgen.datasets.subsets import subset
from qiskit_qgen.exceptions import ArgumentError

NUMBERS = {"train": 50, "test": 20}


def content(numbers=NUMBERS):
    rng = np.random.default_rng(0)
    arrays = {"annotations": np.array([["1000", "barren land"], ["0100", "trees"]], dtype=object)}
    for split, number in numbers.items():
        arrays[f"{split}_x"] = rng.integers(0, 256, (28, 28, 4, number), np.uint8)
        arrays[f"{split}_y"] = np.eye(4)[:, rng.integers(0, 4, number)]
    return arrays


@pytest.fixture(params=[False, True], ids=["plain", "compressed"])
def path(tmp_path, request):
    path = tmp_path / "sat-4-full.mat"
    scipy.io.savemat(path, content(), do_compression=request.param)
    return path


@pytest.mark.parametrize("split", NUMBERS)
def test_tiles_and_labels_are_those_that_scipy_reads(path, split):
    theirs = scipy.io.loadmat(path)
    for place in (path, path.parent):
        data = load_dataset("sat-4", split=split, data_dir=place)
        assert data.images.shape == (NUMBERS[split], 4, 28, 28)
        expected = theirs[f"{split}_x"].transpose(3, 2, 0, 1).astype(np.float32) / 255
        np.testing.assert_array_equal(data.images.numpy(), expected)
        assert data.labels.tolist() == theirs[f"{split}_y"].argmax(0).tolist()
    assert (data.name, data.split) == ("sat-4", split)
    assert data.class_names == ("barren land", "trees", "grassland", "none")


def test_a_draw_is_the_draw_of_the_whole(path):
    whole = load_dataset("sat-4", data_dir=path)
    data = load_dataset("sat-4", data_dir=path, num_images=13, subset_seed=3)
    assert torch.equal(data.images, subset(whole.images, 13, 3))
    assert torch.equal(data.labels, subset(whole.labels, 13, 3))
    with pytest.raises(ArgumentError, match="`num_images` must be"):
        load_dataset("sat-4", data_dir=path, num_images=51)


@pytest.mark.parametrize("compressed", [False, True])
def test_no_more_than_the_draw_is_in_memory(tmp_path, compressed):
    path = tmp_path / "sat-4-full.mat"
    arrays = content({"train": 12_000})
    scipy.io.savemat(path, arrays, do_compression=compressed)
    size = arrays["train_x"].nbytes
    del arrays
    tracemalloc.start()
    try:
        data = load_dataset("sat-4", data_dir=path, num_images=100)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(data) == 100
    assert size > 35e6
    assert peak < 9e6


def test_the_file_must_be_given_and_be_there(tmp_path, refused):
    assert refused("sat-4") == "SAT-4 has no address to download from: pass the file sat-4-full.mat as `data_dir`."
    assert "sat-4-full.mat does not exist; `data_dir` must be SAT-4's" in refused("sat-4", data_dir=tmp_path)


CHANGES = {
    "no tiles": ({"train_x": None}, "it lacks the variable `train_x`"),
    "no labels": ({"train_y": None}, "it lacks the variable `train_y`"),
    "other tiles": ({"train_x": np.zeros((28, 28, 3, 50), np.uint8)}, r"not a uint8 array of shape \(28, 28, 4, N\)"),
    "doubles": ({"train_x": np.zeros((28, 28, 4, 50))}, "not a uint8 array"),
    "text": ({"train_x": "tiles"}, "not a uint8 array"),
    "other labels": ({"train_y": np.zeros((6, 50))}, r"`train_y` has shape \(6, 50\), not \(4, 50\)"),
    "no label": ({"train_y": np.zeros((4, 50))}, "the columns of `train_y` are not one-hot"),
    "halves": ({"train_y": np.tile([[0.5], [0.5], [0], [0]], 50)}, "the columns of `train_y` are not one-hot"),
    "not a number": ({"train_y": np.full((4, 50), np.nan)}, "the columns of `train_y` are not one-hot"),
    "cells": ({"train_y": np.full((4, 50), "x", object)}, "must be an array of real numbers"),
}


@pytest.mark.parametrize(("change", "message"), CHANGES.values(), ids=CHANGES)
def test_other_files_are_refused(tmp_path, refused, change, message):
    arrays = {name: value for name, value in (content() | change).items() if value is not None}
    path = tmp_path / "sat-4-full.mat"
    scipy.io.savemat(path, arrays)
    assert re.search(message, refused("sat-4", data_dir=path))


def test_truncated_files_are_refused(path, refused):
    whole = path.read_bytes()
    for part in (0, 100, 5_000, len(whole) - 1):
        path.write_bytes(whole[:part])
        assert str(path) in refused("sat-4", data_dir=path)
