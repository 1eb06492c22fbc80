"""Files from the network: downloaded once, checked, and kept in the user's cache."""

from __future__ import annotations

import os
from pathlib import Path

from qiskit_qgen.exceptions import DatasetError

_TIMEOUT = 60.0


def download(
    official: str, variable: str, checksum: str, *, subject: str, files: str, file_name: str, path: str = ""
) -> Path:
    """Return the path of a file in the cache, ``pooch.os_cache("qiskit_qgen")``; download it if necessary.

    A cached file with a wrong checksum is downloaded again. A download is kept only if its checksum is right. A
    progress bar is shown.

    Args:
        official: The address where its authors publish it.
        variable: The environment variable that overrides the address, for example with a mirror.
        checksum: Its SHA-256, or "md5:" and its MD5.
        subject: What the file is, as the beginning of a sentence: "Fashion-MNIST's file train-images-idx3-ubyte.gz".
        files: The contents of the folder that can be passed instead: "the four files".
        file_name: Its name in the cache.
        path: Appended to the address, after a slash.

    Raises:
        DatasetError: If the file cannot be downloaded or has another checksum.
    """
    import pooch

    address = os.environ.get(variable) or official
    url = f"{address.rstrip('/')}/{path}" if path else address
    try:
        found = pooch.retrieve(
            url,
            known_hash=checksum,
            fname=file_name,
            path=pooch.os_cache("qiskit_qgen"),
            downloader=pooch.HTTPDownloader(progressbar=True, timeout=_TIMEOUT),
        )
    # Failed connections and disks raise OSError; a wrong checksum or an invalid address raises ValueError.
    except (OSError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(". ")
        raise DatasetError(
            f"{subject} could not be downloaded from {url} ({reason}); try again later, or pass a folder with {files} "
            f"as `data_dir`, or name a mirror in the environment variable {variable}."
        ) from error
    return Path(found)
