"""MNIST and its relatives: four IDX files of always the same names, told apart by their content alone."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from qiskit_qgen._typing import PathLike
from qiskit_qgen.datasets.downloads import address, download
from qiskit_qgen.datasets.idx import read_idx
from qiskit_qgen.datasets.image_dataset import ImageDataset
from qiskit_qgen.exceptions import DatasetError

FILES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}
"""The names of the files with the images and the labels of each split."""


@dataclass(frozen=True)
class IdxCollection:
    """A data set in four IDX files.

    Attributes:
        name: Its name for :func:`~qiskit_qgen.datasets.load_dataset`; its files in the cache begin with it.
        title: Its name in sentences.
        url: Where its files are downloaded from.
        url_variable: The environment variable that names another address, such as a mirror.
        class_names: The names of labels 0 to 9.
        packed: SHA-256 of each official ``.gz`` file, to check downloads.
        unpacked: SHA-256 of each file unpacked: all relatives have the same names and shapes.
        installed: Where the operating system's package puts the files; None if there is no such package.
    """

    name: str
    title: str
    url: str
    url_variable: str
    class_names: tuple[str, ...]
    packed: Mapping[str, str]
    unpacked: Mapping[str, str]
    installed: Path | None = None

    def load(self, split: str, data_dir: PathLike | None) -> ImageDataset:
        """Return one split.

        The files are taken from ``data_dir`` if it is given, else from the operating system's package if it is
        installed, else from the cache, into which they are downloaded the first time.

        Args:
            split: "train" or "test".
            data_dir: A folder with the official files, gzipped or not, or None.

        Raises:
            DatasetError: If a file is missing, cannot be downloaded, or does not hold what it should.
        """
        if data_dir is not None:
            paths = [self._find(Path(data_dir), name) for name in FILES[split]]
        elif self.installed is not None and self.installed.is_dir():
            paths = [self._find(self.installed, name) for name in FILES[split]]
        else:
            paths = [self._download(name) for name in FILES[split]]
        images, labels = (self._read(path, name) for path, name in zip(paths, FILES[split], strict=True))
        return ImageDataset(images, labels, self.name, split, self.class_names)

    def _find(self, folder: Path, name: str) -> Path:
        """Return the path of an official file in ``folder``, gzipped or not."""
        for candidate in (folder / name, folder / name.removesuffix(".gz")):
            if candidate.is_file():
                return candidate
        raise DatasetError(f"Folder {folder} must hold {self.title}'s files, but lacks {name}.")

    def _download(self, name: str) -> Path:
        return download(
            f"{address(self.url_variable, self.url).rstrip('/')}/{name}",
            self.packed[name],
            subject=f"{self.title}'s file {name}",
            remedy=(
                "pass a folder with the four files as `data_dir`, or name a mirror in the environment variable "
                f"{self.url_variable}"
            ),
            file_name=f"{self.name}-{name}",
        )

    def _read(self, path: Path, name: str) -> Tensor:
        """Return the array in ``path`` if it is the one that the official file ``name`` holds."""
        array = read_idx(path)
        header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
        if hashlib.sha256(header + array.tobytes()).hexdigest() != self.unpacked[name]:
            raise DatasetError(
                f"File {path} does not hold what {self.title}'s {name} holds; note that MNIST, Fashion-MNIST and other "
                "data sets use the same names."
            )
        return torch.from_numpy(array)
