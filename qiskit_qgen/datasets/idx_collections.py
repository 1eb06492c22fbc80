"""MNIST and its relatives: four IDX files that always have the same names and differ only in content."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from qiskit_qgen._typing import PathLike
from qiskit_qgen.datasets.bundled import FASHION_MNIST_CLASSES
from qiskit_qgen.datasets.downloads import download
from qiskit_qgen.datasets.idx import read_idx
from qiskit_qgen.datasets.image_dataset import ImageDataset
from qiskit_qgen.datasets.subsets import subset_rows
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
        url_variable: The environment variable that overrides the address, for example with a mirror.
        class_names: The names of labels 0 to 9.
        packed: SHA-256 of each official ``.gz`` file, to check downloads.
        unpacked: SHA-256 of each file unpacked: the files of all relatives have the same names and shapes.
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

    def load(
        self, split: str, data_dir: PathLike | None, num_images: int | None = None, subset_seed: int = 0
    ) -> ImageDataset:
        """Return one split.

        The files come from ``data_dir`` if it is given, else from the operating system's package if it is installed,
        else from the cache, to which they are downloaded the first time.

        Args:
            split: "train" or "test".
            data_dir: A folder with the official files, gzipped or not, or None.
            num_images: Number of images to draw; only these are converted to floating point. None takes all.
            subset_seed: Seed of the draw.

        Raises:
            ArgumentError: If ``num_images`` or ``subset_seed`` is out of range.
            DatasetError: If a file is missing, cannot be downloaded, or has the wrong content.
        """
        if data_dir is not None:
            paths = [self._find(Path(data_dir), name) for name in FILES[split]]
        elif self.installed is not None and self.installed.is_dir():
            paths = [self._find(self.installed, name) for name in FILES[split]]
        else:
            paths = [self._download(name) for name in FILES[split]]
        images, labels = (self._read(path, name) for path, name in zip(paths, FILES[split], strict=True))
        rows = subset_rows(len(images), num_images, subset_seed)
        if rows is not None:
            images, labels = images[rows], labels[rows]
        return ImageDataset(images, labels, self.name, split, self.class_names)

    def _find(self, folder: Path, name: str) -> Path:
        """Return the path of an official file in ``folder``, gzipped or not."""
        dotted = name.replace("-idx", ".idx")  # as older tools unpack them
        for candidate in (folder / each for full in (name, dotted) for each in (full, full.removesuffix(".gz"))):
            if candidate.is_file():
                return candidate
        raise DatasetError(f"Folder {folder} must hold {self.title}'s files, but lacks {name}.")

    def _download(self, name: str) -> Path:
        return download(
            self.url,
            self.url_variable,
            self.packed[name],
            subject=f"{self.title}'s file {name}",
            files="the four files",
            file_name=f"{self.name}-{name}",
            path=name,
        )

    def _read(self, path: Path, name: str) -> Tensor:
        """Return the array in ``path`` if it is that of the official file ``name``."""
        array = read_idx(path)
        header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
        if hashlib.sha256(header + array.tobytes()).hexdigest() != self.unpacked[name]:
            raise DatasetError(
                f"File {path} does not hold what {self.title}'s {name} holds; note that MNIST, Fashion-MNIST and other "
                "data sets use the same names."
            )
        return torch.from_numpy(array)


MNIST = IdxCollection(
    name="mnist",
    title="MNIST",
    url="https://ossci-datasets.s3.amazonaws.com/mnist/",
    url_variable="QISKIT_QGEN_MNIST_URL",
    class_names=tuple("0123456789"),
    packed={
        "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    },
    unpacked={
        "train-images-idx3-ubyte.gz": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte.gz": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte.gz": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte.gz": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
)
"""60,000 train and 10,000 test images of handwritten digits, 28 x 28, ten classes.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits". The author's address no longer
    serves the files to everybody; this is the copy that torchvision downloads.
"""

FASHION_MNIST = IdxCollection(
    name="fashion-mnist",
    title="Fashion-MNIST",
    url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    url_variable="QISKIT_QGEN_FASHION_MNIST_URL",
    class_names=FASHION_MNIST_CLASSES,
    packed={
        "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
    unpacked={
        "train-images-idx3-ubyte.gz": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte.gz": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte.gz": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte.gz": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
    installed=Path("/usr/share/datasets/fashion-mnist"),
)
"""60,000 train and 10,000 test images of clothing, 28 x 28, ten classes.

Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
Algorithms", arXiv 1708.07747. MIT licence. Debian's package ``dataset-fashion-mnist`` holds it, repackaged.
"""
