import numpy as np
import pytest
import torch
from torch import nn

from qiskit_qgen.datasets import ImageDataset
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, DatasetError
from qiskit_qgen.models.base.codecs import PixelCodec, RowCodec, check_images, check_table, decode, encode, fingerprint


def test_pixels_and_rows_come_back():
    images, rows = torch.rand(3, 2, 4, 5), torch.randn(3, 4)
    codec = PixelCodec((2, 4, 5))
    assert codec.encode(images).shape == (3, 40)
    assert codec.encode(torch.zeros(1, 2, 4, 5)).unique().item() == -1
    assert torch.allclose(codec.decode(codec.encode(images)), images, atol=1e-6)
    assert torch.equal(RowCodec().decode(RowCodec().encode(rows)), rows)


def test_batches_do_not_change_the_result_and_images_are_clipped():
    codec = PixelCodec((1, 2, 2))
    images = torch.rand(1100, 1, 2, 2)
    latents = encode(codec, images)
    assert torch.equal(latents, codec.encode(images))
    assert torch.equal(decode(codec, latents, is_image=True), codec.decode(latents))
    assert decode(codec, torch.full((1, 4), 3.0), is_image=True).unique().item() == 1
    assert decode(RowCodec(), torch.full((1, 4), 3.0), is_image=False).unique().item() == 3


def test_an_autoencoder_without_vectors_is_refused():
    class Bad(nn.Module):
        def encode(self, images):
            return images

    with pytest.raises(ArgumentError, match=r"`autoencoder` must encode images .* but returned shape \(2, 1, 8, 8\)"):
        encode(Bad(), torch.rand(2, 1, 8, 8))


def test_images_are_taken_in_every_form():
    array = np.random.default_rng(0).integers(0, 255, (4, 1, 8, 8), dtype=np.uint8)
    images = check_images(array, (1, 8, 8))
    assert torch.allclose(images, torch.from_numpy(array).float() / 255)
    assert torch.equal(check_images(ImageDataset(array, None, "a", "train"), (1, 8, 8)), images)
    assert torch.equal(check_images(images.double(), (1, 8, 8)), images)


@pytest.mark.parametrize(
    ("data", "error", "text"),
    [
        (
            torch.rand(4, 1, 9, 9),
            DatasetError,
            r"images of shape \(1, 8, 8\), the model's `image_shape`, but .* \(1, 9, 9\)",
        ),
        (torch.rand(4, 3, 8, 8), DatasetError, r"but they have shape \(3, 8, 8\)"),
        (torch.full((4, 1, 8, 8), 2.0), DatasetError, "from 0 to 1"),
        (torch.full((4, 1, 8, 8), float("nan")), DatasetError, "NaN or infinite"),
        (torch.rand(0, 1, 8, 8), DatasetError, "at least one image"),
        ([[1]], ArgumentTypeError, "`data` must be a tensor or a numpy array"),
    ],
)
def test_bad_images_are_refused(data, error, text):
    with pytest.raises(error, match=text):
        check_images(data, (1, 8, 8))


@pytest.mark.parametrize(
    ("data", "error", "text"),
    [
        (torch.rand(4), DatasetError, r"`data` must have shape \(N, 3\) with N of at least 1, but has shape \(4,\)"),
        (torch.rand(4, 2), DatasetError, r"but has shape \(4, 2\)"),
        (torch.rand(0, 3), DatasetError, r"but has shape \(0, 3\)"),
        (torch.tensor([[1.0, float("inf"), 2.0]]), DatasetError, "finite numbers"),
        (torch.zeros(2, 3, dtype=torch.complex64), DatasetError, "real numbers"),
        (np.array([["a", "b", "c"]]), DatasetError, "real numbers"),
        ([[1.0, 2.0, 3.0]], ArgumentTypeError, "`data` must be a tensor or an array of rows"),
    ],
)
def test_bad_rows_are_refused(data, error, text):
    with pytest.raises(error, match=text):
        check_table(data, 3)


def test_rows_become_float32():
    assert check_table(np.arange(6).reshape(2, 3), 3).rows.dtype == torch.float32


def test_fingerprints_tell_values_shapes_and_types_apart():
    tensor = torch.arange(6.0)
    others = [tensor + 1e-7, tensor.reshape(2, 3), tensor.double(), tensor.flip(0)]
    assert fingerprint(tensor) == fingerprint(tensor.clone())
    assert len({fingerprint(tensor), *map(fingerprint, others)}) == 5
