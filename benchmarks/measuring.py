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


def time_alternating(functions, repeats, *, least=0.1, settle=0.1, dropped=None):
    """Return the median seconds of each function, called in turn, and what each returned.

    ``dropped`` names those, given the seconds of each so far, that have no further turn after their first timed one.

    A turn of a function is as many calls as fill ``least`` seconds, at least one, and counts as the median of these.
    The first turn is a warm-up. Before each turn there are ``settle`` seconds of rest, since the threads of the library
    before go on spinning for a while after their work.
    """
    import numpy as np

    turns, results = {name: [] for name in functions}, {}
    left = dict(functions)
    for turn in range(repeats + 1):
        for name, function in left.items():
            time.sleep(settle)
            seconds = []
            while sum(seconds) < least:
                start = time.perf_counter()
                results[name] = function()
                seconds.append(time.perf_counter() - start)
            turns[name].append(np.median(seconds))
        if turn == 1 and dropped is not None:
            without = dropped({name: values[1] for name, values in turns.items()})
            left = {name: function for name, function in left.items() if name not in without}
    return {name: float(np.median(values[1:])) for name, values in turns.items()}, results
