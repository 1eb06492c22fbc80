import re

import numpy as np
import pytest
import torch

from qiskit_qgen.datasets import ImageDataset, as_images
from qiskit_qgen.exceptions import ArgumentTypeError, DatasetError

SEED = 7_301


class Subclass(np.ndarray):
    """Stands for memory maps and other subclasses of arrays."""


def numbered(*shape):
    """Return distinct numbers in [0, 1], so that every permutation of axes shows."""
    count = int(np.prod(shape))
    return (np.arange(count, dtype=np.float32) / max(count - 1, 1)).reshape(shape)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        # (N, C, H, W): as it is
        ((5, 1, 28, 28), (0, 1, 2, 3)),
        ((5, 3, 28, 20), (0, 1, 2, 3)),
        ((5, 4, 8, 8), (0, 1, 2, 3)),
        ((5, 8, 28, 28), (0, 1, 2, 3)),  # more than four channels, square
        ((5, 1, 4, 4), (0, 1, 2, 3)),  # tiny: the other layout would have images one pixel high
        ((5, 1, 2, 3), (0, 1, 2, 3)),
        ((5, 4, 5, 5), (0, 1, 2, 3)),
        ((5, 3, 4, 4), (0, 1, 2, 3)),  # the other layout would not be square
        ((1, 2, 6, 7), (0, 1, 2, 3)),
        # (N, H, W, C)
        ((5, 28, 28, 1), (0, 3, 1, 2)),
        ((5, 28, 20, 3), (0, 3, 1, 2)),
        ((5, 28, 28, 4), (0, 3, 1, 2)),
        ((5, 28, 28, 8), (0, 3, 1, 2)),
        ((5, 4, 4, 1), (0, 3, 1, 2)),
        ((5, 4, 4, 3), (0, 3, 1, 2)),
    ],
)
@pytest.mark.parametrize("kind", ["array", "tensor"])
def test_layouts_are_recognised(shape, axes, kind):
    data = numbered(*shape)
    images = as_images(torch.from_numpy(data) if kind == "tensor" else data)
    assert images.dtype == torch.float32
    assert images.is_contiguous()
    assert np.array_equal(images.numpy(), data.transpose(axes))
    # What has been converted once is taken as it is.
    assert torch.equal(as_images(images), images)


@pytest.mark.parametrize("shape", [(5, 28, 28), (3, 4, 4), (1, 2, 2), (7, 28, 20), (2, 3, 9)])
def test_three_axes_are_grey_images(shape):
    data = numbered(*shape)
    images = as_images(data)
    assert np.array_equal(images.numpy(), data[:, None])
    assert torch.equal(as_images(images), images)


def test_uint8_is_divided_by_255():
    data = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    expected = np.arange(256, dtype=np.float64) / 255
    assert np.allclose(as_images(data).double().numpy().ravel(), expected, rtol=0, atol=6e-8)
    assert as_images(data).amax() == 1
    assert data.amax() == 255


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
def test_floating_point_keeps_its_values(dtype):
    data = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(SEED)).to(dtype)
    assert torch.equal(as_images(data), data.to(torch.float32))


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.astype(">f4"),
        lambda x: x.astype("<f8"),
        lambda x: x[:, :, ::-1][:, :, ::-1],
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=0)[::2],
        lambda x: x.view(Subclass),
    ],
    ids=["big-endian", "float64", "reversed twice", "Fortran", "strided", "subclass"],
)
def test_arrays_of_any_layout_in_memory(change):
    data = numbered(4, 3, 8, 8)
    assert np.array_equal(as_images(change(data)).numpy(), data)


def test_read_only_arrays_are_copied_and_others_left_alone():
    data = numbered(2, 1, 8, 8)
    data.flags.writeable = False
    images = as_images(data)
    images.zero_()
    assert data.max() == 1


def test_gradients_do_not_reach_the_data():
    data = torch.full((2, 1, 8, 8), 0.5, requires_grad=True)
    assert not as_images(data).requires_grad


def test_tensors_in_the_right_form_are_not_copied():
    data = torch.rand(2, 1, 8, 8)
    assert as_images(data).data_ptr() == data.data_ptr()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (torch.ones(28, 28), "must have shape (N, C, H, W), (N, H, W) or (N, H, W, C), but has shape (28, 28)."),
        (torch.ones(2, 3, 1, 8, 8), "or (N, H, W, C), but has shape (2, 3, 1, 8, 8)."),
        (torch.tensor(1.0), "or (N, H, W, C), but has shape ()."),
        (torch.ones(0, 1, 8, 8), "must hold at least one image, but has shape (0, 1, 8, 8)."),
        (torch.ones(5, 1, 0, 8), "must hold at least one image, but has shape (5, 1, 0, 8)."),
        (torch.ones(32, 32, 3), "has shape (32, 32, 3), which looks like a single image or a missing axis"),
        (torch.ones(5, 1, 1, 8), "must hold images of at least 2 x 2 pixels, but has shape (5, 1, 1, 8)."),
        (torch.ones(5, 1, 8, 1), "must hold images of at least 2 x 2 pixels, but has shape (5, 1, 8, 1)."),
        (torch.ones(10, 3, 32, 3), "has shape (10, 3, 32, 3), which does not tell the channels from height and width;"),
        (torch.ones(10, 4, 4, 4), "has shape (10, 4, 4, 4), which does not tell the channels"),
        (torch.ones(10, 8, 28, 32), "has shape (10, 8, 28, 32), which does not tell the channels"),
        (torch.ones(2, 1, 8, 8) * 255, "must hold numbers from 0 to 1, but they reach from 255 to 255; divide by 255."),
        (torch.linspace(-1, 1, 64).view(1, 1, 8, 8), "they reach from -1 to 1; rescale with (x + 1) / 2."),
        (torch.linspace(0, 1.0001, 64).view(1, 1, 8, 8), "they reach from 0 to 1.0001; clip with clamp(0, 1)."),
        (torch.linspace(-3, 400, 64).view(1, 1, 8, 8), "they reach from -3 to 400; rescale first."),
        (torch.full((2, 1, 8, 8), float("nan")), "must hold finite numbers, but 128 of its 128 are NaN or infinite."),
        (torch.tensor([0.5, float("inf"), 0, 0]).view(1, 1, 2, 2), "but 1 of its 4 are NaN or infinite."),
        (np.array([0.5, -np.inf, np.nan, 0]).reshape(1, 1, 2, 2), "but 2 of its 4 are NaN or infinite."),
        (torch.full((2, 8, 8), 200), "is of type int64; convert values from 0 to 255 to uint8."),
        (torch.ones(2, 8, 8, dtype=torch.bool), "is of type bool; convert it to floating point."),
        (
            np.full((2, 8, 8), 65535, dtype=np.uint16),
            "must be uint8 or floating point, but is of type uint16; divide by 65535, in floating point.",
        ),
        (np.array([[[0, 255], [7, 8]]], np.uint16), "type uint16; convert values from 0 to 255 to uint8."),
        (np.array([[[0, 16], [7, 8]]], np.int32), "is of type int32; divide by 16, in floating point."),
        (torch.tensor([[[0, 1], [1, 0]]]), "is of type int64; convert it to floating point."),
        (np.array([[[0, 16.0], [7, 8]]]), "but they reach from 0 to 16; divide by 16."),
        (np.array([[[0, 3000.0], [7, 8]]]), "to 3000; divide by 4095, if that is their largest possible value."),
        (
            np.ma.masked_greater(np.linspace(0, 1, 8).reshape(2, 2, 2), 0.8),
            "must hold a value for each pixel, but 2 are masked; fill them with `.filled(value)`.",
        ),
        (np.ones((2, 8, 8), dtype=complex), "must be uint8 or floating point, but is of type complex128."),
        (np.full((2, 8, 8), "a"), "must be uint8 or floating point, but is of type str32."),
        (np.full((2, 8, 8), None), "must be uint8 or floating point, but is of type object."),
        (np.ones((2, 8, 8), dtype=np.uint8), "must hold values from 0 to 255 if it is uint8, but holds only 0 and 1;"),
        (torch.ones(2, 1, 8, 8).to_sparse(), "must be a dense tensor with values, but is sparse or without data."),
        (torch.ones(2, 1, 8, 8, device="meta"), "must be a dense tensor with values, but is sparse or without data."),
    ],
)
def test_faults_are_named_in_one_sentence(data, message):
    with pytest.raises(DatasetError) as caught:
        as_images(data, name="real")
    assert message in str(caught.value)
    assert re.fullmatch(r"Argument `real` [^\n]*\.", str(caught.value))


def test_black_images_are_images():
    assert as_images(np.zeros((2, 8, 8), dtype=np.uint8)).eq(0).all()


@pytest.mark.parametrize("data", [[[0.5]], None, "digits", 3])
def test_other_types_are_refused(data):
    with pytest.raises(
        ArgumentTypeError, match=r"^Argument `data` must be a tensor or a numpy array of images, but is of"
    ):
        as_images(data)


def test_a_whole_data_set_is_refused_with_the_remedy():
    dataset = ImageDataset(torch.zeros(2, 1, 8, 8), None, "mine", "train")
    with pytest.raises(ArgumentTypeError, match=r"but is of type ImageDataset; pass its `\.images`\.$"):
        as_images(dataset)


def test_data_set_converts_its_labels_and_shows_itself():
    dataset = ImageDataset(torch.zeros(3, 1, 8, 8), np.array([[2], [0], [2]], dtype=np.uint8), "mine", "train")
    assert dataset.labels.dtype == torch.int64
    assert dataset.labels.tolist() == [2, 0, 2]
    assert len(dataset) == 3
    assert repr(dataset) == "ImageDataset('mine', 'train', images of shape (3, 1, 8, 8), 2 classes)"
    assert repr(ImageDataset(torch.zeros(3, 8, 8), None, "mine", "test")).endswith("(3, 1, 8, 8), no labels)")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1], "`labels` must have shape (3,), one for each image, but have shape (2,)."),
        (np.eye(3, dtype=int), "`labels` must have shape (3,), one for each image, but have shape (3, 3)."),
        ([0.0, 1.0, 2.0], "`labels` must be integers, but are of type float64."),
        (["a", "b", "c"], "`labels` must be integers, but are of type str32."),
        (np.ma.masked_equal([0, 1, 2], 1), "`labels` must be integers, but some are masked."),
        ([0, -1, 2], "`labels` must be from 0 up, but reach from -1 to 2."),
        (
            np.array([0, 1, 2**64 - 1], dtype=np.uint64),
            "`labels` must be from 0 up, but reach from 0 to 18446744073709551615.",
        ),
        ([0, 1, 2], "`labels` must be less than 2, the number of class names, but reach 2."),
    ],
)
def test_wrong_labels_are_refused(labels, message):
    with pytest.raises(DatasetError, match=f"^Data set 'mine': {re.escape(message)}$"):
        ImageDataset(torch.zeros(3, 1, 8, 8), labels, "mine", "train", ("a", "b"))
