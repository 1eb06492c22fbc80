"""A pool of threads for the kernels, which release the GIL, and how many of them there are.

numba's own threading layers abort when used from two threads at once and break after a fork; data loaders and servers
do both.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TypeVar

import torch

T = TypeVar("T")

_CIRCUIT_THREADS: ContextVar[int | None] = ContextVar("circuit_threads", default=None)


def default_threads() -> int:
    """Return the number of threads for circuits that none is given for: that of torch, outside of the context below."""
    return _CIRCUIT_THREADS.get() or torch.get_num_threads()


@contextmanager
def torch_on_one_thread() -> Iterator[None]:
    """Let torch compute on one thread while the context lasts, and circuits on as many as before.

    The threads of OpenMP wait for each other in every product of matrices, however small. Where they do not all have a
    core of their own, each of these waits lasts until the operating system lets the last one run.
    """
    threads = torch.get_num_threads()
    token = _CIRCUIT_THREADS.set(default_threads())
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        _CIRCUIT_THREADS.reset(token)


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
