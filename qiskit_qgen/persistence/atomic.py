"""Replacement of files and folders in one step: a killed process leaves the old content or the new, never a mixture.

The new content is first written beside its destination under a hidden temporary name, forced to the disk, and only then
renamed. A rename inside one folder is atomic for files. Folders have no such rename onto an existing one, so the old
folder is first set aside as ``.NAME.previous``; :func:`existing_folder` finds it there after a crash in between.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout, lock_descriptor

from qiskit_qgen._typing import PathLike

LEFTOVER_AGE = 3600.0
"""Seconds after which an untouched temporary name belongs to a process that was killed."""


@contextmanager
def atomic_path(path: PathLike) -> Iterator[Path]:
    """Give a temporary file to write to, which replaces ``path`` when the block ends without an error.

    The temporary file lies in the folder of ``path`` and has its suffix. After the block it is forced to the disk and
    renamed to ``path``. If the block raises, it is removed and ``path`` is left as it was; a process killed inside the
    block leaves ``path`` as it was as well. Symbolic links are followed. While the block lasts, the temporary file is
    locked, so that :func:`remove_leftovers` tells it from one whose process was killed.

    Args:
        path: The file to write. Its folder must exist.

    Yields:
        The temporary file, empty.

    Raises:
        OSError: If the folder does not exist or cannot be written to, or the disk is full; it names ``path``.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "scores.json"
        >>> with atomic_path(target) as temporary:
        ...     _ = temporary.write_text("{}")
        >>> target.read_text()
        '{}'
    """
    target = Path(os.path.realpath(path))
    remove_leftovers(target, only_old=True)
    temporary = _temporary_name(target)
    with _named_as(path, temporary):
        # O_EXCL: the name is ours alone; mode 0o666: the process's umask decides, as for any other new file.
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        try:
            with contextlib.suppress(OSError):  # where the system has no locks
                lock_descriptor(descriptor, blocking=False)
            yield temporary
            _synchronise(temporary)
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
    _synchronise(target.parent)


def remove_leftovers(path: PathLike, *, only_old: bool = False) -> None:
    """Remove the temporary files and folders that killed processes left beside ``path``, and no other's.

    Those go that nothing has touched for an hour, and the files that no process holds the lock of: one that a living
    process writes by :func:`atomic_path` is locked.

    Args:
        path: The file or folder that was to be written.
        only_old: Whether to leave what is younger than an hour.
    """
    target = Path(os.path.realpath(path))
    limit = time.time() - LEFTOVER_AGE
    for entry in _temporaries(target):
        with contextlib.suppress(OSError):
            if entry.stat().st_mtime < limit or not (only_old or entry.is_dir() or is_held(entry)):
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock of the file ``path``, which is not made if it is missing."""
    if not path.exists():
        return False
    try:
        with FileLock(path, blocking=False):
            return False
    except Timeout:
        return True


def atomic_write(path: PathLike, data: bytes | str) -> None:
    """Write ``data`` to ``path`` so that no other process, and no crash, ever meets a half-written file.

    Args:
        path: The file to write. Its folder must exist.
        data: The whole content; text is stored as UTF-8.

    Raises:
        OSError: If the folder does not exist or cannot be written to, or the disk is full; ``path`` is then unchanged.
    """
    content = data.encode("utf-8") if isinstance(data, str) else data
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


@contextmanager
def atomic_folder(folder: PathLike) -> Iterator[Path]:
    """Give an empty temporary folder, which replaces ``folder`` as a whole when the block ends without an error.

    Everything that ``folder`` held before is gone afterwards. If the block raises, or its process is killed, the old
    folder stays complete: under its own name or, when the kill fell between the two renames, set aside where
    :func:`existing_folder` finds it.

    Args:
        folder: The folder to replace or to create; missing parents are created.

    Yields:
        The temporary folder, on the same disk as ``folder``.

    Raises:
        OSError: If the folder cannot be written to, or the disk is full.
    """
    target = Path(os.path.realpath(folder))
    previous = _previous_name(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(target, only_old=True)
    staging = _temporary_name(target)
    with _named_as(folder, staging):
        yield from _staged(staging, target, previous)
    _synchronise(target.parent)
    _discard(previous, target)


def _staged(staging: Path, target: Path, previous: Path) -> Iterator[Path]:
    """Give the new folder ``staging``, and swap it with ``target`` afterwards."""
    staging.mkdir()
    try:
        yield staging
        for entry in staging.rglob("*"):
            _synchronise(entry)
        _synchronise(staging)
        if target.exists():
            _discard(previous, target)
            target.rename(previous)
        try:
            staging.rename(target)
        except OSError:
            if previous.exists():
                previous.rename(target)
            raise
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def existing_folder(folder: PathLike) -> Path:
    """Return where the content of ``folder`` lies now.

    Args:
        folder: A folder that :func:`atomic_folder` may have been replacing when its process was killed.

    Returns:
        ``folder`` itself, or the complete old folder that was set aside if ``folder`` is missing for that reason.
    """
    target = Path(os.path.realpath(folder))
    previous = _previous_name(target)
    return previous if previous.is_dir() and not target.exists() else Path(folder)


def _temporary_name(target: Path) -> Path:
    """Return a new hidden name beside ``target``, with its suffix so that writers recognise the format."""
    return target.with_name(f".{target.stem}.{secrets.token_hex(8)}.tmp{target.suffix}")


def _previous_name(target: Path) -> Path:
    return target.with_name(f".{target.name}.previous")


def _temporaries(target: Path) -> list[Path]:
    """Return the temporary files and folders beside ``target``."""
    pattern = re.compile(re.escape(f".{target.stem}.") + r"[0-9a-f]{16}\.tmp" + re.escape(target.suffix))
    with contextlib.suppress(OSError):
        return [entry for entry in target.parent.iterdir() if pattern.fullmatch(entry.name)]
    return []


@contextmanager
def _named_as(path: PathLike, temporary: Path) -> Iterator[None]:
    """Let errors of the system about ``temporary`` speak of ``path``, which users know."""
    try:
        yield
    except OSError as error:
        if str(error.filename).startswith(str(temporary)):
            error.filename, error.filename2 = os.fspath(path), None
        raise


def _discard(previous: Path, target: Path) -> None:
    """Remove what was set aside; it loses its name first, so that no half-removed folder is ever found under it."""
    if previous.exists():
        doomed = _temporary_name(target)
        previous.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)


def _synchronise(path: Path) -> None:
    """Force the content of a file to the disk, or the names in a folder, where the system can open folders."""
    is_folder = path.is_dir()
    if not is_folder or os.name == "posix":
        descriptor = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
