"""SAT-4: 400,000 train and 100,000 test tiles of aerial images, 28 x 28 in red, green, blue and near infrared.

Source: S. Basu et al., "DeepSat: a Learning Framework for Satellite Imagery", arXiv 1509.03602. The authors distribute
    the data as one MATLAB file with 1.5 GB of values, which is never held in memory as a whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from qiskit_qgen._typing import PathLike
from qiskit_qgen.datasets.image_dataset import ImageDataset
from qiskit_qgen.datasets.matlab import MatVariable, read_variables
from qiskit_qgen.datasets.reading import check_fits_memory
from qiskit_qgen.datasets.streamed import StreamedImages
from qiskit_qgen.datasets.subsets import subset_rows
from qiskit_qgen.exceptions import DatasetError

SAT4_CLASSES = ("barren land", "trees", "grassland", "none")
"""The names of the labels, in the order of the file's one-hot vectors."""

FILE_NAME = "sat-4-full.mat"
_PIXELS = (28, 28, 4)


def load_sat4(
    split: str, data_dir: PathLike | None, num_images: int | None, subset_seed: int, *, stream: bool = False
) -> ImageDataset:
    """Return tiles of one split, (N, 4, 28, 28), with labels.

    Args:
        split: "train" or "test".
        data_dir: The file ``sat-4-full.mat``, or the folder that holds it.
        num_images: Number of tiles to draw; None takes all, which need 5 GB for "train", or 1.3 GB with ``stream``.
        subset_seed: Seed of the draw.
        stream: Whether to keep tiles as stored, in uint8, and convert them to float32 on demand.

    Raises:
        ArgumentError: If ``num_images`` or ``subset_seed`` is out of range.
        DatasetError: If no file is given, or it is missing, damaged or not SAT-4, or the tiles exceed the memory.
    """
    path = _find(data_dir)
    variables = read_variables(path)
    tiles, one_hot = (_variable(variables, f"{split}_{part}", path) for part in "xy")
    if tiles.shape[:3] != _PIXELS or len(tiles.shape) != 4 or tiles.dtype != np.uint8:
        raise DatasetError(f"File {path} is not SAT-4: `{tiles.name}` is not a uint8 array of shape (28, 28, 4, N).")
    count = tiles.shape[3]
    if one_hot.shape != (len(SAT4_CLASSES), count):
        raise DatasetError(f"File {path} is not SAT-4: `{one_hot.name}` has shape {one_hot.shape}, not (4, {count}).")
    drawn = subset_rows(count, num_images, subset_seed)
    rows = np.arange(count) if drawn is None else drawn.numpy()
    check_fits_memory(len(rows) * int(np.prod(_PIXELS)) // (4 if stream else 1), path, itemsize=int(not stream))
    labels = _labels(np.concatenate(list(one_hot.blocks())), one_hot.name, path)
    stored = _gather(tiles, rows)
    images: Any = StreamedImages(stored.__getitem__, stored.shape, f"File {path}")
    if not stream:
        images = torch.from_numpy(stored).float().div_(255)
    return ImageDataset(images, torch.from_numpy(labels[rows]), "sat-4", split, SAT4_CLASSES)


def _find(data_dir: PathLike | None) -> Path:
    if data_dir is None:
        raise DatasetError(f"SAT-4 has no address to download from: pass the file {FILE_NAME} as `data_dir`.")
    path = Path(data_dir)
    path = path / FILE_NAME if path.is_dir() else path
    if not path.is_file():
        raise DatasetError(f"File {path} does not exist; `data_dir` must be SAT-4's {FILE_NAME} or its folder.")
    return path


def _variable(variables: dict[str, MatVariable], name: str, path: Path) -> MatVariable:
    if name not in variables:
        raise DatasetError(f"File {path} is not SAT-4: it lacks the variable `{name}`.")
    return variables[name]


def _labels(one_hot: NDArray[np.generic], name: str, path: Path) -> NDArray[np.int64]:
    """Return the labels of rows (N, 4) that are one-hot."""
    if not (((one_hot == 0) | (one_hot == 1)).all() and (one_hot.sum(1) == 1).all()):
        raise DatasetError(f"File {path} is not SAT-4: the columns of `{name}` are not one-hot.")
    labels: NDArray[np.int64] = one_hot.argmax(1)
    return labels


def _gather(tiles: MatVariable, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the tiles of these numbers, (N, 4, 28, 28), in one pass over the file."""
    images = np.empty((len(rows), 4, 28, 28), np.uint8)
    places = np.argsort(rows)
    wanted = rows[places]
    start = 0
    for block in tiles.blocks():
        first, last = np.searchsorted(wanted, [start, start + len(block)])
        # MATLAB's columns run fastest: (n, band, column, row).
        chosen = block.reshape(len(block), 4, 28, 28)[wanted[first:last] - start]
        images[places[first:last]] = chosen.transpose(0, 1, 3, 2)
        start += len(block)
    return images
