"""The folder for files that can be recreated."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "QISKIT_QGEN_CACHE"
"""The environment variable that overrides the platform's cache folder."""


def cache_folder(name: str) -> Path:
    """Return a subfolder of ``QISKIT_QGEN_CACHE``, or of the platform's cache of `qiskit_qgen`."""
    import pooch

    return Path(os.environ.get(CACHE_VARIABLE) or pooch.os_cache("qiskit_qgen")) / name
