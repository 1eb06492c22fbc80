"""An extractor that no network of a study was trained with: a small classifier of the data set's own labels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from qiskit_qgen._random import torch_generator
from qiskit_qgen.metrics import ModuleFeatureExtractor
from qiskit_qgen.persistence import cache_folder, digest_tensors, load_tensors, save_tensors
from qiskit_qgen.studies.arms.images import ImageSelection

LABELS = "labels"
"""Its name among a study's extractors."""
_FEATURES = 64
_MOST = 10_000  # images that it is trained on
_EPOCHS, _BATCH, _RATE = 5, 128, 2e-3
_SEED, _STREAM = 0, 0x6C61626C


def label_extractor(selection: ImageSelection) -> ModuleFeatureExtractor:
    """Return the 64 features before the last layer of a classifier of the data set's labels.

    Two convolutions and two layers, trained for five passes on at most 10,000 images of all labels that are not held
    out, always alike. The weights are kept on disk by a digest of the images and labels.

    Raises:
        ArgumentError: If the data have no labels.
        DatasetError: If the data are missing or damaged.
    """
    images, labels = selection.labelled()
    rows = torch.randperm(len(images), generator=torch_generator(_SEED, _STREAM))[:_MOST]
    images, classes = images[rows], labels[rows].unique(return_inverse=True)[1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        network = _classifier(images, int(classes.max()) + 1)
    path = cache_folder("classifiers") / f"{digest_tensors(repr(network), {'x': images, 'y': classes})}.safetensors"
    if path.is_file():
        network.load_state_dict(load_tensors(path)[0])
    else:
        _train(network, images, classes)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_tensors(path, network.state_dict())
    return ModuleFeatureExtractor(network[:-1].requires_grad_(False), _FEATURES, name=LABELS)


def _classifier(images: Tensor, num_classes: int) -> nn.Sequential:
    channels, height, width = images.shape[1:]
    return nn.Sequential(
        nn.Conv2d(channels, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * (height // 4) * (width // 4), _FEATURES),
        nn.ReLU(),
        nn.Linear(_FEATURES, num_classes),
    )


def _train(network: nn.Sequential, images: Tensor, classes: Tensor) -> None:
    optimizer = torch.optim.Adam(network.parameters(), _RATE)
    for epoch in range(_EPOCHS):
        for rows in torch.randperm(len(images), generator=torch_generator(_SEED, _STREAM, epoch)).split(_BATCH):
            optimizer.zero_grad()
            F.cross_entropy(network(images[rows]), classes[rows]).backward()
            optimizer.step()
