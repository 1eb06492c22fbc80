"""Files from the network: downloaded once, checked, and kept in the user's cache."""

from __future__ import annotations

import os
from pathlib import Path

from qiskit_qgen.exceptions import DatasetError

_TIMEOUT = 60.0


def download(url: str, checksum: str, *, subject: str, remedy: str, file_name: str | None = None) -> Path:
    """Return the path of a file in the cache, ``pooch.os_cache("qiskit_qgen")``, after downloading it if need be.

    A file in the cache whose checksum is wrong is downloaded anew. What is downloaded is kept only if its checksum is
    right. A progress bar is shown.

    Args:
        url: Where the file is.
        checksum: Its SHA-256, or "md5:" and its MD5.
        subject: What it is, as the beginning of a sentence: "Fashion-MNIST's file train-images-idx3-ubyte.gz".
        remedy: What to do if that fails, as the end of a sentence: "pass a folder with the files as `data_dir`".
        file_name: Its name in the cache; None takes the one in ``url``.

    Raises:
        DatasetError: If the file cannot be downloaded or has another checksum.
    """
    import pooch

    try:
        found = pooch.retrieve(
            url,
            known_hash=checksum,
            fname=file_name or url.rsplit("/", 1)[-1],
            path=pooch.os_cache("qiskit_qgen"),
            downloader=pooch.HTTPDownloader(progressbar=True, timeout=_TIMEOUT),
        )
    # Failed connections and disks are OSErrors; a wrong checksum is a ValueError, as is an address that is none.
    except (OSError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(". ")
        raise DatasetError(
            f"{subject} could not be downloaded from {url} ({reason}); try again later, or {remedy}."
        ) from error
    return Path(found)


def address(variable: str, official: str) -> str:
    """Return the address in the environment variable ``variable``, or else the ``official`` one."""
    return os.environ.get(variable) or official
