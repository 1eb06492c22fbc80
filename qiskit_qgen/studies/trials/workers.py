"""Worker processes with a pinned number of threads."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from typing import Any, Self

import torch

from qiskit_qgen.exceptions import ExecutionError

_ALONE = threading.Lock()


class WorkerStartError(ExecutionError):
    """A worker process could not start, so no other worker will."""


@contextmanager
def pinned_threads(threads: int) -> Iterator[None]:
    """Compute with ``threads`` threads in torch, the simulator (which follows torch) and BLAS.

    The numbers of threads apply to the whole process, so a second thread that enters waits for the first.
    """
    from threadpoolctl import threadpool_limits

    with _ALONE:
        before = torch.get_num_threads()
        try:
            with threadpool_limits(threads):
                torch.set_num_threads(threads)
                yield
        finally:
            torch.set_num_threads(before)


class WorkerProcesses:
    """A pool of ``workers`` processes that runs submitted functions, like the standard library's executors.

    Processes are spawned when the first function is submitted. If a process is killed, its future raises
    :class:`~qiskit_qgen.exceptions.ExecutionError` and the process is replaced; the others continue. The processes end
    with their parent process, even if that is killed. They ignore Ctrl-C, which the caller handles.
    """

    def __init__(self, workers: int) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="worker")
        self._own = threading.local()
        self._all: list[_Worker] = []
        self._lock = threading.Lock()
        self._closed = False

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Run ``function``, which must be importable by name, with picklable arguments."""
        return self._threads.submit(self._run, function, arguments)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Drop waiting functions, and end the processes at once."""
        with self._lock:
            self._closed = True
            for worker in self._all:
                worker.kill()
        self._threads.shutdown(cancel_futures=True)

    def _run(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        worker: _Worker | None = getattr(self._own, "worker", None)
        if worker is None or not worker.alive:
            with self._lock:
                if self._closed:
                    raise CancelledError
                worker = self._own.worker = _Worker()
                self._all.append(worker)
            worker.greet()
        return worker.run(function, arguments)


class _Worker:
    """One process, and the pipe to it."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,))
        self._process.start()
        theirs.close()
        self.alive = True

    def greet(self) -> None:
        """Wait until the process is ready."""
        try:
            self._connection.recv()
        except (EOFError, ConnectionError):
            raise WorkerStartError(
                f"A worker process ended with exit code {self._exit_code()} before it was ready; a script that uses "
                'workers must do so below `if __name__ == "__main__":`.'
            ) from None

    def run(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Run ``function`` in the process and return its result."""
        try:
            self._connection.send((function, arguments))
            result, error = self._connection.recv()
        except (EOFError, ConnectionError):
            raise ExecutionError(f"its worker process was ended from outside, exit code {self._exit_code()}") from None
        if error is not None:
            raise ExecutionError(error)
        return result

    def kill(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()

    def _exit_code(self) -> int | None:
        self.alive = False
        self._process.join()
        return self._process.exitcode


def _serve(connection: Connection) -> None:
    """Run functions received through ``connection`` until it is closed; the main function of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    connection.send("ready")
    while True:
        try:
            function, arguments = connection.recv()
        except EOFError:
            return
        try:
            connection.send((function(*arguments), None))
        except Exception as error:
            connection.send((None, f"{type(error).__name__}: {error}"))


def _end_with_parent() -> None:
    """End this process as soon as its parent has ended, even in the middle of its work."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
