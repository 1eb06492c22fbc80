"""How the benchmarks measure, and what they say about the machine."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import time
from pathlib import Path

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def limit_threads(threads):
    """Give all libraries the same number of threads; to be called before they are imported."""
    for variable in THREAD_VARIABLES:
        os.environ[variable] = str(threads)
    import torch

    torch.set_num_threads(threads)


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor() or platform.machine()


def versions(*packages):
    """Return the versions of the packages that are installed."""
    return {name: importlib.metadata.version(name) for name in packages if importlib.util.find_spec(name)}


def time_alternating(functions, repeats, *, least=0.02):
    """Return the median seconds of each function, called in turn, and what each returned.

    A turn of a function is one call, or as many as fill ``least`` seconds. The first turn is a warm-up; the second
    finds the number of calls, and counts as a measurement if that is one.
    """
    import numpy as np

    seconds, results, calls = {name: [] for name in functions}, {}, {}
    while any(len(values) < repeats for values in seconds.values()):
        for name, function in functions.items():
            if len(seconds[name]) == repeats:
                continue
            start = time.perf_counter()
            for _ in range(calls.get(name) or 1):
                results[name] = function()
            elapsed = (time.perf_counter() - start) / (calls.get(name) or 1)
            if name not in calls:
                calls[name] = None
            elif calls[name] is None:
                calls[name] = max(1, round(least / elapsed))
                seconds[name] += [elapsed] * (calls[name] == 1)
            else:
                seconds[name].append(elapsed)
    return {name: float(np.median(values)) for name, values in seconds.items()}, results
