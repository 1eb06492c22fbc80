"""Models on data sets of torch and Hugging Face, and on streamed images: the same bits as on tensors."""

import numpy as np
import pandas as pd
import pytest
import torch
from small import KINDS, style, table, train, weights
from torch.utils.data import DataLoader, TensorDataset

from qiskit_qgen.datasets import hold_out, load_dataset
from qiskit_qgen.exceptions import DatasetError

PIXELS = np.random.default_rng(0).integers(0, 256, (24, 8, 8), np.uint8)
LABELS = np.arange(24) % 3


def same(first, second):
    return all(torch.equal(tensor, second[name]) for name, tensor in first.items())


@pytest.fixture(scope="module")
def streamed(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "a.npz"
    np.savez(path, images=PIXELS, labels=LABELS)
    return load_dataset(path, stream=True, test_fraction=0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_on_streamed_images_gives_the_same_bits(kind, streamed):
    models = [KINDS[kind](), KINDS[kind]()]
    train(models[0], PIXELS)
    train(models[1], streamed)
    assert same(weights(models[0]), weights(models[1]))


def test_labels_and_evaluation_of_streamed_images(streamed):
    models = [style(num_classes=3), style(num_classes=3)]
    train(models[0], PIXELS, labels=LABELS)
    train(models[1], streamed)
    assert same(weights(models[0]), weights(models[1]))
    others, real = hold_out(streamed, 8)
    order = np.array(
        [np.flatnonzero(((each[0] * 255).round().numpy() == PIXELS).all((1, 2)))[0] for each in others.images[:]]
    )
    rest = np.setdiff1d(np.arange(24), order)
    options = {"extractor": "pixel", "memorization": False, "num_samples": 8}
    held = models[0].evaluate(PIXELS[rest], train=PIXELS[order], **options)
    found = models[1].evaluate(real, train=others, **options)
    assert found["num_real"] == held["num_real"] == 8
    assert found["baselines"].keys() == held["baselines"].keys()


def test_a_data_set_or_loader_of_torch_is_trained_on():
    images = torch.from_numpy(PIXELS)[:, None] / 255
    data = TensorDataset(images, torch.from_numpy(LABELS))
    models = [style(num_classes=3) for _ in range(3)]
    train(models[0], images, labels=LABELS)
    train(models[1], data)
    train(models[2], DataLoader(data, batch_size=5))
    for model in models[1:]:
        assert same(weights(models[0]), weights(model))
    scores = [models[0].evaluate(each, extractor="pixel") for each in (images, data)]
    assert scores[0] == scores[1]
    assert torch.equal(models[0].reconstruct(data), models[0].reconstruct(images))


def test_rows_in_a_data_set_of_torch_and_of_hugging_face():
    rows = torch.randn(30, 2, generator=torch.Generator().manual_seed(0))
    models = [table(), table()]
    train(models[0], rows)
    train(models[1], TensorDataset(rows))
    assert same(weights(models[0]), weights(models[1]))
    library = pytest.importorskip("datasets")
    frame = pd.DataFrame({"x": np.arange(12.0), "n": np.arange(12) % 5})
    model = table()
    train(model, library.Dataset.from_pandas(frame))
    pd.testing.assert_series_equal(model.sample_frame(3, seed=0).dtypes, frame.dtypes)


def test_images_of_another_shape_are_refused_as_ever(streamed):
    with pytest.raises(DatasetError, match=r"`data` must hold images of shape \(1, 8, 9\)"):
        train(style(image_shape=(1, 8, 9)), streamed)
