"""Images made alike. The truth is from scikit-image, from numpy and from Pillow's own documented formulas."""

import numpy as np
import pytest
from PIL import Image
from skimage import data
from skimage.transform import resize

from qiskit_qgen.datasets.conversion import ImageConversion
from qiskit_qgen.exceptions import ArgumentError


def test_small_images_look_like_those_of_scikit_image_with_antialiasing():
    camera = data.camera()  # 512 x 512
    found = np.asarray(ImageConversion(image_size=32)(Image.fromarray(camera))) / 255
    expected = resize(camera, (32, 32), anti_aliasing=True, order=1)
    without = camera[8::16, 8::16] / 255
    assert np.abs(found - expected).mean() < 0.02
    assert np.abs(found - expected).mean() < np.abs(without - expected).mean() / 2


def test_the_centre_is_kept_and_the_proportions():
    wide = np.zeros((20, 60), np.uint8)
    wide[:, 20:40] = 200
    cut = np.asarray(ImageConversion(image_size=10)(Image.fromarray(wide)))
    assert (cut >= 180).all()  # the filter reaches beyond the edge of what is kept
    assert np.abs(cut[:, 2:-2].astype(int) - 200).max() <= 1
    stretched = np.asarray(ImageConversion(image_size=(10, 30), crop=None)(Image.fromarray(wide)))
    assert stretched.shape == (10, 30)
    assert np.abs(stretched[:, 13:17].astype(int) - 200).max() <= 1
    assert (stretched[:, :7] == 0).all()
    squashed = np.asarray(ImageConversion(image_size=30, crop=None)(Image.fromarray(wide)))
    assert squashed.shape == (30, 30)
    assert (squashed[:, 0] == 0).all()


def test_a_height_and_a_width():
    image = Image.fromarray(data.astronaut())
    assert ImageConversion(image_size=(12, 40))(image).size == (40, 12)
    assert ImageConversion(image_size=[12, 40]).image_size == (12, 40)


def test_grey_is_the_luma_of_itu_601():
    colours = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    grey = np.asarray(ImageConversion(mode="L")(Image.fromarray(colours)))
    assert np.abs(grey - colours @ [0.299, 0.587, 0.114]).max() <= 0.51


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB"])
@pytest.mark.parametrize("target", ["L", "RGB", "RGBA"])
def test_every_mode_becomes_every_other(mode, target):
    image = ImageConversion(mode=target)(Image.new(mode, (4, 4)))
    assert (image.mode, image.size) == (target, (4, 4))


def test_white_shows_through_what_is_transparent():
    array = np.zeros((2, 2, 4), np.uint8)
    array[0, 0] = [200, 100, 0, 255]
    array[0, 1] = [200, 100, 0, 127]
    found = np.asarray(ImageConversion(mode="RGB")(Image.fromarray(array)), np.int64)
    assert found[0, 0].tolist() == [200, 100, 0]
    share = 127 / 255
    assert np.abs(found[0, 1] - [share * value + (1 - share) * 255 for value in (200, 100, 0)]).max() <= 1
    assert (found[1] == 255).all()
    palette = Image.fromarray(np.array([[0, 1]], np.uint8), mode="P")
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.info["transparency"] = 1
    assert np.asarray(ImageConversion(mode="RGB")(palette)).tolist() == [[[10, 20, 30], [255, 255, 255]]]


@pytest.mark.parametrize("kind", [np.uint16, np.int32])
def test_16_bits_are_rounded_to_8(kind):
    values = np.array([[0, 128, 129, 257], [65535, 32768, 1000, 65406]], dtype=kind)
    found = np.asarray(ImageConversion(mode="L")(Image.fromarray(values)))
    assert found.tolist() == np.rint(values / 257).astype(int).tolist()


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"image_size": 1}, "`image_size` must be an integer of at least 2, but is 1"),
        ({"image_size": (28,)}, r"`image_size` must be a side or \(height, width\), but is \(28,\)"),
        ({"image_size": "32"}, "`image_size` must be an integer"),
        ({"mode": "CMYK"}, "`mode` must be one of 'L', 'RGB', 'RGBA', but is 'CMYK'"),
        ({"mode": "rgb"}, "`mode` must be one of"),
        ({"image_size": 8, "crop": "left"}, "`crop` must be"),
        ({"crop": None}, "`crop` has no effect without `image_size`"),
    ],
)
def test_wrong_settings(options, rule):
    with pytest.raises((ArgumentError, TypeError), match=rule):
        ImageConversion(**options)
