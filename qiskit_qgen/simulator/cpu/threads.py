"""A pool of threads for the kernels, which release the GIL.

numba's own threading layers abort when used from two threads at once and break after a fork; data loaders and servers
do both.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

T = TypeVar("T")


@cache
def _pool(num_workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(num_workers, thread_name_prefix="qiskit_qgen")


# The threads of a pool do not survive a fork: the child makes its own.
os.register_at_fork(after_in_child=_pool.cache_clear)


def run_all(tasks: Iterable[Callable[[], T]], threads: int) -> list[T]:
    """Run the tasks on at most ``threads`` threads, the caller's among them, and return their results in order."""
    pending = list(tasks)
    if threads == 1 or len(pending) == 1:
        return [task() for task in pending]
    queue = iter(list(enumerate(pending)))
    results: dict[int, T] = {}

    def work() -> None:
        for number, task in queue:  # next() of a list's iterator is atomic
            results[number] = task()

    futures = [_pool(threads - 1).submit(work) for _ in range(min(threads, len(pending)) - 1)]
    try:
        work()
    finally:
        for future in futures:
            if not future.cancel():  # one that waits behind other callers' work has nothing left to do
                future.result()
    return [results[number] for number in range(len(pending))]
