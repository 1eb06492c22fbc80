"""A flat dictionary of tensors and its metadata in one safetensors file, written atomically.

The file is a plain safetensors file that other tools can read. Its metadata has the single key ``qiskit_qgen``. Its
text is a SHA-256 of names, types, shapes, values and metadata, since the format itself does not detect a changed byte,
followed by a space and the caller's metadata as JSON. (The order of several keys would vary.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from qiskit_qgen._checks import free_memory
from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, CheckpointError
from qiskit_qgen.persistence.atomic import atomic_write
from qiskit_qgen.persistence.json_text import dump_json, parse_json

_NAMES = "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64"
STORED_DTYPES: frozenset[torch.dtype] = frozenset(getattr(torch, name) for name in _NAMES.split())
"""The types of tensors that a file can hold."""

_METADATA_KEY = "qiskit_qgen"
_LISTED = 3


def save_tensors(path: PathLike, tensors: Mapping[str, Tensor], *, metadata: Mapping[str, Any] | None = None) -> None:
    """Write ``tensors`` and ``metadata`` to ``path``: the complete new file, or the old one unchanged.

    Values are stored bit for bit from any device, including NaN payloads and negative zeros. Tensors that share memory,
    such as tied weights, are stored once under each of their names. The same content gives the same bytes.

    Args:
        path: The file to write; its folder must exist.
        tensors: Dense tensors by name, of any shape, including empty ones; types as in ``STORED_DTYPES``.
        metadata: Anything that JSON stores; tuples become lists.

    Raises:
        ArgumentTypeError: If a name is not text or a value is not a tensor.
        ArgumentError: If a tensor is sparse, has no data, or has an unsupported type, or ``metadata`` is not JSON.
        CheckpointError: If the file cannot be written.
    """
    content = pack_tensors(tensors, metadata or {})
    try:
        atomic_write(path, content)
    except OSError as error:
        raise CheckpointError(f"File {path} could not be written: {error.strerror or error}.") from error


def pack_tensors(tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> bytes:
    """Return the content of the file that :func:`save_tensors` writes; arguments and errors as there."""
    # safetensors is imported where it is used, since only saving and loading need it.
    from safetensors.torch import save

    prepared = _prepare(tensors)
    text = dump_json(dict(metadata), "metadata")
    return save(prepared, metadata={_METADATA_KEY: f"{digest_tensors(text, prepared)} {text}"})


def load_tensors(
    path: PathLike, *, like: Mapping[str, Tensor] | None = None
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the tensors and metadata that :func:`save_tensors` wrote.

    Args:
        path: The file to read.
        like: If given, the tensors must have exactly its names, shapes and types; its values are not used.

    Returns:
        The tensors by name, on the CPU and with their own memory, and the metadata.

    Raises:
        CheckpointError: If the file is missing, truncated, changed or not written by :func:`save_tensors`, or does not
            match ``like``.
    """
    source = f"File {path}"
    if not Path(path).is_file():
        raise CheckpointError(f"{source} does not exist.")
    if Path(path).stat().st_size > free_memory():
        raise CheckpointError(f"{source} has more bytes than fit in memory.")
    tensors, stored = _read(path, source)
    if _METADATA_KEY not in stored:
        raise CheckpointError(f"{source} was not written by this package: its metadata lacks `{_METADATA_KEY}`.")
    checksum, _, text = stored[_METADATA_KEY].partition(" ")
    if digest_tensors(text, tensors) != checksum:
        raise CheckpointError(f"{source} is damaged: its content does not match its checksum.")
    metadata = parse_json(text, f"The metadata of {path}")
    if not isinstance(metadata, dict):
        raise CheckpointError(
            f"The metadata of {path} must be a JSON object, but is of type {type(metadata).__name__}."
        )
    if like is not None:
        check_state(tensors, like, source=source)
    return tensors, metadata


def check_state(state: Mapping[str, Tensor], like: Mapping[str, Tensor], *, source: str) -> None:
    """Raise unless ``state`` has exactly the names, shapes and types of ``like``.

    Args:
        state: Tensors that were read.
        like: Tensors of the model that will receive them.
        source: Where ``state`` came from, as the subject of error messages: "File model.safetensors".

    Raises:
        CheckpointError: If a name is missing or unknown, or a shape or type differs.
    """
    problems = []
    if missing := [name for name in like if name not in state]:
        problems.append(f"lacks {_enumerate(missing)}")
    if unknown := [name for name in state if name not in like]:
        problems.append(f"holds the unknown {_enumerate(unknown)}")
    if problems:
        raise CheckpointError(f"{source} does not fit this model: it {' and '.join(problems)}.")
    for name, expected in like.items():
        found = state[name]
        if found.shape != expected.shape or found.dtype != expected.dtype:
            raise CheckpointError(
                f"{source} does not fit this model: `{name}` must be {_describe(expected)}, but is {_describe(found)}."
            )


def _prepare(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return contiguous CPU tensors, in sorted order, no two of which share memory."""
    prepared: dict[str, Tensor] = {}
    storages: set[int] = set()
    for name, tensor in tensors.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise ArgumentTypeError(
                "Argument `tensors` must map text to tensors, "
                f"but maps {name!r} of type {type(name).__name__} to {type(tensor).__name__}."
            )
        if tensor.dtype not in STORED_DTYPES:
            raise ArgumentError(f"Tensor `{name}` has type {tensor.dtype}, which cannot be stored; convert it first.")
        if tensor.layout != torch.strided or tensor.is_meta:
            raise ArgumentError(f"Tensor `{name}` must be dense and hold data to be stored.")
        value = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()
        pointer = value.untyped_storage().data_ptr()
        prepared[name] = value.clone() if pointer in storages else value
        storages.add(pointer)
    return dict(sorted(prepared.items()))


def _read(path: PathLike, source: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors of a safetensors file, in sorted order, and its metadata."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            # Cloned, since the file is memory-mapped: later changes to one must not affect the other.
            tensors = {name: file.get_tensor(name).clone() for name in sorted(file.keys())}
            return tensors, file.metadata() or {}
    except (SafetensorError, OSError, ValueError, RuntimeError, MemoryError) as error:
        raise CheckpointError(f"{source} is damaged or not a safetensors file: {error}.") from error


def digest_tensors(text: str, tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of ``text`` and of every tensor's name, type, shape and bytes, in name order."""
    digest = hashlib.sha256(text.encode("utf-8"))
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"\0{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _describe(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} of shape {tuple(tensor.shape)}"


def _enumerate(names: list[str]) -> str:
    """Return the first few names for a message, with the number of remaining ones."""
    listed = ", ".join(f"`{name}`" for name in names[:_LISTED])
    return listed if len(names) <= _LISTED else f"{listed} and {len(names) - _LISTED} more"
