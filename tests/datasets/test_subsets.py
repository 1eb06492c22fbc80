"""What is held out is nothing that is trained on, and a seed's alone."""

import pytest
import torch

from qiskit_qgen import load_dataset
from qiskit_qgen.datasets import ImageDataset, hold_out
from qiskit_qgen.exceptions import ArgumentError

IMAGES = (torch.arange(50.0) / 50).reshape(50, 1, 1, 1).expand(50, 1, 2, 2)


def values(data):
    return [round(float(image[0, 0, 0]) * 50) for image in data.images]


def test_two_parts_are_the_whole():
    data = ImageDataset(IMAGES, torch.arange(50), "levels", "train", tuple(map(str, range(50))))
    train, validation = hold_out(data, 12)
    assert (len(train), len(validation)) == (38, 12)
    assert sorted(values(train) + values(validation)) == list(range(50))
    assert values(train) == sorted(values(train))
    for part in (train, validation):
        assert part.labels.tolist() == values(part)
        assert (part.name, part.class_names) == (data.name, data.class_names)
    assert (train.split, validation.split) == ("train", "val")


def test_a_seed_fixes_the_draw():
    data = ImageDataset(IMAGES, None, "levels", "train")
    draws = [values(hold_out(data, 20, seed=seed)[1]) for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]
    assert hold_out(data, 20)[1].labels is None


@pytest.mark.parametrize("number", [0, 1442, -1, 2.5])
def test_something_is_left_on_both_sides(number):
    with pytest.raises(ArgumentError, match="`num_images` must be"):
        hold_out(load_dataset("digits"), number)
