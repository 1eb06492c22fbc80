"""Replacement of files and folders in one step: a killed process leaves the old content or the new, never a mix.

The new content is first written next to its destination under a hidden temporary name, flushed to disk, and only then
renamed. Renaming a file within a folder is atomic. A folder cannot replace an existing folder in this way, so the old
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
"""Age in seconds after which an untouched temporary file is assumed to belong to a killed process."""


@contextmanager
def atomic_path(path: PathLike) -> Iterator[Path]:
    """Yield a temporary file to write to, which replaces ``path`` when the block ends without an error.

    The temporary file lies in the folder of ``path`` and has its suffix. After the block it is flushed to disk and
    renamed to ``path``. If the block raises, the temporary file is removed and ``path`` stays unchanged; it also stays
    unchanged if the process is killed inside the block. Symbolic links are followed. The temporary file is locked
    during the block, so that :func:`remove_leftovers` can distinguish it from the file of a killed process.

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
        # O_EXCL: no other process has this name; mode 0o666: the umask decides, as for any other new file.
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        try:
            with contextlib.suppress(OSError):  # if the system has no locks
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
    """Remove the temporary files and folders that killed processes left next to ``path``, and no others.

    This removes whatever has not been touched for an hour, and files that no process has locked: a file that a running
    process writes with :func:`atomic_path` is locked.

    Args:
        path: The file or folder that was to be written.
        only_old: Whether to keep whatever is younger than an hour.
    """
    target = Path(os.path.realpath(path))
    limit = time.time() - LEFTOVER_AGE
    for entry in _temporaries(target):
        with contextlib.suppress(OSError):
            if entry.stat().st_mtime < limit or not (only_old or entry.is_dir() or is_held(entry)):
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def is_held(path: Path) -> bool:
    """Whether a running process holds the lock of the file ``path``; the file is not created if it is missing."""
    if not path.exists():
        return False
    try:
        with FileLock(path, blocking=False):
            return False
    except Timeout:
        return True


def atomic_write(path: PathLike, data: bytes | str) -> None:
    """Write ``data`` to ``path`` so that a half-written file is never seen, even after a crash.

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
    """Yield an empty temporary folder, which replaces all of ``folder`` when the block ends without an error.

    The previous content of ``folder`` is then gone. If the block raises, or its process is killed, the old folder stays
    complete, either under its own name or, if the process was killed between the two renames, set aside where
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
    """Yield the new folder ``staging``, and swap it with ``target`` afterwards."""
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
    """Return where the content of ``folder`` is now.

    Args:
        folder: A folder that :func:`atomic_folder` may have been replacing when its process was killed.

    Returns:
        ``folder`` itself, or the complete old folder that was set aside if ``folder`` is missing for that reason.
    """
    target = Path(os.path.realpath(folder))
    previous = _previous_name(target)
    return previous if previous.is_dir() and not target.exists() else Path(folder)


def _temporary_name(target: Path) -> Path:
    """Return a new hidden name next to ``target``, with its suffix so that writers recognise the format."""
    return target.with_name(f".{target.stem}.{secrets.token_hex(8)}.tmp{target.suffix}")


def _previous_name(target: Path) -> Path:
    return target.with_name(f".{target.name}.previous")


def _temporaries(target: Path) -> list[Path]:
    """Return the temporary files and folders next to ``target``."""
    pattern = re.compile(re.escape(f".{target.stem}.") + r"[0-9a-f]{16}\.tmp" + re.escape(target.suffix))
    with contextlib.suppress(OSError):
        return [entry for entry in target.parent.iterdir() if pattern.fullmatch(entry.name)]
    return []


@contextmanager
def _named_as(path: PathLike, temporary: Path) -> Iterator[None]:
    """Make system errors about ``temporary`` name ``path``, which users know."""
    try:
        yield
    except OSError as error:
        if str(error.filename).startswith(str(temporary)):
            error.filename, error.filename2 = os.fspath(path), None
        raise


def _discard(previous: Path, target: Path) -> None:
    """Remove what was set aside; rename it first, so that a half-removed folder is never found under that name."""
    if previous.exists():
        doomed = _temporary_name(target)
        previous.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)


def _synchronise(path: Path) -> None:
    """Flush a file's content to disk, or the names in a folder if the system can open folders."""
    is_folder = path.is_dir()
    if not is_folder or os.name == "posix":
        descriptor = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
