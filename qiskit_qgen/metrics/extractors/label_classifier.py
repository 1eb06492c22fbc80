"""Features of a small classifier of the data set's own labels, trained on the spot."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from qiskit_qgen._checks import check_int, check_type
from qiskit_qgen._random import SEED_MAXIMUM, torch_generator
from qiskit_qgen.datasets import ImageDataset, hold_out
from qiskit_qgen.exceptions import ArgumentError, CheckpointError
from qiskit_qgen.metrics.extractors.base import AbstractFeatureExtractor, check_images
from qiskit_qgen.persistence import cache_folder, digest_tensors, load_tensors, save_tensors

LABELS_EXTRACTOR = "labels"
"""The name under which the command line knows it; its features' name begins with the data set's."""

_STREAM = 0x6C616265
_FORMAT = 1  # changes when the same data come to give another network
_NUM_FEATURES = 128
_BATCH_SIZE = 512
_STEPS, _BATCH, _RATE = 800, 64, 2e-3
_HELD_OUT = 10  # of so many labelled images one tells the accuracy


class LabelFeatureExtractor(AbstractFeatureExtractor):
    """The 128 features before the last layer of a convolutional network that was trained on a data set's own labels.

    It sees what distinguishes the classes of these very images, of which a network trained on photographs may know
    little. Two convolutions of 32 and 64 channels and a layer of 128 features are trained by Adam for 800 steps of 64
    images, in some seconds, on nine tenths of the images; the others give :attr:`accuracy`. The weights are kept in the
    cache: equal images, labels and seeds are trained once. Its Inception Score counts the data set's classes.

    Args:
        data: Labelled images, best those for training.
        seed: Seed of the weights, of the order of batches and of the images that tell the accuracy.

    Raises:
        ArgumentError: If there are no labels, fewer than 2 classes or fewer than 20 images.
        ArgumentTypeError: If ``data`` is not a data set.
        CheckpointError: If the cache cannot be written.
    """

    def __init__(self, data: ImageDataset, *, seed: int = 0) -> None:
        check_type("data", data, ImageDataset, "an ImageDataset, as `load_dataset` returns it")
        check_int("seed", seed, minimum=0, maximum=SEED_MAXIMUM)
        if data.labels is None or len(data.labels.unique()) < 2:
            raise ArgumentError("Argument `data` must have labels of at least 2 classes for a classifier of them.")
        if len(data) < 2 * _HELD_OUT:
            raise ArgumentError(f"Argument `data` must hold at least {2 * _HELD_OUT} images, but holds {len(data)}.")
        super().__init__(name=f"{data.name}-labels", num_features=_NUM_FEATURES, batch_size=_BATCH_SIZE)
        self._shape = data.images.shape[1:]
        digest = digest_tensors(f"{_FORMAT} {seed}", {"images": data.images, "labels": data.labels})
        path = cache_folder("classifiers") / f"{digest}.safetensors"
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(torch_generator(seed, _STREAM).initial_seed())
            self.network, self.classifier = _networks(self._shape[0], int(data.labels.max()) + 1)
        self._accuracy = torch.zeros((), dtype=torch.float64)
        try:
            kept = load_tensors(path)[0] if path.is_file() else None
        except CheckpointError:
            kept = None  # a damaged file is written again
        if kept is None:
            self._fit(data, seed)
            path.parent.mkdir(parents=True, exist_ok=True)
            save_tensors(path, {**self.state_dict(), "accuracy": self._accuracy})
        else:
            self._accuracy = kept.pop("accuracy")
            self.load_state_dict(kept)
        self.train(False).requires_grad_(False)

    @property
    def accuracy(self) -> float:
        """The part of images that it was not trained on whose label it tells."""
        return float(self._accuracy)

    @torch.no_grad()
    def logits(self, features: Tensor) -> Tensor:
        """Return the logits (N, K) of the data set's classes."""
        logits: Tensor = self.classifier(features.to(self.classifier.weight)).to(features)
        return logits

    def digest(self) -> str:
        """Return a digest of the name and the weights."""
        return digest_tensors(self.name, self.state_dict())

    def _check(self, samples: Tensor) -> None:
        check_images(samples, self.name, any_channels=True)
        if samples.shape[1:] != self._shape:
            raise ArgumentError(
                f"Argument `samples` must hold images of shape {tuple(self._shape)} for the extractor '{self.name}', "
                f"but they have shape {tuple(samples.shape[1:])}."
            )

    def _extract(self, batch: Tensor) -> Tensor:
        features: Tensor = self.network(batch.float())
        return features

    def _fit(self, data: ImageDataset, seed: int) -> None:
        train, held_out = hold_out(data, len(data) // _HELD_OUT, seed=seed)
        assert train.labels is not None  # noqa: S101
        assert held_out.labels is not None  # noqa: S101
        optimizer = torch.optim.Adam(self.parameters(), lr=_RATE)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, _STEPS)
        generator = torch_generator(seed, _STREAM, 1)
        with torch.enable_grad():
            for _ in range(_STEPS):
                rows = torch.randint(len(train), (_BATCH,), generator=generator)
                scores = self.classifier(self.network(train.images[rows]))
                optimizer.zero_grad(set_to_none=True)
                F.cross_entropy(scores, train.labels[rows]).backward()
                optimizer.step()
                schedule.step()
        found = self.logits(self(held_out.images)).argmax(1)
        self._accuracy = (found == held_out.labels).double().mean()


def _networks(channels: int, classes: int) -> tuple[nn.Sequential, nn.Linear]:
    features = nn.Sequential(
        nn.Conv2d(channels, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveMaxPool2d(4),
        nn.Flatten(),
        nn.Linear(64 * 16, _NUM_FEATURES),
        nn.ReLU(),
    )
    return features, nn.Linear(_NUM_FEATURES, classes)
