"""Fashion-MNIST, complete: 60,000 train and 10,000 test pictures of clothes, 28 x 28, ten classes.

Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
Algorithms", arXiv 1708.07747. MIT licence.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import torch
from torch import Tensor

from qiskit_qgen._typing import PathLike
from qiskit_qgen.datasets.bundled import FASHION_MNIST_CLASSES
from qiskit_qgen.datasets.idx import read_idx
from qiskit_qgen.datasets.image_dataset import ImageDataset
from qiskit_qgen.exceptions import DatasetError

URL_VARIABLE = "QISKIT_QGEN_FASHION_MNIST_URL"
"""The environment variable that names another address to download from, such as a mirror."""

OFFICIAL_URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
"""Where the authors publish the four files."""

DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package ``dataset-fashion-mnist`` puts the four files."""

FILES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}
"""The names of the files with the images and the labels of each split."""

# SHA-256 of the official .gz files, to check downloads.
_DOWNLOAD_SHA256 = {
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}
# SHA-256 of the values alone: Debian's files are packed anew, and MNIST's files have the same names and shapes.
_CONTENT_SHA256 = {
    "train-images-idx3-ubyte.gz": "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
    "train-labels-idx1-ubyte.gz": "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
    "t10k-images-idx3-ubyte.gz": "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
    "t10k-labels-idx1-ubyte.gz": "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
}
_TIMEOUT = 30.0


def load_fashion_mnist(split: str, data_dir: PathLike | None) -> ImageDataset:
    """Return one split of the complete Fashion-MNIST.

    The files are taken from ``data_dir`` if it is given, else from Debian's package if it is installed, else from the
    cache (``pooch.os_cache("qiskit_qgen")``), into which they are downloaded the first time, with a progress bar.

    Args:
        split: "train" (60,000 pictures) or "test" (10,000 pictures).
        data_dir: A folder with the official files, gzipped or not, or None.

    Raises:
        DatasetError: If a file is missing, cannot be downloaded, or does not hold Fashion-MNIST.
    """
    if data_dir is not None:
        paths = [_find(Path(data_dir), name) for name in FILES[split]]
    elif DEBIAN_FOLDER.is_dir():
        paths = [_find(DEBIAN_FOLDER, name) for name in FILES[split]]
    else:
        paths = [_download(name) for name in FILES[split]]
    images, labels = (_read_checked(path, name) for path, name in zip(paths, FILES[split], strict=True))
    return ImageDataset(images, labels, "fashion-mnist", split, FASHION_MNIST_CLASSES)


def _find(folder: Path, name: str) -> Path:
    """Return the path of an official file in ``folder``, gzipped or not."""
    for candidate in (folder / name, folder / name.removesuffix(".gz")):
        if candidate.is_file():
            return candidate
    raise DatasetError(f"Folder {folder} must hold Fashion-MNIST's files, but lacks {name}.")


def _download(name: str) -> Path:
    """Return the path of an official file in the cache, after downloading it if it is not there."""
    import pooch

    url = os.environ.get(URL_VARIABLE) or OFFICIAL_URL
    cache = pooch.create(pooch.os_cache("qiskit_qgen"), url.rstrip("/") + "/", registry=_DOWNLOAD_SHA256)
    try:
        return Path(cache.fetch(name, downloader=pooch.HTTPDownloader(progressbar=True, timeout=_TIMEOUT)))
    # Failed connections and disks are OSErrors; a wrong checksum is a ValueError, as is an address that is none.
    except (OSError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(". ")
        raise DatasetError(
            f"Fashion-MNIST's file {name} could not be downloaded from {url} ({reason}); try again later, pass a "
            f"folder with the four files as `data_dir`, or name a mirror in the environment variable {URL_VARIABLE}."
        ) from error


def _read_checked(path: Path, name: str) -> Tensor:
    """Return the array in ``path`` if it is the one that the official file ``name`` holds."""
    array = read_idx(path)
    if hashlib.sha256(array.tobytes()).hexdigest() != _CONTENT_SHA256[name]:
        raise DatasetError(
            f"File {path} does not hold what Fashion-MNIST's {name} holds; "
            "note that MNIST and other data sets use the same names."
        )
    return torch.from_numpy(array)
