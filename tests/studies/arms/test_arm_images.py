import numpy as np
import pytest
import torch

from qiskit_qgen import load_dataset
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.studies.arms.images import ImageSelection


def test_seeds_move_the_subset_and_no_trial_sees_a_held_out_image():
    images = ImageSelection(name="digits", labels=[3, 5], held_out=50, validation=40).load()
    data = load_dataset("digits")
    wanted = data.images[(data.labels == 3) | (data.labels == 5)]
    both = torch.cat(images).flatten(1)
    assert sorted(map(tuple, both.tolist())) == sorted(map(tuple, wanted.flatten(1).tolist()))
    assert (len(images.held_out), len(images.validation)) == (50, 40)
    small, large, other = images.rows(5, 0), images.rows(20, 0), images.rows(5, 1)
    assert large[:5].equal(small)
    assert not other.equal(small)
    assert len(set(large.tolist())) == 20


def test_images_are_resized_to_a_side_and_otherwise_left_alone():
    as_they_are = ImageSelection(name="digits", held_out=6).load()
    assert as_they_are.pool.shape[1:] == (1, 8, 8)
    resized = ImageSelection(name="digits", held_out=6, side=16).load()
    assert resized.pool.shape[1:] == resized.held_out.shape[1:] == (1, 16, 16)
    means = [each.mean().item() for each in (as_they_are.pool, resized.pool)]
    assert means[0] == pytest.approx(means[1], rel=0.05)
    assert ImageSelection(name="digits", held_out=6, side=8).load().pool.equal(as_they_are.pool)


def test_data_that_have_changed_are_refused(tmp_path):
    path = tmp_path / "images.npy"
    generator = np.random.default_rng(0)
    np.save(path, generator.random((20, 8, 8), np.float32))
    digest = ImageSelection(name=str(path), held_out=6, validation=4).load().digest()
    assert ImageSelection(name=str(path), held_out=6, validation=4, digest=digest).load().digest() == digest
    np.save(path, generator.random((20, 8, 8), np.float32))
    with pytest.raises(ArgumentError, match="no longer those that this study began with"):
        ImageSelection(name=str(path), held_out=6, validation=4, digest=digest).load()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": [11]}, r"`labels` must hold labels of 'digits', which are \[0, 1, .*, 9\], but is \[11\]"),
        ({"labels": []}, "`labels` must hold distinct values"),
        ({"held_out": 5}, r"`held_out` must be an integer of at least 6, but is 5"),
        (
            {"held_out": 2000},
            r"`held_out` and `validation` must leave at least 2 of the \d+ images, but are 2000 and 200",
        ),
        ({"validation": 1}, "`validation` must be an integer of at least 2, but is 1"),
        ({"side": 4}, "`side` must be an integer from 8"),
    ],
)
def test_a_bad_selection_is_refused(changes, message):
    with pytest.raises(ArgumentError, match=message):
        ImageSelection(**{"name": "digits", **changes}).load()


def test_a_classifier_of_labels_sees_no_image_that_is_held_out():
    selection = ImageSelection(name="digits", labels=[3, 5], held_out=100, validation=20)
    data = selection.labelled()
    rows = set(map(tuple, data.images.flatten(1).tolist()))
    assert rows.isdisjoint(map(tuple, selection.load().held_out.flatten(1).tolist()))
    assert set(data.labels.tolist()) == set(range(10))
    assert len(data.images) == len(load_dataset("digits").images) - 100


def test_data_without_labels_have_no_classifier(tmp_path):
    np.save(tmp_path / "images.npy", np.zeros((30, 8, 8), np.float32))
    with pytest.raises(ArgumentError, match="`extractors` must not name 'labels' with the data"):
        ImageSelection(name=str(tmp_path / "images.npy"), held_out=8, validation=4).labelled()
