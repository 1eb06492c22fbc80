"""Labels of a training: numbers or words, of images or rows."""

import numpy as np
import pandas as pd
import pytest
import torch
from small import hybrid, images, style, table, train

from qiskit_qgen.datasets import ImageDataset
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError

WORDS = ["tree", "sea", "tree", "sea", "sea"] * 4
NUMBERS = [1, 0, 1, 0, 0] * 4


@pytest.mark.parametrize(
    "labels", [WORDS, tuple(WORDS), np.array(WORDS), pd.Series(WORDS), pd.Series(WORDS, dtype="category")]
)
def test_words_name_the_classes_in_alphabetical_order(labels):
    model, other = hybrid(num_classes=2), hybrid(num_classes=2)
    train(model, labels=labels)
    train(other, labels=torch.tensor(NUMBERS))
    assert model.class_names == ("sea", "tree")
    assert other.class_names is None
    assert torch.equal(model.sample(4, labels="tree", seed=0), other.sample(4, labels=1, seed=0))


@pytest.mark.filterwarnings("error")
def test_numbers_may_stand_in_a_list_or_an_array_that_cannot_be_written():
    fixed = np.array(NUMBERS)
    fixed.flags.writeable = False
    found = []
    for labels in (NUMBERS, fixed, pd.Series(NUMBERS)):
        model = table(num_classes=2)
        train(model, torch.rand(20, 2, generator=torch.Generator().manual_seed(1)), labels=labels)
        found.append(model.sample(4, labels=1, seed=0))
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_another_number_of_classes_is_refused():
    with pytest.raises(
        ArgumentError,
        match=r"^The labels name 2 classes \(sea, tree\), but the model has 3: make it with `num_classes=2`\.$",
    ):
        train(style(num_classes=3), labels=WORDS)
    data = ImageDataset(images(), torch.tensor(NUMBERS), "two", "train", ("sea", "tree"))
    with pytest.raises(ArgumentError, match="make it with `num_classes=2`"):
        train(style(num_classes=3), data)
    with pytest.raises(ArgumentError, match="The labels name 3 classes"):
        train(style(num_classes=2), labels=["lake", *WORDS[1:]])


def test_own_labels_of_a_data_set_with_fewer_names_have_none():
    data = ImageDataset(images(), torch.tensor(NUMBERS), "two", "train", ("sea", "tree"))
    model = style(num_classes=4)
    train(model, data, labels=torch.arange(20) % 4)
    assert model.class_names is None


def test_labels_that_are_neither_are_refused():
    with pytest.raises(ArgumentTypeError, match="`labels` must be a label or an array of labels"):
        train(style(num_classes=2), labels=[object()] * 20)
