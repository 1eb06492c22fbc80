"""Data-parallel training: communication between the ranks, the processes that ``torchrun`` starts.

Every rank holds the whole model and all data. All ranks draw the same batch, noise and factors, since all randomness
follows from the seed and the step. Each works on an equal part of the rows (:func:`part_of`). Losses are means over
rows, so the mean of the ranks' gradients (:func:`average_gradients`) is the gradient of the whole batch, and equal
optimizers keep equal weights equal. This is what ``DistributedDataParallel`` does: weights of rank 0 at the start, one
all-reduce of flattened gradients per update, division by the number of ranks. That class itself does not fit: it
averages what one ``backward`` through its own ``forward`` leaves in ``.grad``, and is documented not to work with
``torch.autograd.grad``, which gradient penalties need; nor does it support networks that are called several times
before an update, or gradients that accumulate in only one of two networks. We give up its overlap of communication with
the backward pass.

Without ``torchrun`` there is one rank, and nothing here communicates.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from qiskit_qgen._checks import check_int
from qiskit_qgen.exceptions import ArgumentError, ParallelError

T = TypeVar("T")

_LAUNCHER = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
# Ranks wait while rank 0 scores samples or queues for a device; one that dies is noticed by its closed sockets.
_PATIENCE = timedelta(days=1)
_ALONE: ContextVar[bool] = ContextVar("alone", default=False)


def join() -> None:
    """Join the other processes if ``torchrun`` has started this one; the first call connects, later ones do nothing.

    CPU tensors are exchanged by gloo, CUDA tensors by NCCL; each process on a computer takes a different GPU.

    Raises:
        ParallelError: If the others cannot be reached, or this process left them after a failure.
    """
    if dist.is_initialized() or not _launched():
        return
    if _Left.reason is not None:
        raise ParallelError(
            f"This process left the others after a failure ({_Left.reason}): start all processes again with torchrun."
        )
    backend = "gloo"
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
        backend = "cpu:gloo,cuda:nccl"
    with _told():
        dist.init_process_group(backend, timeout=_PATIENCE)
    atexit.register(leave, "the process ends")


def _launched() -> bool:
    return all(name in os.environ for name in _LAUNCHER) and int(os.environ["WORLD_SIZE"]) > 1


class _Left:
    reason: str | None = None


def leave(reason: str) -> None:
    """Close the connections to the other ranks; ranks that wait for this one then fail at once."""
    if dist.is_initialized():
        _Left.reason = reason
        dist.destroy_process_group()


def world_size() -> int:
    """Return the number of processes that train together; 1 without ``torchrun``, and within :func:`alone`."""
    return dist.get_world_size() if dist.is_initialized() and not _ALONE.get() else 1


def rank() -> int:
    """Return the number of this process, from 0; 0 within :func:`alone`."""
    return dist.get_rank() if dist.is_initialized() and not _ALONE.get() else 0


def is_main() -> bool:
    """Return whether this process writes files and shows progress; also works before :func:`join`."""
    if dist.is_initialized():
        return dist.get_rank() == 0
    return not _launched() or os.environ["RANK"] == "0"


@contextmanager
def alone() -> Iterator[None]:
    """Let this process compute as if it were the only one, without the others."""
    token = _ALONE.set(True)
    try:
        yield
    finally:
        _ALONE.reset(token)


@contextmanager
def rank_threads() -> Iterator[None]:
    """Divide the computer's cores among its processes inside the context.

    ``torchrun`` gives each process one thread unless ``OMP_NUM_THREADS`` is set; a number above one there is kept.
    """
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    former = torch.get_num_threads()
    if world_size() > 1 and os.environ.get("OMP_NUM_THREADS", "1") == "1":
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        torch.set_num_threads(max(cores // local, 1))
    try:
        yield
    finally:
        torch.set_num_threads(former)


def check_divisible(name: str, value: int) -> int:
    """Return ``value`` if it can be divided equally among the ranks.

    Raises:
        ArgumentError: If it is not a positive integer, or not divisible by their number.
    """
    check_int(name, value, minimum=1)
    if value % world_size():
        raise ArgumentError(
            f"Argument `{name}` must be divisible by {world_size()}, the number of processes, but is {value}."
        )
    return value


def part() -> tuple[int, int]:
    """Return this rank's part of a batch: its index and the number of equal parts."""
    return rank(), world_size()


def part_of(batch: Tensor) -> Tensor:
    """Return this rank's rows of ``batch`` (N, ...), whose N is divisible by the number of ranks."""
    return batch if world_size() == 1 else batch.chunk(world_size())[rank()]


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace the gradients of ``parameters`` with their means over the ranks, in one exchange per kind of tensor."""
    if world_size() == 1:
        return
    buckets: dict[tuple[torch.device, torch.dtype], list[Tensor]] = {}
    for parameter in parameters:
        if parameter.grad is not None:
            buckets.setdefault((parameter.grad.device, parameter.grad.dtype), []).append(parameter.grad)
    for gradients in buckets.values():
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        _sum(flat)
        flat /= world_size()
        for gradient, mean in zip(gradients, flat.split([each.numel() for each in gradients]), strict=True):
            gradient.copy_(mean.view(gradient.shape))


def average_values(values: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the means over the ranks of scalar tensors by name, in float64."""
    if world_size() == 1 or not values:
        return values
    stacked = torch.stack([value.detach().to("cpu", torch.float64) for value in values.values()])
    _sum(stacked)
    return dict(zip(values, stacked / world_size(), strict=True))


def any_rank(flags: Sequence[bool]) -> list[bool]:
    """Return for each flag whether it is set on any rank."""
    if world_size() == 1:
        return list(flags)
    counts = torch.tensor(flags, dtype=torch.int32)
    _sum(counts)
    return [bool(count) for count in counts]


def gather_rows(rows: Tensor) -> Tensor:
    """Return the rows of all ranks, in their order, (N, ...) to (N * world_size, ...); differentiable once."""
    if world_size() == 1:
        return rows
    gathered: Tensor = _Gathered.apply(rows)  # type: ignore[no-untyped-call]
    return gathered


def total(value: Tensor) -> Tensor:
    """Return the sum of ``value`` over the ranks; differentiable once."""
    if world_size() == 1:
        return value
    summed: Tensor = _Total.apply(value)  # type: ignore[no-untyped-call]
    return summed


def share_tensors(tensors: Iterable[Tensor]) -> None:
    """Overwrite ``tensors`` with those of rank 0."""
    if world_size() == 1:
        return
    with _told():
        for tensor in tensors:
            dense = tensor.detach().contiguous()
            dist.broadcast(dense, 0)
            tensor.detach().copy_(dense)


def broadcast_object(value: T) -> T:
    """Return rank 0's ``value``, which must be picklable."""
    if world_size() == 1:
        return value
    content = [value]
    with _told():
        dist.broadcast_object_list(content, 0, device=torch.device("cpu"))
    return content[0]


def gather_objects(value: T) -> list[T]:
    """Return the ``value`` of every rank, in their order; all must be picklable."""
    found: list[Any] = [value] * world_size()
    if world_size() > 1:
        with _told():
            dist.all_gather_object(found, value)
    return found


@contextmanager
def together() -> Iterator[None]:
    """Raise an error on all ranks if the block, which all ranks run without communicating, raises on one.

    Raises:
        ParallelError: If it raises on another rank, but not on this one.
    """
    failure: Exception | None = None
    try:
        yield
    except Exception as error:
        failure = error
    if any_rank([failure is not None])[0]:
        found = gather_objects(None if failure is None else f"{type(failure).__name__}: {failure}")
        if failure is not None:
            raise failure
        where, what = next((number, text) for number, text in enumerate(found) if text is not None)
        raise ParallelError(f"The process with rank {where} failed with {what}")


def on_main(function: Callable[[], T]) -> T:
    """Return the result of ``function``, which is called only on rank 0.

    Raises:
        ParallelError: On the other ranks, if it raises.
    """
    result: Any = None
    with together():
        if is_main():
            result = function()
    found: T = broadcast_object(result)
    return found


def _sum(tensor: Tensor) -> None:
    with _told():
        dist.all_reduce(tensor)


@contextmanager
def _told() -> Iterator[None]:
    """Summarise in one sentence the error that torch reports when a process is gone."""
    try:
        yield
    except RuntimeError as error:
        raise ParallelError(
            "The connection to another process of this training broke, since that one failed or was ended: see its own "
            f"message. ({str(error).strip().splitlines()[0]})"
        ) from error


class _Gathered(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        ctx.rows = slice(rank() * len(rows), (rank() + 1) * len(rows))
        parts = [torch.empty_like(rows, memory_format=torch.contiguous_format) for _ in range(world_size())]
        with _told():
            dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, cotangent: Tensor) -> Tensor:
        summed = cotangent.contiguous().clone()
        _sum(summed)
        return summed[ctx.rows]


class _Total(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:  # noqa: ARG004
        summed = value.contiguous().clone()
        _sum(summed)
        return summed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, cotangent: Tensor) -> Tensor:  # noqa: ARG004
        summed = cotangent.contiguous().clone()
        _sum(summed)
        return summed
