"""Differentiable augmentation: random changes to real and generated images alike (arXiv 2006.10738).

A discriminator that only sees augmented images cannot memorise a small set of real ones. Because the augmentations are
differentiable, a generator still learns the original images.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from qiskit_qgen._checks import check_choice, check_type

AUGMENTATIONS = ("color", "translation", "cutout")
_SHIFT = 1 / 8  # largest shift, as a fraction of a side
_CUT = 1 / 2  # side of the cut-out, as a fraction of the image's side
_GREY = 0.5
Part: TypeAlias = tuple[int, int]


def check_augmentations(augmentations: Sequence[str]) -> tuple[str, ...]:
    """Return ``augmentations`` as a tuple of known names.

    Raises:
        ArgumentError: If one is unknown.
        ArgumentTypeError: If they are not a list.
    """
    names = check_type("augmentations", augmentations, (list, tuple), "a list of names")
    return tuple(check_choice("augmentations", name, AUGMENTATIONS) for name in names)


def augment(
    images: Tensor, augmentations: Sequence[str], generator: torch.Generator, *, part: tuple[int, int] = (0, 1)
) -> Tensor:
    """Return randomly augmented ``images``, with independent random numbers for each image.

    "color" adds a brightness from U(-1/4, 1/4), multiplies the distance from grey of each pixel by U(0, 2) and the
    distance from the image's mean by U(1/2, 3/2). "translation" shifts by up to an eighth of each side. "cutout"
    replaces a rectangle of half the side lengths at a random place, possibly partly outside. Pixels that are shifted in
    from outside or cut out are grey (0.5). The constants are those of arXiv 2006.10738, for images in [0, 1]; the
    result is clipped to this range.

    Args:
        images: Images (N, C, H, W) in [0, 1].
        augmentations: Names, applied in the order "color", "translation", "cutout".
        generator: Source of randomness, on the CPU.
        part: Of a batch that several processes share: the index of this part and the number of equal parts.
            Augmentations are drawn for all parts.

    Returns:
        Images of the same shape in [0, 1], differentiable with respect to ``images``.

    Raises:
        ArgumentError: If a name is unknown.
    """
    names = check_augmentations(augmentations)
    for name in AUGMENTATIONS:
        if name in names:
            images = _FUNCTIONS[name](images, generator, part)
    return images.clamp(0, 1) if names else images


def _color(images: Tensor, generator: torch.Generator, part: Part) -> Tensor:
    index, count = part
    factors = torch.rand(3, count * len(images), 1, 1, 1, generator=generator).chunk(count, dim=1)[index]
    brightness, saturation, contrast = factors.to(images)
    images = images + (brightness - 0.5) / 2
    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * 2 * saturation
    mean = images.mean((1, 2, 3), keepdim=True)
    changed: Tensor = mean + (images - mean) * (contrast + 0.5)
    return changed


def _translation(images: Tensor, generator: torch.Generator, part: Part) -> Tensor:
    num, _, height, width = images.shape
    rows, inside_rows = _moved(images, height, generator, part)
    columns, inside_columns = _moved(images, width, generator, part)
    which = torch.arange(num, device=images.device)[:, None, None]
    shifted = images.permute(0, 2, 3, 1)[which, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    inside = (inside_rows[:, :, None] & inside_columns[:, None, :]).unsqueeze(1)
    return torch.where(inside, shifted, torch.full_like(shifted, _GREY))


def _moved(images: Tensor, side: int, generator: torch.Generator, part: Part) -> tuple[Tensor, Tensor]:
    """Where each row of shifted images comes from, and whether that is inside."""
    most = int(side * _SHIFT + 0.5)
    shift = _integers(-most, most + 1, images, generator, part)
    source = torch.arange(side, device=images.device) + shift
    return source.clamp(0, side - 1), (source >= 0) & (source < side)


def _cutout(images: Tensor, generator: torch.Generator, part: Part) -> Tensor:
    rows, columns = (_cut(images, side, generator, part) for side in images.shape[2:])
    hole = (rows[:, :, None] & columns[:, None, :]).unsqueeze(1)
    return torch.where(hole, torch.full_like(images, _GREY), images)


def _cut(images: Tensor, side: int, generator: torch.Generator, part: Part) -> Tensor:
    """Which rows of the images are cut out."""
    length = int(side * _CUT + 0.5)
    middle = _integers(0, side + (1 - length % 2), images, generator, part)
    place = torch.arange(side, device=images.device)
    return (place >= middle - length // 2) & (place < middle - length // 2 + length)


def _integers(low: int, high: int, images: Tensor, generator: torch.Generator, part: Part) -> Tensor:
    """One integer from [low, high) for each of the images, (N, 1)."""
    index, count = part
    drawn = torch.randint(low, high, (count * len(images), 1), generator=generator).chunk(count)[index]
    return drawn.to(images.device)


_FUNCTIONS: dict[str, Callable[[Tensor, torch.Generator, Part], Tensor]] = {
    "color": _color,
    "translation": _translation,
    "cutout": _cutout,
}
