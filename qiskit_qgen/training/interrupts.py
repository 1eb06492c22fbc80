"""Ctrl-C during training: finish and save the current step first."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class InterruptGuard:
    """Records the first SIGINT instead of raising at once; a second one goes to the previous handler.

    It only acts in the main thread, since signals cannot be handled elsewhere, and a process that ignores SIGINT keeps
    ignoring it. The previous handler is restored when the context ends.
    """

    def __init__(self) -> None:
        self.requested = False
        self._installed = False
        self._former: Any = None

    def __enter__(self) -> InterruptGuard:
        if threading.current_thread() is threading.main_thread():
            self._former = signal.getsignal(signal.SIGINT)
            if callable(self._former):
                signal.signal(signal.SIGINT, self._handle)
                self._installed = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, self._former)
            self._installed = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            self._former(number, frame)
        self.requested = True
