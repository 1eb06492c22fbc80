"""Quality of reconstructions against torchmetrics, and the metric class against scikit-image."""

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

from qiskit_qgen.exceptions import ArgumentError, DatasetError
from qiskit_qgen.metrics import StructuralSimilarityIndexMeasure, reconstruction_quality


def pairs(shape, seed=0, noise=0.1):
    random = torch.Generator().manual_seed(seed)
    images = torch.rand(shape, generator=random, dtype=torch.float64)
    return (images + noise * torch.randn(shape, generator=random)).clamp(0, 1), images


@pytest.mark.parametrize("shape", [(5, 1, 16, 16), (3, 3, 20, 31), (2, 1, 11, 11)])
def test_quality_is_torchmetrics_with_windows_that_lie_within_the_images(shape):
    rebuilt, images = pairs(shape)
    found = reconstruction_quality(rebuilt, images)
    rebuilt, images = rebuilt.float().double(), images.float().double()  # images are float32 at every edge
    noise = peak_signal_noise_ratio(rebuilt, images, data_range=1.0)
    _, full = structural_similarity_index_measure(rebuilt, images, data_range=1.0, return_full_image=True)
    assert found["peak_signal_to_noise_ratio"] == pytest.approx(float(noise))
    assert found["structural_similarity"] == pytest.approx(float(full[..., 5:-5, 5:-5].mean()))


def test_what_has_no_value_is_none():
    _, images = pairs((2, 1, 16, 16))
    assert reconstruction_quality(images, images) == {
        "peak_signal_to_noise_ratio": None,
        "structural_similarity": pytest.approx(1),
    }
    assert reconstruction_quality(*pairs((2, 1, 10, 40)))["structural_similarity"] is None


def test_what_is_no_pair_of_images_is_refused():
    rebuilt, images = pairs((3, 1, 16, 16))
    with pytest.raises(ArgumentError, match=r"`reconstructions` must have shape \(3, 1, 16, 16\) as `images`"):
        reconstruction_quality(rebuilt[:2], images)
    with pytest.raises(DatasetError, match="`reconstructions`"):
        reconstruction_quality(rebuilt + 3, images)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_metric_is_scikit_images_map_whatever_the_batches(channels):
    rebuilt, images = pairs((6, channels, 64, 64))
    rebuilt[:2], images[:2] = rebuilt[:2] / 20, images[:2] / 20  # a batch whose own range is much less than 1
    metric = StructuralSimilarityIndexMeasure()
    for batch in (slice(0, 2), slice(2, 6)):
        metric.update(rebuilt[batch], images[batch])
    options = {"data_range": 1, "channel_axis": 0, "gaussian_weights": True, "use_sample_covariance": False}
    expected = [
        structural_similarity(x.numpy(), y.numpy(), full=True, **options)[1].mean()
        for x, y in zip(rebuilt, images, strict=True)
    ]
    # The two mirror what lies beyond the border in different ways.
    assert float(metric.compute()) == pytest.approx(np.mean(expected), abs=1e-3)
    per_image = StructuralSimilarityIndexMeasure(reduction="none")
    assert per_image(rebuilt, images).shape == (6,)
