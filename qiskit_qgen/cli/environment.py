"""What a result depends on besides its settings: versions, processor, threads."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

CORE = (
    "qiskit",
    "qiskit-machine-learning",
    "qiskit-aer",
    "qiskit-ibm-runtime",
    "torch",
    "torchmetrics",
    "numpy",
    "scipy",
    "numba",
    "scikit-image",
    "scikit-learn",
    "safetensors",
    "matplotlib",
)


def versions() -> dict[str, str | None]:
    """Return the versions of Python, of this package and of what it builds on; None for what is not installed."""
    from qiskit_qgen import __version__

    return {
        "python": platform.python_version(),
        "qiskit_qgen": __version__,
        **{name: installed_version(name) for name in CORE},
    }


def installed_version(name: str) -> str | None:
    """Return the version of an installed distribution, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def machine() -> dict[str, Any]:
    """Return the system, the processor, and how many cores and threads there are to use."""
    import torch

    return {
        "system": platform.platform(),
        "processor": f"{platform.machine()} ({torch.backends.cpu.get_cpu_capability()})",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
    }
