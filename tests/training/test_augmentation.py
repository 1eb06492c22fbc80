import pytest
import torch

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.training import augment


def sample_images(num=4, channels=3, side=16, seed=0):
    return 0.4 + 0.2 * torch.rand(num, channels, side, side, generator=torch.Generator().manual_seed(seed))


def run(images, *names, seed=1):
    return augment(images, names, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("names", [("color",), ("translation",), ("cutout",), ("color", "translation", "cutout")])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_each_changes_every_image_by_its_own_numbers_and_stays_in_range(names, channels):
    images = sample_images(1, channels).expand(64, -1, -1, -1)
    changed = run(images, *names)
    assert changed.shape == images.shape
    assert 0 <= changed.min() <= changed.max() <= 1
    assert len(changed.flatten(1).unique(dim=0)) > 16
    assert torch.equal(changed, run(images, *names))
    assert not torch.equal(changed, run(images, *names, seed=2))


def test_nothing_is_changed_without_names():
    images = sample_images()
    assert augment(images, (), torch.Generator()) is images


def test_color_is_brightness_saturation_and_contrast():
    images = sample_images(500)
    changed = run(images, "color")
    shift = changed.mean((1, 2, 3)) - images.mean((1, 2, 3))
    assert shift.abs().max() <= 0.25 + 1e-5
    assert shift.abs().max() > 0.2
    # A grey image has no saturation to change: only the distance from its mean, by 1/2 to 3/2.
    grey = sample_images(500, 1)
    factor = run(grey, "color").std((1, 2, 3)) / grey.std((1, 2, 3))
    assert 0.5 - 1e-4 <= factor.min() < 0.55
    assert 1.45 < factor.max() <= 1.5 + 1e-4


def test_translation_shifts_by_up_to_an_eighth_and_fills_with_grey():
    images = sample_images(200, 1, 16)
    changed = run(images, "translation")
    seen = set()
    for image, moved in zip(images[:, 0], changed[:, 0], strict=True):
        for down in range(-2, 3):
            for right in range(-2, 3):
                expected = torch.full((16, 16), 0.5)
                rows, columns = slice(max(0, -down), 16 - max(0, down)), slice(max(0, -right), 16 - max(0, right))
                expected[rows, columns] = image.roll((-down, -right), (0, 1))[rows, columns]
                if torch.equal(expected, moved):
                    seen.add((down, right))
                    break
            else:
                continue
            break
        else:
            pytest.fail("no shift explains an image")
    assert len(seen) == 25


def test_cutout_makes_a_rectangle_of_at_most_half_the_sides_grey():
    changed = run(torch.zeros(300, 1, 16, 16), "cutout")[:, 0]
    assert ((changed == 0) | (changed == 0.5)).all()
    rows, columns = (changed == 0.5).any(2).sum(1), (changed == 0.5).any(1).sum(1)
    assert torch.equal((changed == 0.5).sum((1, 2)), rows * columns)
    assert rows.max() == columns.max() == 8
    assert rows.min() == 4


def test_gradients_pass_to_what_is_still_there():
    images = sample_images(3).requires_grad_()
    run(images, "color", "translation", "cutout").sum().backward()
    assert (images.grad.abs().sum((1, 2, 3)) > 0).all()
    images.grad = None
    run(images, "cutout").sum().backward()
    assert (images.grad == 0).any()


def test_unknown_names_are_refused():
    with pytest.raises(ArgumentError, match="`augmentations` must be one of 'color', 'translation', 'cutout'"):
        run(sample_images(), "flip")
    with pytest.raises(ArgumentTypeError, match="`augmentations` must be a list of names"):
        augment(sample_images(), "color", torch.Generator())
