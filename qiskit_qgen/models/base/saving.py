"""Saving and loading of all models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar, cast

import torch
from qiskit import QuantumCircuit

from qiskit_qgen._checks import check_int, check_path
from qiskit_qgen._settings import CUSTOM, unknown_name
from qiskit_qgen._typing import PathLike
from qiskit_qgen.circuits import ParametrizedCircuit
from qiskit_qgen.datasets import Column
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, CheckpointError, DatasetError
from qiskit_qgen.models.base.card import model_card
from qiskit_qgen.networks.own_circuits import own_ansatz
from qiskit_qgen.persistence import check_state, load_circuit, load_model_config, load_model_folder, save_model_folder
from qiskit_qgen.persistence.hub import local_folder, upload_folder
from qiskit_qgen.persistence.pretrained import ANSATZ_FILE, SAMPLES_FILE
from qiskit_qgen.training import History
from qiskit_qgen.training.distributed import is_main
from qiskit_qgen.training.image_grid import save_image_grid

if TYPE_CHECKING:
    from qiskit_qgen.models.base import AbstractGenerativeModel

Model = TypeVar("Model", bound="AbstractGenerativeModel")
_HISTORY = "history/"
_NUM_SAMPLES = 16  # in the card of a model on the Hub
_SAMPLE_SIDE = 96  # pixels of a sample in the card
_OTHER_BYTES = 2**28  # largest size of the weight names and the training history


def save_model(
    model: AbstractGenerativeModel,
    folder: PathLike,
    data: str | None,
    scores: Mapping[str, Any] | None,
    license: str | None,  # noqa: A002
    samples: int = 0,
) -> None:
    """Write ``model`` to ``folder``; see ``save_pretrained``."""
    check_path("folder", folder)
    check_int("samples", samples, minimum=0)
    if samples and model.image_shape is None:
        raise ArgumentError("Argument `samples` has no effect on a model of tables, which has no images: leave it out.")
    card = model_card(model, data, scores, license, samples)
    if not is_main():
        return
    columns, description = (model.history or History()).to_tensors()
    names = None if model.class_names is None else list(model.class_names)
    config = {"class_name": type(model).__name__, "config": model.config.to_dict(), "history": description}
    config |= {} if names is None else {"class_names": names}
    ansatz = own_ansatz(model.config)
    config |= {} if ansatz is None else {"ansatz": _parameter_names(ansatz)}
    config |= {} if model.columns is None else {"columns": [column.to_dict() for column in model.columns]}
    save_model_folder(
        folder,
        config=config,
        state={**model.state_dict(), **{f"{_HISTORY}{name}": column for name, column in columns.items()}},
        circuit=None if model.circuit is None else model.circuit.circuit,
        ansatz=None if ansatz is None else ansatz.circuit,
        card=card,
        samples=_drawn(model, samples) if samples else None,
    )


def _drawn(model: AbstractGenerativeModel, number: int) -> bytes:
    """Return a PNG file of ``number`` samples, those of seed 0."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / SAMPLES_FILE
        images = model.sample(number, seed=0)
        save_image_grid(images, path, scale=max(1, _SAMPLE_SIDE // images.shape[-1]))
        return path.read_bytes()


def push_model(
    model: AbstractGenerativeModel, repo: str, revision: str | None, private: bool | None, message: str, **about: Any
) -> str:
    """Upload ``model`` to the Hub; see ``push_to_hub``."""
    if about["samples"] is None:
        about["samples"] = 0 if model.image_shape is None else _NUM_SAMPLES
    with TemporaryDirectory() as folder:
        save_model(model, Path(folder) / "model", about["data"], about["scores"], about["license"], about["samples"])
        return upload_folder(Path(folder) / "model", repo, revision=revision, private=private, message=message)


def load_model(kind: type[Model], folder: PathLike, own: Mapping[str, Any], revision: str | None = None) -> Model:
    """Return the model of class ``kind`` in ``folder`` or on the Hub; see ``from_pretrained``."""
    folder = local_folder(check_path("folder", folder), revision)
    content = load_model_config(folder)
    if content["class_name"] != kind.__name__:
        raise CheckpointError(
            f"The folder {str(folder)!r} holds a {content['class_name']}: load it with "
            f"`{content['class_name']}.from_pretrained`, not with {kind.__name__}."
        )
    given = {name: value for name, value in own.items() if value is not None}
    _check_own(content["config"], given)
    settings = _with_ansatz(content, folder)
    try:
        config = kind.config_class.of(**{**settings, **given})
        model = kind.__new__(kind)
        # Sizes are compared before a damaged or hostile file can make anything allocate memory.
        model._begin(config)
        with torch.device("meta"):
            sizes = {
                f"{name}.{key}": tensor
                for name, network in model._fresh_networks(0).items()
                for key, tensor in network.state_dict().items()
            }
    except (ArgumentError, ArgumentTypeError, TypeError, RuntimeError, OverflowError) as error:
        raise CheckpointError(
            f"The file config.json in {str(folder)!r} holds settings that {kind.__name__} does not take: "
            + str(error).partition("\n")[0]
        ) from error
    needed = sum(tensor.numel() * tensor.element_size() for tensor in sizes.values())
    _, tensors = load_model_folder(folder, maximum=needed + _OTHER_BYTES)
    weights = {name: tensor for name, tensor in tensors.items() if not name.startswith(_HISTORY)}
    # A model that was saved in another precision is loaded in that precision.
    weights = {
        name: tensor.to(sizes[name].dtype) if name in sizes and tensor.is_floating_point() else tensor
        for name, tensor in weights.items()
    }
    check_state(weights, sizes, source=f"Folder {folder}")
    saved = load_circuit(folder)
    if _gates(saved) != _gates(None if model.circuit is None else model.circuit.circuit):
        raise CheckpointError(f"The circuit in {str(folder)!r} does not fit its config.json: save the model again.")
    model._add_networks()
    model.load_state_dict(weights)
    columns = {name.removeprefix(_HISTORY): each for name, each in tensors.items() if name.startswith(_HISTORY)}
    if not isinstance(content.get("history"), dict):
        raise CheckpointError(f"The file config.json in {str(folder)!r} is damaged: save the model again.")
    model.history = History.from_tensors(columns, content["history"])
    model.class_names = _class_names(content.get("class_names"), folder)
    model.columns = _columns(content.get("columns"), model, folder)
    return model


def _parameter_names(ansatz: ParametrizedCircuit) -> dict[str, list[str]]:
    """Return the names of the inputs and of the weights, in order."""
    return {name: [each.name for each in getattr(ansatz, name)] for name in ("input_params", "weight_params")}


def _with_ansatz(content: Mapping[str, Any], folder: PathLike) -> dict[str, Any]:
    """Return the settings of a saved model, with its custom circuit filled in, if it has one.

    Raises:
        CheckpointError: If the circuit is missing, or its parameters differ from the saved ones.
    """
    settings = dict(content["config"])
    parts = [name for name, part in settings.items() if isinstance(part, Mapping) and part.get("ansatz") == CUSTOM]
    for name in parts:
        circuit, names = load_circuit(folder, ANSATZ_FILE), content.get("ansatz")
        try:
            known = {each.name: each for each in cast(QuantumCircuit, circuit).parameters}
            lists: Any = {option: [known[each] for each in given] for option, given in cast(Any, names).items()}
            ansatz = ParametrizedCircuit(cast(QuantumCircuit, circuit), **lists)
        except (ArgumentError, ArgumentTypeError, AttributeError, KeyError, TypeError) as error:
            raise CheckpointError(
                f"The circuit {ANSATZ_FILE} in {str(folder)!r} does not fit its config.json: save the model again."
            ) from error
        settings[name] = {**settings[name], "ansatz": ansatz}
    return settings


def _class_names(names: Any, folder: PathLike) -> tuple[str, ...] | None:
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise CheckpointError(f"The file config.json in {str(folder)!r} is damaged: save the model again.")
    return tuple(names)


def _columns(saved: Any, model: AbstractGenerativeModel, folder: PathLike) -> tuple[Column, ...] | None:
    if saved is None:
        return None
    try:
        columns = tuple(map(Column.from_dict, saved if isinstance(saved, list) else [saved]))
        if len(columns) != model.config.num_features:
            raise DatasetError(f"there must be {model.config.num_features} columns, but there are {len(columns)}")
    except (DatasetError, AttributeError) as error:
        raise CheckpointError(f"The file config.json in {str(folder)!r} is damaged: save the model again.") from error
    return columns


def _check_own(config: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    """Raise unless the given settings are exactly those that a saved model does not hold."""
    custom = {name for name, value in config.items() if value == CUSTOM}
    for name in sorted(custom | set(own)):
        if name not in config:
            raise unknown_name(name, sorted(custom), "A saved model")
        if name not in own:
            raise ArgumentError(f"Argument `{name}` must be what the model was made with, but is missing.")
        if name not in custom:
            raise ArgumentError(f"Argument `{name}` must be left out: the model has none of its own.")


def _gates(circuit: QuantumCircuit | None) -> list[tuple[str, list[int], list[str]]] | None:
    if circuit is None:
        return None
    return [
        (each.operation.name, [circuit.find_bit(qubit).index for qubit in each.qubits], list(map(str, each.params)))
        for each in circuit.data
    ]
