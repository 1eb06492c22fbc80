"""Tiles of a big image, put together again."""

import numpy as np
import pytest
import torch

from qiskit_qgen.datasets import tile_image
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError


def sample_image(height, width, channels):
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


def test_tiles_put_together_are_the_image():
    image = sample_image(9, 14, 3)
    data = tile_image(image, 4, name="mine")
    assert data.images.shape == (6, 3, 4, 4)
    assert (data.name, data.labels) == ("mine", None)
    rows = [torch.cat(list(data.images[start : start + 3]), dim=2) for start in (0, 3)]
    whole = torch.cat(rows, dim=1).permute(1, 2, 0).numpy()
    np.testing.assert_allclose(whole, image[:8, :12] / 255, atol=1e-6)


def test_tiles_overlap_by_the_stride():
    image = torch.rand(1, 10, 8)
    data = tile_image(image, 6, stride=2)
    assert len(data) == 3 * 2
    torch.testing.assert_close(data.images[3], image[:, 2:8, 2:8])


def test_tissue_becomes_a_set_of_images_in_colour():
    from skimage.data import immunohistochemistry

    data = tile_image(immunohistochemistry(), 28)
    assert data.images.shape == (18 * 18, 3, 28, 28)
    assert float(data.images.std()) > 0.1
    assert tile_image(sample_image(30, 30, 1)[:, :, 0]).images.shape == (1, 1, 28, 28)


def test_bad_arguments_are_named():
    with pytest.raises(ArgumentError, match="`size`"):
        tile_image(sample_image(20, 40, 3))
    with pytest.raises(ArgumentError, match="`stride`"):
        tile_image(sample_image(40, 40, 3), stride=0)
    with pytest.raises(ArgumentError, match="`image`"):
        tile_image(torch.rand(2, 3, 40, 40))
    with pytest.raises(ArgumentTypeError, match="`image`"):
        tile_image("ihc.png")
