import pytest
import torch
from sklearn.linear_model import LogisticRegression

from qiskit_qgen import load_dataset
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.studies.arms import labels
from qiskit_qgen.studies.arms.images import ImageSelection
from qiskit_qgen.studies.arms.labels import label_extractor

SELECTION = ImageSelection(name="digits", labels=[3, 5], held_out=100, validation=20)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("QISKIT_QGEN_CACHE", str(tmp_path))


def test_its_features_tell_labels_of_images_that_it_has_not_seen():
    extractor, images = label_extractor(SELECTION), SELECTION.load()
    data = load_dataset("digits")
    known = {tuple(image.flatten().tolist()): int(label) for image, label in zip(data.images, data.labels, strict=True)}
    sets = [(extractor(part), [known[tuple(row.tolist())] for row in part.flatten(1)]) for part in images]
    (train, classes), _, (held_out, expected) = sets
    assert train.shape[1] == extractor.num_features == 64
    assert LogisticRegression(max_iter=500).fit(train, classes).score(held_out, expected) > 0.95


def test_no_image_that_is_held_out_is_trained_on_and_other_labels_are():
    images, classes = SELECTION.labelled()
    rows = set(map(tuple, images.flatten(1).tolist()))
    assert rows.isdisjoint(map(tuple, SELECTION.load().held_out.flatten(1).tolist()))
    assert set(classes.tolist()) == set(range(10))
    assert len(images) == len(load_dataset("digits").images) - 100


def test_it_is_trained_once_and_the_global_generator_stays(monkeypatch):
    before = torch.get_rng_state()
    first = label_extractor(SELECTION).digest()
    assert torch.get_rng_state().equal(before)
    monkeypatch.setattr(labels, "_train", None)
    assert label_extractor(SELECTION).digest() == first


def test_data_without_labels_are_refused(tmp_path):
    import numpy as np

    np.save(tmp_path / "images.npy", np.zeros((30, 8, 8), np.float32))
    with pytest.raises(ArgumentError, match="`extractors` must not name 'labels' with the data"):
        label_extractor(ImageSelection(name=str(tmp_path / "images.npy"), held_out=8, validation=4))
