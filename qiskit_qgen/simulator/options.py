"""The options that all simulations share."""

from __future__ import annotations

import torch

from qiskit_qgen._checks import check_threads
from qiskit_qgen.exceptions import ArgumentError


def check_simulation_options(device: str | torch.device, dtype: torch.dtype, threads: int | None) -> str:
    """Return the name of ``device``, or raise :class:`ArgumentError` unless the simulator can run with the options."""
    name = str(device) if isinstance(device, torch.device) else device
    devices = ["cpu"]
    if torch.cuda.is_available():
        devices += ["cuda", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
    if not isinstance(name, str) or name not in devices:
        found = ", ".join(map(repr, devices)) if len(devices) > 1 else "'cpu', the only device that torch has here"
        raise ArgumentError(f"Argument `device` must be {'one of ' * (len(devices) > 1)}{found}, but is {name!r}.")
    if dtype not in (torch.float32, torch.float64):
        raise ArgumentError(f"Argument `dtype` must be torch.float32 or torch.float64, but is {dtype}.")
    check_threads(threads)
    return name
