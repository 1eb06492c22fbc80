"""The on-disk form of a saved model: one folder that Qiskit, safetensors and any JSON reader open on their own.

========================  ============================================================================================
``config.json``           format version, package version, class name, the model's settings, and the SHA-256 of the
                          other files
``model.safetensors``     every weight and buffer by name
``circuit.qpy``           the model's circuit in Qiskit's own format; absent if the model has none
``README.md``             the model card, for readers; one that was edited is kept when the model is saved again
``samples.png``           images that the model card shows; absent if none were drawn
``ansatz.qpy``            the circuit of the user's own that the model was made with; absent if there is none
========================  ============================================================================================

Saving writes a temporary folder next to the destination and then swaps the two, so an existing good folder survives a
failed or killed save. Nothing is pickled, and nothing that is read is executed.
"""

from __future__ import annotations

import hashlib
import io
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qiskit import QuantumCircuit, qpy
from qiskit.qpy import formats
from torch import Tensor

from qiskit_qgen._checks import check_type
from qiskit_qgen._typing import PathLike
from qiskit_qgen._version import __version__
from qiskit_qgen.exceptions import ArgumentError, CheckpointError
from qiskit_qgen.persistence.atomic import atomic_folder, existing_folder
from qiskit_qgen.persistence.json_text import dump_json, parse_json
from qiskit_qgen.persistence.tensors import load_tensors, pack_tensors

FORMAT_VERSION = 2
"""The version of the folder's format that this package writes and reads."""

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
CIRCUIT_FILE = "circuit.qpy"
ANSATZ_FILE = "ansatz.qpy"
CARD_FILE = "README.md"
SAMPLES_FILE = "samples.png"

# The newest QPY that every supported Qiskit (2.3 and newer) reads, and the oldest that loads without evaluating text.
_QPY_VERSION = 17
_QPY_OLDEST = 13
_QPY_WITH_TABLE = 16  # of the offsets of its circuits
_CONFIG_MAXIMUM, _CIRCUIT_MAXIMUM = 2**22, 2**28
MAXIMUM_BITS = 100_000
"""The most bits of a circuit; a file with more is considered damaged or hostile."""
_RESERVED = ("format_version", "package_version", "files")


def save_model_folder(
    folder: PathLike,
    *,
    config: Mapping[str, Any],
    state: Mapping[str, Tensor],
    circuit: QuantumCircuit | None,
    ansatz: QuantumCircuit | None = None,
    card: str | None = None,
    samples: bytes | None = None,
) -> None:
    """Write a model to ``folder``; if that fails, the previous content stays.

    Args:
        folder: The folder to create, or a saved model to replace. A folder with any other content is refused.
        config: ``class_name`` (text) and ``config`` (dict of the model's settings), and anything else that JSON can
            store. The format version, the package version and the checksums are added.
        state: Weights and buffers by name, as for :func:`save_tensors`.
        circuit: The model's circuit, or None if it has none.
        ansatz: The user's circuit that the model was created with, or None.
        card: Text of the model card, or None for none. A card in ``folder`` that the user has edited is kept instead.
        samples: The PNG file that the card shows, or None for none. With a card that is kept, its own is kept too.

    Raises:
        ArgumentTypeError: If ``circuit`` is not a circuit, or a value of ``state`` is not a tensor.
        ArgumentError: If ``config`` lacks a key, holds a reserved one or cannot be stored as JSON, or a tensor cannot
            be stored.
        CheckpointError: If ``folder`` is a file, holds foreign files, or cannot be written.
    """
    checked = _check_config(config)
    contents = {WEIGHTS_FILE: pack_tensors(state, {})}
    for name, option, each in ((CIRCUIT_FILE, "circuit", circuit), (ANSATZ_FILE, "ansatz", ansatz)):
        check_type(option, each, (QuantumCircuit, type(None)), "a QuantumCircuit or None")
        if each is not None:
            contents[name] = circuit_bytes(each)
    if card is not None:
        contents[CARD_FILE] = card.encode("utf-8")
    if samples is not None:
        contents[SAMPLES_FILE] = samples
    files = {name: _sha256(content) for name, content in contents.items()}
    complete = {"format_version": FORMAT_VERSION, "package_version": __version__, **checked, "files": files}
    contents[CONFIG_FILE] = (dump_json(complete, "config", indent=2) + "\n").encode("utf-8")
    _refuse_foreign_files(Path(folder))
    contents |= _edited_card(Path(folder), with_samples=samples is None)
    try:
        with atomic_folder(folder) as staging:
            for name, content in contents.items():
                (staging / name).write_bytes(content)
    except OSError as error:
        raise CheckpointError(f"Folder {folder} could not be written: {error.strerror or error}.") from error


def load_model_config(folder: PathLike) -> dict[str, Any]:
    """Read only the configuration of a model that :func:`save_model_folder` wrote.

    Args:
        folder: The saved model.

    Returns:
        ``class_name``, ``config``, ``format_version``, ``package_version`` and the rest of what was saved.

    Raises:
        CheckpointError: If the folder or its configuration is missing, damaged or from another version of the package.
    """
    return _read_config(existing_folder(folder))[0]


def load_model_folder(folder: PathLike, *, maximum: float = math.inf) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read a model that :func:`save_model_folder` wrote.

    Args:
        folder: The saved model.
        maximum: The largest size in bytes of its weights file.

    Returns:
        The configuration, as :func:`load_model_config` returns it, and the weights and buffers by name.

    Raises:
        CheckpointError: If the folder or one of its files is missing, damaged or from another version of the package.
    """
    place = existing_folder(folder)
    config, files = _read_config(place)
    _check_digest(place, WEIGHTS_FILE, files, maximum)
    state, _ = load_tensors(place / WEIGHTS_FILE)
    return config, state


def load_circuit(folder: PathLike, name: str = CIRCUIT_FILE) -> QuantumCircuit | None:
    """Read a circuit of a model that :func:`save_model_folder` wrote.

    Args:
        folder: The saved model.
        name: The circuit's file.

    Returns:
        The circuit, or None if the model was saved without one.

    Raises:
        CheckpointError: If the folder or its circuit is missing, damaged or from another version of the package or of
            Qiskit.
    """
    place = existing_folder(folder)
    _, files = _read_config(place)
    if name not in files:
        return None
    _check_digest(place, name, files, _CIRCUIT_MAXIMUM)
    return parse_circuit(_read_bytes(place / name), f"File {place / name}")


def _check_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of ``config`` if it specifies the class to build and its arguments."""
    check_type("config", config, Mapping, "a dict")
    for key in _RESERVED:
        if key in config:
            raise ArgumentError(f"Argument `config` must not hold the key `{key}`, which is added when saving.")
    if problem := _config_problem(config):
        raise ArgumentError(f"Argument `config` {problem}.")
    return dict(config)


def _config_problem(config: Mapping[str, Any]) -> str | None:
    """Say what is wrong with the two keys that every configuration has, or return None."""
    name = config.get("class_name")
    if not isinstance(name, str) or not name.isidentifier():
        return f"must hold `class_name`, the name of a class, but holds {name!r:.80}"
    if not isinstance(config.get("config"), dict):
        return "must hold `config`, a dict of settings"
    return None


def _refuse_foreign_files(folder: Path) -> None:
    """Raise if replacing ``folder`` would remove anything but a saved model."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise CheckpointError(f"Folder {folder} could not be written: a file of that name exists.")
    known = {CONFIG_FILE, WEIGHTS_FILE, CIRCUIT_FILE, ANSATZ_FILE, CARD_FILE, SAMPLES_FILE}
    foreign = sorted(entry.name for entry in folder.iterdir() if entry.name not in known or not entry.is_file())
    if foreign:
        raise CheckpointError(
            f"Folder {folder} holds {foreign[0]!r}, which is not part of a saved model; save to a folder of its own."
        )


def _edited_card(folder: Path, *, with_samples: bool) -> dict[str, bytes]:
    """Return the model card in ``folder`` by its name, and its images, if there is one that the user has edited."""
    path = folder / CARD_FILE
    if not path.is_file():
        return {}
    content = _read_bytes(path)
    try:
        _, files = _read_config(folder)
    except CheckpointError:
        files = {}
    if files.get(CARD_FILE) == _sha256(content):
        return {}
    shown = folder / SAMPLES_FILE
    return {CARD_FILE: content} | ({SAMPLES_FILE: _read_bytes(shown)} if with_samples and shown.is_file() else {})


def _read_config(place: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the configuration and the checksums of the other files."""
    path = place / CONFIG_FILE
    source = f"File {path}"
    if not place.is_dir():
        raise CheckpointError(f"{place} is a file, no folder." if place.exists() else f"Folder {place} does not exist.")
    if not path.is_file():
        raise CheckpointError(f"Folder {place} is not a saved model: it has no {CONFIG_FILE}.")
    if path.stat().st_size > _CONFIG_MAXIMUM:
        raise CheckpointError(f"{source} is not a model's configuration: it has more than {_CONFIG_MAXIMUM} bytes.")
    config = parse_json(_read_bytes(path), source)
    if not isinstance(config, dict):
        raise CheckpointError(f"{source} must hold a JSON object, but holds a {type(config).__name__}.")
    _check_version(config.get("format_version"), config.get("package_version"), source)
    files = config.pop("files", None)
    if not isinstance(files, dict) or WEIGHTS_FILE not in files:
        raise CheckpointError(f"{source} must hold `files`, the checksums of the other files.")
    if problem := _config_problem(config):
        raise CheckpointError(f"{source} {problem}.")
    return config, files


def _check_version(version: Any, package: Any, source: str) -> None:
    """Raise unless this package can read the format ``version``."""
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise CheckpointError(f"{source} must hold `format_version`, a positive integer, but holds {version!r:.80}.")
    if version != FORMAT_VERSION:
        age = "newer" if version > FORMAT_VERSION else "older"
        remedy = f"install qiskit_qgen {package!s:.40}" if version > FORMAT_VERSION else "train and save the model"
        raise CheckpointError(
            f"{source} has the {age} format version {version}, but this is qiskit_qgen {__version__}, which reads "
            f"version {FORMAT_VERSION}: {remedy}."
        )


def _check_digest(place: Path, name: str, files: Mapping[str, str], maximum: float) -> None:
    """Raise unless a file has at most ``maximum`` bytes and the checksum in the configuration."""
    path = place / name
    if not path.is_file():
        raise CheckpointError(f"Folder {place} is incomplete: {name} is missing.")
    if path.stat().st_size > maximum:
        raise CheckpointError(f"File {path} is damaged: it has more bytes than the model needs.")
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"File {path} cannot be read: {error.strerror or error}.") from error
    if digest != files[name]:
        raise CheckpointError(f"File {path} is damaged: it does not match its checksum in {CONFIG_FILE}.")


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"File {path} cannot be read: {error.strerror or error}.") from error


def circuit_bytes(circuit: QuantumCircuit) -> bytes:
    """Return the content of a QPY file with a circuit."""
    stream = io.BytesIO()
    qpy.dump(circuit, stream, version=_QPY_VERSION)
    return stream.getvalue()


def parse_circuit(content: bytes, source: str) -> QuantumCircuit:
    """Return the only circuit of a QPY file; refuse files of old versions, whose loading could run code.

    Raises:
        CheckpointError: If it holds anything else; ``source`` names it.
    """
    if content[:6] != b"QISKIT" or len(content) < 7 or content[6] < _QPY_OLDEST:
        raise CheckpointError(f"{source} is not a QPY file of version {_QPY_OLDEST} or newer.")
    try:
        programs = qpy.load(io.BytesIO(check_qpy(content)))
    except (KeyboardInterrupt, SystemExit):
        raise
    # Qiskit's reader may raise any error on damaged bytes; a panic in Rust is not an Exception.
    except BaseException as error:
        raise CheckpointError(f"{source} cannot be read by this version of Qiskit: {error}.") from error
    if len(programs) != 1 or not isinstance(programs[0], QuantumCircuit):
        raise CheckpointError(f"{source} must hold exactly one circuit, but holds {len(programs)} programs.")
    return programs[0]


def check_qpy(content: bytes) -> bytes:
    """Return the content of a QPY file, or raise ValueError if a circuit declares more bits than a device may have."""
    version = content[6]
    start = formats.FILE_HEADER_V10_SIZE
    number = formats.FILE_HEADER_V10._make(struct.unpack(formats.FILE_HEADER_V10_PACK, content[:start])).num_programs
    places = [start + 1]
    if version >= _QPY_WITH_TABLE:
        if 8 * number > len(content):
            raise ValueError("it is truncated")
        places = [place for (place,) in struct.iter_unpack("!Q", content[start + 1 : start + 1 + 8 * number])]
    for place in places:
        fields = struct.unpack_from(formats.CIRCUIT_HEADER_V12_PACK, content, place)
        header = formats.CIRCUIT_HEADER_V12._make(fields)
        if max(header.metadata_size, header.num_registers, header.num_instructions, header.num_vars) > len(content):
            raise ValueError("it declares more than it has bytes")
        if max(header.num_qubits, header.num_clbits) > MAXIMUM_BITS:
            raise ValueError(f"a circuit has more than {MAXIMUM_BITS:,} bits, each of which takes memory")
    return content


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
