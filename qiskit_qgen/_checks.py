"""Argument checks with one grammar: "Argument `name` must ..., but is ...".

Every public entry point converts, checks, then computes; private code assumes clean input.
"""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from numbers import Integral, Number, Real
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, DatasetError

_MOST_THREADS = 4096


def _is_number(value: Any, kind: type[Integral] | type[Real]) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _number_error(value: Any) -> type[ArgumentError] | type[ArgumentTypeError]:
    """Return the error of a value that is not the number asked for: is it another number, or none at all?"""
    return ArgumentError if isinstance(value, Number) else ArgumentTypeError


def check_int(name: str, value: Any, *, minimum: int, maximum: int | None = None) -> int:
    """Return ``value`` as an ``int`` in [``minimum``, ``maximum``], or raise an error."""
    in_range = _is_number(value, Integral) and value >= minimum
    if not in_range or (maximum is not None and value > maximum):
        if maximum is not None:
            rule = f"an integer from {minimum} to {maximum}"
        elif minimum in (0, 1):
            rule = "a positive integer" if minimum == 1 else "a non-negative integer"
        else:
            rule = f"an integer of at least {minimum}"
        raise _number_error(value)(f"Argument `{name}` must be {rule}, but is {value!r}.")
    return int(value)


def check_threads(threads: int | None) -> None:
    """Raise an error unless ``threads`` is None or a number of threads that a computer can start."""
    if threads is not None and check_int("threads", threads, minimum=1) > _MOST_THREADS:
        check_int("threads", threads, minimum=1, maximum=_MOST_THREADS)


def check_float(
    name: str,
    value: Any,
    *,
    minimum: float = -math.inf,
    maximum: float = math.inf,
    open_minimum: bool = False,
    open_maximum: bool = False,
) -> float:
    """Return ``value`` as a finite ``float`` in the interval, or raise an error."""
    valid = _is_number(value, Real) and math.isfinite(value)
    if valid:
        above = value > minimum if open_minimum else value >= minimum
        below = value < maximum if open_maximum else value <= maximum
        valid = above and below
    if not valid:
        left = "(" if open_minimum or minimum == -math.inf else "["
        right = ")" if open_maximum or maximum == math.inf else "]"
        rule = f"a number in {left}{minimum:g}, {maximum:g}{right}"
        raise _number_error(value)(f"Argument `{name}` must be {rule}, but is {value!r}.")
    return float(value)


def check_choice(name: str, value: Any, choices: Collection[str]) -> str:
    """Return ``value`` if it is one of ``choices``, or raise :class:`ArgumentError`."""
    if not isinstance(value, str) or value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise ArgumentError(f"Argument `{name}` must be one of {listed}, but is {value!r}.")
    return value


def nearest(value: object, known: Iterable[str]) -> str | None:
    """Return what of ``known`` a misspelt ``value`` means, if anything is near."""
    found = difflib.get_close_matches(str(value), list(known), 1, 0.6)
    return found[0] if found else None


def check_type(name: str, value: Any, types: type | tuple[type, ...], rule: str) -> Any:
    """Return ``value`` if it has one of ``types``, or raise :class:`ArgumentTypeError` with ``rule``."""
    if not isinstance(value, types):
        raise ArgumentTypeError(f"Argument `{name}` must be {rule}, but is of type {type(value).__name__}.")
    return value


def check_distinct(name: str, values: Any) -> list[Any]:
    """Return ``values`` as a list of distinct values, at least one, or raise :class:`ArgumentError`."""
    items = list(check_type(name, values, Iterable, "a sequence"))
    if not items or len(set(items)) < len(items) or isinstance(values, str):
        raise ArgumentError(f"Argument `{name}` must hold distinct values, at least one, but is {values!r}.")
    return items


def check_path(name: str, value: Any) -> Path:
    """Return ``value`` as a path, or raise :class:`ArgumentTypeError`."""
    return expanded(check_type(name, value, (str, os.PathLike), "a path"))


def expanded(path: PathLike) -> Path:
    """Return ``path`` with the home of a user in place of a leading ``~`` or ``~user``."""
    with suppress(RuntimeError):  # there is no such user, but perhaps such a file
        return Path(path).expanduser()
    return Path(path)


def is_hub_name(value: Any, *, anywhere: bool = False) -> bool:
    """Return whether ``value`` has the form ``user/name`` and, unless ``anywhere``, no folder ``user`` is here."""
    text = str(value) if isinstance(value, (str, Path)) else ""
    named = re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", text) is not None
    return named and (anywhere or not Path(text).parent.exists())


def check_folder(name: str, value: Any) -> Path:
    """Return ``value`` as the path of a folder that is there or can be made, or raise an error."""
    path = check_path(name, value)
    for place in (path, *path.parents):
        if place.exists():
            if not place.is_dir():
                raise ArgumentError(f"Argument `{name}` must be a folder, but {place} is a file.")
            break
    return path


def check_new_file(name: str, value: Any) -> Path:
    """Return ``value`` as the path of a file that can be written, as far as folders tell, or raise an error."""
    path = check_path(name, value)
    check_folder(name, path.parent)
    if path.is_dir():
        raise ArgumentError(f"Argument `{name}` must be a file, but {path} is a folder.")
    return path


def free_memory() -> float:
    """Return the bytes that this process may still take, as far as the system tells; else infinity."""
    bounds = [math.inf]
    with suppress(OSError, ValueError):
        found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
        bounds.append(1024 * int(found[1]) if found else math.inf)
        bounds.append(int(Path("/sys/fs/cgroup/memory.max").read_text()))
    with suppress(ImportError, OSError, ValueError):
        import resource  # of POSIX alone

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            bounds.append(limit - resource.getpagesize() * int(Path("/proc/self/statm").read_text().split()[0]))
    return min(bounds)


def check_shape(name: str, shape: Sequence[int], expected: str, matches: bool) -> None:
    """Raise :class:`ArgumentError` unless ``matches``; ``expected`` is the shape in words."""
    if not matches:
        raise ArgumentError(f"Argument `{name}` must have shape {expected}, but has shape {tuple(shape)}.")


def check_channels_first(image_shape: Sequence[int]) -> None:
    """Raise :class:`ArgumentError` if an ``image_shape`` of three integers seems to end with the channels."""
    channels, height, width = image_shape
    if 1 <= width <= 4 < min(channels, height):
        raise ArgumentError(
            f"Argument `image_shape` must be (channels, height, width), channels come first, but is "
            f"({channels}, {height}, {width}): write ({width}, {channels}, {height})."
        )


def check_array(name: str, value: Any) -> NDArray[np.float64]:
    """Return ``value`` (an array, a tensor, nested sequences) as finite float64 numbers, or raise an error."""
    try:
        array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value, np.float64)
    except (TypeError, ValueError):
        raise ArgumentTypeError(f"Argument `{name}` must hold real numbers, but is {value!r}.") from None
    if np.ma.is_masked(value):
        raise ArgumentError(f"Argument `{name}` must hold a number everywhere, but some are masked.")
    if not np.isfinite(array).all():
        raise ArgumentError(f"Argument `{name}` must hold finite numbers, but holds NaN or infinity.")
    return array


@contextmanager
def renamed_arguments(names: Mapping[str, str]) -> Iterator[None]:
    """Let errors that arise inside the block speak of the caller's arguments: ``names`` maps inner to outer names."""
    try:
        yield
    except (ArgumentError, ArgumentTypeError, DatasetError) as error:
        text = re.sub(r"`(\w+)", lambda match: f"`{names.get(match[1], match[1])}", str(error))
        if text == str(error):
            raise
        raise type(error)(text) from error
