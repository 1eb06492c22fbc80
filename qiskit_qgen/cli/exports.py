"""What ``qgen sample`` writes: a grid, a folder of images, arrays, an animation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qiskit_qgen._checks import check_folder, check_new_file
from qiskit_qgen.exceptions import ArgumentError

GRID, ANIMATION, ARRAYS, TABLES = ".png", ".gif", (".npy", ".npz"), (".csv", ".parquet")
_SUFFIXES = (GRID, ANIMATION, *ARRAYS, *TABLES)
_KEYS = 3  # noise vectors that an animation goes over
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def check_target(out: Path) -> None:
    """Refuse what cannot be written, before anything is imported that takes long.

    Raises:
        ArgumentError: If ``out`` has an unknown suffix, or is a folder that holds anything.
        MissingOptionalLibraryError: If a table cannot be written without pandas.
    """
    if out.suffix in _SUFFIXES:
        check_new_file("--out", out)
        if out.suffix in TABLES:
            from qiskit_qgen.optionals import HAS_PANDAS

            HAS_PANDAS.require_now(f"{out.suffix} files")
        return
    if out.suffix:
        raise ArgumentError(
            f"Option --out must name a folder, or a file that ends in {', '.join(_SUFFIXES)}, but is {out}."
        )
    check_folder("--out", out)
    if out.is_dir() and any(out.iterdir()):
        raise ArgumentError(f"Folder {out} must be empty or new to be filled with images: choose another with --out.")


def write_samples(samples: Any, out: Path, columns: int | None, **about: Any) -> None:
    """Write images, or rows of a table, in the form that the name ``out`` asks for.

    Args:
        samples: What the model made, or, for the suffix of a table, its frame.
        out: File or folder to write; see :func:`check_target`.
        columns: Images in a row of a grid; None makes it about square.
        **about: What an ``.npz`` file holds beside the samples; None leaves one out.

    Raises:
        ArgumentError: If images have a number of channels that no image file has.
    """
    from qiskit_qgen.persistence import atomic_path

    if not out.suffix:
        _write_folder(samples, out)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(out) as temporary:
        if out.suffix in ARRAYS:
            _write_arrays(samples.numpy(), temporary, {name: each for name, each in about.items() if each is not None})
        elif out.suffix in TABLES:
            from qiskit_qgen.datasets.table_files import write_frame

            write_frame(samples, temporary, out.suffix)
        else:
            from qiskit_qgen.plotting import plot_images

            plot_images(samples, columns=columns).savefig(temporary)


def _write_arrays(samples: Any, path: Path, about: dict[str, Any]) -> None:
    import numpy as np

    if path.suffix == ".npy":
        np.save(path, samples, allow_pickle=False)
    else:
        np.savez_compressed(path, allow_pickle=False, **{"images" if samples.ndim == 4 else "rows": samples}, **about)


def _write_folder(samples: Any, out: Path) -> None:
    """Write an image file for each sample."""
    from PIL import Image

    from qiskit_qgen.persistence import atomic_folder

    mode = _MODES.get(samples.shape[1])
    if mode is None:
        raise ArgumentError(
            f"Images of {samples.shape[1]} channels must be written as arrays, as no PNG file holds them: name a file "
            "that ends in .npz."
        )
    pixels = samples.mul(255).round().byte().permute(0, 2, 3, 1).numpy()
    digits = max(4, len(str(len(pixels) - 1)))
    with atomic_folder(out) as staging:
        for number, each in enumerate(pixels):
            Image.fromarray(each[..., 0] if mode == "L" else each, mode).save(staging / f"{number:0{digits}}.png")


def write_animation(
    model: Any,
    out: Path,
    columns: int | None,
    *,
    number: int,
    frames: int,
    seed: int,
    truncation: float,
    **options: Any,
) -> None:
    """Write a GIF of ``number`` images, each of which follows its noise over three vectors and back to the first.

    Args:
        model: The model.
        out: File to write.
        columns: Images in a row; None makes the grid about square.
        number: Number of images.
        frames: Number of frames, at least 3.
        seed: Seed of the noise.
        truncation: Factor that the noise is shortened by.
        **options: Those of the model's ``interpolate``.
    """
    import torch

    from qiskit_qgen.plotting import save_animation

    keys = list(model.draw_noise(_KEYS * number, seed=seed).split(number))
    categories = model.noise.num_categories
    size = model.noise_dim - categories
    for key in keys:
        key[:, :size] *= truncation
        key[:, size:] = keys[0][:, size:]  # an image stays in its category
    lengths = [frames // _KEYS + (part < frames % _KEYS) for part in range(_KEYS)]
    ways = [
        model.interpolate(keys[part], keys[(part + 1) % _KEYS], length + 1, **options)[:, :-1]
        for part, length in enumerate(lengths)
    ]
    out.parent.mkdir(parents=True, exist_ok=True)
    save_animation(torch.cat(ways, 1), out, columns=columns)
