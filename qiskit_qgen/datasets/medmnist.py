"""MedMNIST: twelve sets of small medical images in the files of the package ``medmnist``, 28 to 224 pixels wide.

``files/medmnist.json`` holds the channels of each set, the names of its classes (null if an image has several labels at
once; these labels are omitted here), and the MD5 of its file in each size, as listed by medmnist 3.0.2. The images are
licensed under CC BY 4.0, those of DermaMNIST under CC BY-NC 4.0. Source: arXiv 2110.14795; doi 10.5281/zenodo.10519652.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from qiskit_qgen._typing import PathLike
from qiskit_qgen.datasets.array_files import load_array_file
from qiskit_qgen.datasets.downloads import download
from qiskit_qgen.datasets.image_dataset import ImageDataset
from qiskit_qgen.exceptions import ArgumentError, DatasetError

URL_VARIABLE = "QISKIT_QGEN_MEDMNIST_URL"
"""The environment variable that overrides the address to download from, such as a mirror."""

OFFICIAL_URL = "https://zenodo.org/records/10519652/files"
"""Where the authors publish the files."""

_ENTRIES: dict[str, Any] = json.loads((files("qiskit_qgen.datasets") / "files" / "medmnist.json").read_bytes())

MEDMNIST_NAMES = tuple(_ENTRIES)
"""The sets of two-dimensional images."""

_DEFAULT_SIZE = "28"


def is_medmnist(name: str) -> bool:
    """Return whether ``name`` is the name of a set, with or without a size."""
    return name.partition("-")[0] in MEDMNIST_NAMES


def load_medmnist(
    name: str, split: str, data_dir: PathLike | None, num_images: int | None = None, subset_seed: int = 0
) -> ImageDataset:
    """Return one split of a set.

    Args:
        name: The set's name, for images of 28 x 28; or the name with another size: "pathmnist-64", "pathmnist-128",
            "pathmnist-224".
        split: "train", "val" or "test".
        data_dir: A folder with the file, such as ``pathmnist_64.npz``; None takes it from the folder ``.medmnist`` in
            the user's home, where the package ``medmnist`` keeps it. If it is not there, the file in the cache is used,
            which is downloaded and checked the first time.
        num_images: Number of images to draw; None takes all.
        subset_seed: Seed of the draw.

    Raises:
        ArgumentError: If there is no such size, or ``num_images`` or ``subset_seed`` is out of range.
        DatasetError: If the file is missing, damaged, holds other images, or cannot be downloaded.
    """
    base, dash, size = name.partition("-")
    entry = _ENTRIES[base]
    size = size if dash else _DEFAULT_SIZE
    if size not in entry["md5"]:
        sizes = ", ".join(repr(f"{base}-{known}") for known in entry["md5"] if known != _DEFAULT_SIZE)
        raise ArgumentError(f"Argument `name` must be {base!r} (28 x 28), {sizes}, but is {name!r}.")
    file_name = f"{base}.npz" if size == _DEFAULT_SIZE else f"{base}_{size}.npz"
    path = _find(file_name, data_dir) or download(
        OFFICIAL_URL,
        URL_VARIABLE,
        f"md5:{entry['md5'][size]}",
        subject=f"MedMNIST's {name}",
        files=f"the file {file_name}",
        file_name=file_name,
        path=f"{file_name}?download=1",
    )
    classes = entry["classes"]
    names = None if classes is None else tuple(classes)
    data = load_array_file(
        path,
        split,
        num_images=num_images,
        subset_seed=subset_seed,
        name=name,
        class_names=names,
        labelled=classes is not None,
    )
    expected = (entry["channels"], int(size), int(size))
    if tuple(data.images.shape[1:]) != expected:
        raise DatasetError(
            f"File {path} must hold images of shape {expected}, but holds {tuple(data.images.shape[1:])}."
        )
    return data


def _find(file_name: str, data_dir: PathLike | None) -> Path | None:
    """Return the file in the given folder, or in the package's folder if it is there."""
    if data_dir is None:
        path = Path.home() / ".medmnist" / file_name
        return path if path.is_file() else None
    path = Path(data_dir) / file_name
    if not path.is_file():
        raise DatasetError(f"Folder {data_dir} must hold MedMNIST's file {file_name}, but does not.")
    return path
