"""A classifier of the data set's labels as an extractor: it learns, is the same for a seed, and is kept."""

import pytest
import torch

from qiskit_qgen import load_dataset
from qiskit_qgen.datasets import ImageDataset
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.metrics import LabelFeatureExtractor, evaluate_images
from qiskit_qgen.metrics.extractors import label_classifier


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def cache(folder, monkeypatch):
    monkeypatch.setenv("QISKIT_QGEN_CACHE", str(folder))


@pytest.fixture(scope="module")
def extractor(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QISKIT_QGEN_CACHE", str(folder))
        return LabelFeatureExtractor(load_dataset("digits"))


def stripes(number=60):
    labels = torch.arange(number) % 2
    images = torch.rand(number, 1, 8, 8, generator=torch.Generator().manual_seed(0)) / 2
    images[labels == 1, :, ::2] += 0.5
    return ImageDataset(images, labels, "stripes", "train")


def test_it_tells_digits_that_it_has_not_seen(extractor):
    test = load_dataset("digits", split="test")
    features = extractor(test.images)
    assert features.shape == (355, 128)
    found = extractor.logits(features).argmax(1)
    assert float((found == test.labels).double().mean()) > 0.93
    assert extractor.accuracy > 0.93
    assert extractor.name == "digits-labels"


def test_the_result_says_how_well_it_tells_them(extractor):
    test = load_dataset("digits", split="test").images
    scores = evaluate_images(test[:100], test[100:], extractor=extractor, subsets=3)
    assert scores["extractor"] == "digits-labels"
    assert scores["extractor_accuracy"] == extractor.accuracy
    assert scores["inception_score"] > 5, "ten classes, each image sure of its own"


def test_a_seed_fixes_it_and_the_cache_keeps_it(monkeypatch):
    monkeypatch.setattr(label_classifier, "_STEPS", 30)
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first, other = LabelFeatureExtractor(stripes()), LabelFeatureExtractor(stripes(), seed=1)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert first.digest() != other.digest()
    monkeypatch.setattr(LabelFeatureExtractor, "_fit", lambda *_: pytest.fail("trained again"))
    again = LabelFeatureExtractor(stripes())
    assert again.digest() == first.digest()
    assert again.accuracy == first.accuracy
    assert not again.training
    assert not any(weight.requires_grad for weight in again.parameters())


def test_a_damaged_file_is_trained_again(monkeypatch, folder):
    monkeypatch.setattr(label_classifier, "_STEPS", 2)
    data = stripes(40)
    first = LabelFeatureExtractor(data)
    for path in (folder / "classifiers").iterdir():
        path.write_bytes(path.read_bytes()[:-9])
    assert LabelFeatureExtractor(data).digest() == first.digest()


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (torch.rand(30, 1, 8, 8), ArgumentTypeError, "must be an ImageDataset"),
        (ImageDataset(torch.rand(30, 1, 8, 8), None, "x", "train"), ArgumentError, "at least 2 classes"),
        (ImageDataset(torch.rand(30, 1, 8, 8), torch.zeros(30).long(), "x", "train"), ArgumentError, "2 classes"),
        (ImageDataset(torch.rand(9, 1, 8, 8), torch.arange(9), "x", "train"), ArgumentError, "at least 20 images"),
    ],
)
def test_refusals(data, error, message):
    with pytest.raises(error, match=message):
        LabelFeatureExtractor(data)


def test_images_of_another_shape_are_refused(extractor):
    with pytest.raises(ArgumentError, match=r"images of shape \(1, 8, 8\)"):
        extractor(torch.rand(2, 1, 9, 8))
