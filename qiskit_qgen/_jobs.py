"""Jobs of what is simulated at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import torch
from qiskit.primitives import PrimitiveJob

ResultT = TypeVar("ResultT")


class FinishedJob(PrimitiveJob[ResultT]):
    """A job that is finished when it is made.

    Small circuits take less time than the thread that Qiskit's ``PrimitiveJob`` starts for each job. What the work
    raises comes out of :meth:`result`, as there.

    Args:
        work: What to do, with gradients enabled: within a backward pass, where networks run gradients, they are not.
        arguments: Its arguments.
        options: Its keyword arguments.
    """

    def __init__(self, work: Callable[..., ResultT], *arguments: Any, **options: Any) -> None:
        super().__init__(work, *arguments, **options)
        self._future: Future[ResultT] = Future()
        try:
            with torch.enable_grad():
                self._future.set_result(work(*arguments, **options))
        except Exception as error:
            self._future.set_exception(error)
