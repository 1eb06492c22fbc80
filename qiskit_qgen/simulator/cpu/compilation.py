"""How kernels are compiled: by numba, when first used, and kept on disk where that is possible."""

from __future__ import annotations

import logging
import pickle
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from numba import njit
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.event import Listener, register

_LOGGER = logging.getLogger("qiskit_qgen")
_KERNELS: set[object] = set()

helper = njit(nogil=True, error_model="numpy", boundscheck=False)
inlined = njit(nogil=True, error_model="numpy", boundscheck=False, inline="always")


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function at its first call, or load it from disk; without a place on disk, compile it each time."""
    compiled: Any = helper(function)
    _KERNELS.add(compiled)
    try:
        compiled._cache = _Cache(function)
    except RuntimeError:  # neither the package's folder nor the user's can be written
        _warn_of_missing_cache()
    return compiled


class _Cache(FunctionCache):
    """numba's cache on disk, whose failures cost time only: of a full or damaged disk, or names that have moved.

    A kernel is compiled again if any of the modules here has changed: it is made of functions of several.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        files = [file.stat() for file in sorted(Path(__file__).parent.glob("*.py"))]
        stamp = (self._impl.locator.get_source_stamp(), [(file.st_mtime, file.st_size) for file in files])
        self._cache_file = IndexDataCacheFile(self._cache_path, self._impl.filename_base, stamp)  # type: ignore[no-untyped-call]

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except OSError:
            return None
        except (EOFError, pickle.UnpicklingError, ImportError, AttributeError):  # it names classes that have moved
            with suppress(OSError):
                self.flush()  # type: ignore[no-untyped-call]
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]
        except (OSError, EOFError, pickle.UnpicklingError):
            _warn_of_missing_cache()


@cache
def _warn_of_missing_cache() -> None:
    warnings.warn(
        "The simulator's compiled kernels cannot be kept on disk, so that each process compiles them again, about 10 "
        "seconds for either precision: set the environment variable NUMBA_CACHE_DIR to a folder that can be written.",
        stacklevel=2,
    )


@cache
def _announce() -> None:
    _LOGGER.warning("Compiling kernels of the simulator at their first use; about 10 seconds for either precision.")


class _Announcer(Listener):
    """Says, once, why it takes so long, when numba begins to compile a kernel: not when it loads one."""

    def on_start(self, event: Any) -> None:
        if event.data["dispatcher"] in _KERNELS:
            _announce()

    def on_end(self, event: Any) -> None:  # noqa: ARG002
        return


register("numba:compile", _Announcer())  # type: ignore[no-untyped-call]
