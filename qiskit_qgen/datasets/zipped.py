"""Reads a zip archive as if it were a folder: nothing is unpacked to disk."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qiskit_qgen.datasets.reading import check_fits_memory, reading

ZIP_SUFFIX = ".zip"
"""The file extension of the archives that are read."""

_OF_MACOS = "__MACOSX"  # where macOS packs its file system's metadata of each file


class ZippedEntry:
    """A file or folder in a zip archive, with the few methods of a path that are needed to find and read images.

    Args:
        archive: The open archive.
        name: Its name; for the topmost folder, the archive's path.
        parent: The folder that it is in, if any.
        member: The file in the archive, or None for a folder.

    Attributes:
        name: The given name.
        entries: What is in the folder, by name.
    """

    def __init__(
        self,
        archive: zipfile.ZipFile,
        name: str,
        parent: ZippedEntry | None = None,
        member: zipfile.ZipInfo | None = None,
    ) -> None:
        self.name, self.entries = name, dict[str, ZippedEntry]()
        self._archive, self._parent, self._member = archive, parent, member

    def __str__(self) -> str:
        return self.name if self._parent is None else f"{self._parent}/{self.name}"

    def iterdir(self) -> Iterator[ZippedEntry]:
        """Iterate over what is in the folder."""
        return iter(self.entries.values())

    def is_dir(self) -> bool:
        """Whether this is a folder."""
        return self._member is None

    def is_file(self) -> bool:
        """Whether this is a file."""
        return self._member is not None

    def read_bytes(self) -> bytes:
        """Return the content of the file.

        Raises:
            DatasetError: If it declares more bytes than fit into memory.
        """
        assert self._member is not None, "folders have no content"  # noqa: S101
        check_fits_memory(self._member.file_size // 4, f"File {self}")
        return self._archive.read(self._member)


@contextmanager
def zipped_folder(path: Path) -> Iterator[ZippedEntry]:
    """Yield the topmost folder of a zip archive, which is readable inside the block.

    Args:
        path: The archive, which exists.

    Raises:
        DatasetError: If it is damaged or not a zip archive.
    """
    with reading(path, "a zip archive"):
        archive = zipfile.ZipFile(path)
    with archive:
        root = ZippedEntry(archive, str(path))
        for member in archive.infolist():
            *folders, name = member.filename.split("/")
            if folders[:1] == [_OF_MACOS]:
                continue
            place = root
            for folder in filter(None, folders):  # a path may begin with a slash
                place = place.entries.setdefault(folder, ZippedEntry(archive, folder, place))
            if name:
                place.entries[name] = ZippedEntry(archive, name, place, member)
        yield root
