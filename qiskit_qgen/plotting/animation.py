"""Images that move: an interpolation or a training as a GIF."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from qiskit_qgen._checks import check_choice, check_float, check_path, check_shape, check_type
from qiskit_qgen._typing import PathLike
from qiskit_qgen.datasets import as_images
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.persistence import atomic_path
from qiskit_qgen.training import image_grid

_SIDE = 480  # pixels along the longer side, about
_CAPTION = 16  # pixels
_GRID = re.compile(r"(?P<phase>.+)-(?P<step>\d{6,})\.png")


def save_animation(
    frames: Tensor, path: PathLike, *, columns: int | None = None, seconds: float = 0.08, there_and_back: bool = False
) -> None:
    """Write a GIF that repeats without end.

    Args:
        frames: Images (T, C, H, W) in [0, 1], one for each frame; or (N, T, C, H, W), a grid of N images in each.
        path: File to write, which ends in ``.gif``.
        columns: Images in a row of the grid; None as for :func:`~qiskit_qgen.training.image_grid`.
        seconds: How long a frame is shown, at least 0.02.
        there_and_back: Whether the frames follow once more from the last to the first, as an interpolation between
            different ends wants it.

    Raises:
        ArgumentError: If a shape or number is out of range, or ``path`` ends otherwise.
        DatasetError: If images are empty, not finite or out of range.

    Example:
        >>> save_animation(model.interpolate(*model.draw_noise(2, seed=0), steps=24), "walk.gif")  # doctest: +SKIP
    """
    check_type("frames", frames, Tensor, "a tensor")
    check_shape("frames", frames.shape, "(T, C, H, W) or (N, T, C, H, W)", frames.dim() in (4, 5))
    grids = frames[None] if frames.dim() == 4 else frames
    as_images(grids.flatten(0, 1), name="frames")
    shown = [image_grid(each, columns=columns) for each in grids.unbind(1)]
    scale = max(1, round(_SIDE / max(shown[0].shape)))
    pages = [each.repeat(scale, axis=0).repeat(scale, axis=1) for each in shown]
    _write(pages + pages[-2:0:-1] * there_and_back, path, seconds)


def animate_training(folder: PathLike, path: PathLike, *, phase: str | None = None, seconds: float = 0.25) -> None:
    """Write a GIF of a training from the grids that :class:`~qiskit_qgen.training.SampleGrid` wrote.

    Args:
        folder: Folder of the grids, such as ``progress`` of a run.
        path: File to write, which ends in ``.gif``.
        phase: Which phase's grids; None takes that of the newest one.
        seconds: How long a grid is shown, at least 0.02; the last one is shown six times as long.

    Raises:
        ArgumentError: If ``folder`` holds no grids or none of the phase, or ``path`` ends otherwise.
    """
    from PIL import Image

    place = check_path("folder", folder)
    grids = dict(_grids(place))
    if not grids:
        raise ArgumentError(
            f"Folder {place} must hold grids such as adversarial-000500.png of SampleGrid, but has none."
        )
    newest = max(
        (file for files in grids.values() for file in files.values()), key=lambda file: file.stat().st_mtime_ns
    )
    found = _GRID.fullmatch(newest.name)
    assert found is not None  # noqa: S101 - all grids have such names
    chosen = grids[found["phase"] if phase is None else check_choice("phase", phase, sorted(grids))]
    pages = []
    for step, file in sorted(chosen.items()):
        with Image.open(file) as image:
            pages.append(_captioned(np.asarray(image if image.mode == "L" else image.convert("RGB")), f"step {step:,}"))
    _write([*pages, *pages[-1:] * 5], path, seconds)


def _grids(folder: Path) -> Iterator[tuple[str, dict[int, Path]]]:
    """Yield the grids of each phase by their step."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    found = [(match, file) for file in files if (match := _GRID.fullmatch(file.name))]
    for phase in dict.fromkeys(match["phase"] for match, _ in found):
        yield phase, {int(match["step"]): file for match, file in found if match["phase"] == phase}


def _captioned(pixels: NDArray[np.uint8], text: str) -> NDArray[np.uint8]:
    """Return an image (H, W) or (H, W, 3) with a line of text under it."""
    from PIL import Image, ImageDraw

    former = Image.fromarray(pixels)
    image = Image.new(former.mode, (former.width, former.height + _CAPTION), "white")
    image.paste(former, (0, 0))
    ImageDraw.Draw(image).text((2, pixels.shape[0] + 2), text, fill="black")
    return np.asarray(image)


def _write(pages: Sequence[NDArray[np.uint8]], path: PathLike, seconds: float) -> None:
    from PIL import Image

    target = check_path("path", path)
    if target.suffix.lower() != ".gif":
        raise ArgumentError(f"Argument `path` must end in .gif, but is {target}.")
    milliseconds = round(1000 * check_float("seconds", seconds, minimum=0.02, maximum=60))
    first, *rest = (Image.fromarray(page) for page in pages)
    options: dict[str, Any] = {"save_all": True, "append_images": rest, "duration": milliseconds, "loop": 0}
    with atomic_path(target) as temporary:
        first.save(temporary, format="GIF", **options)
