"""Where files are kept that can be made again."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "QISKIT_QGEN_CACHE"
"""The environment variable that names another folder than the platform's."""


def cache_folder(name: str) -> Path:
    """Return a folder in the one that ``QISKIT_QGEN_CACHE`` names, or in the platform's cache of `qiskit_qgen`."""
    import pooch

    return Path(os.environ.get(CACHE_VARIABLE) or pooch.os_cache("qiskit_qgen")) / name
