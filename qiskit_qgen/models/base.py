"""What all generative models share: saving and loading, sampling's checks, and the summary."""

from __future__ import annotations

import functools
import operator
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Self, cast

import torch
from qiskit import QuantumCircuit
from torch import Tensor, nn

from qiskit_qgen._checks import check_int, check_path, check_type, renamed_arguments
from qiskit_qgen._random import resolve_seed
from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import ArgumentError, CheckpointError, NotFittedError
from qiskit_qgen.execution import AbstractExecution
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.models.codecs import reserve
from qiskit_qgen.persistence import load_circuit, load_model_folder, save_model_folder
from qiskit_qgen.training import History
from qiskit_qgen.training.checkpoint import copy_tensors
from qiskit_qgen.training.distributed import is_main
from qiskit_qgen.training.rank_sources import check_may_bill

if TYPE_CHECKING:
    from qiskit_qgen.execution import CostEstimate
    from qiskit_qgen.metrics import AbstractFeatureExtractor, FeatureCache


class QuantumPass(NamedTuple):
    """Calls of a quantum layer."""

    times: int
    layer: QuantumLayer
    num_rows: int
    gradient: bool


class AbstractGenerativeModel(ABC):
    """Base of the generative models.

    A subclass hands its constructor's arguments to this constructor, as values that JSON can hold, and builds its
    networks when they are first needed.

    Args:
        arguments: The constructor's arguments by name, from which an equal model can be made.
    """

    def __init__(self, arguments: dict[str, Any]) -> None:
        self._arguments = arguments
        self._history: History | None = None
        self._fitted = False

    @property
    def history(self) -> History | None:
        """Losses and scores of the training; None before the first."""
        return self._history

    @property
    def arguments(self) -> dict[str, Any]:
        """The constructor's arguments by name, as they are saved."""
        return dict(self._arguments)

    def sample(
        self, num_samples: int, *, seed: int | None = None, execution: AbstractExecution | None = None
    ) -> Tensor:
        """Generate samples; the same seed and execution give the same bits.

        Samples are made in batches of bounded size. Results of another number of
        threads, device or type of number can differ in the last digits.

        Args:
            num_samples: Number of samples.
            seed: Seed of the noise; None draws a fresh one.
            execution: Where the quantum circuits run; None takes the built-in simulator with its defaults.

        Returns:
            float32 tensor on the CPU: pictures (num_samples, C, H, W) in [0, 1], or rows (num_samples, num_features)
            in the units of tabular data.

        Raises:
            ArgumentError: If ``num_samples`` is not a positive integer, or ``execution`` is given to a model without a
                quantum part, or is billed and this is not the process of rank 0.
            NotFittedError: If the model was neither trained nor loaded.
        """
        check_int("num_samples", num_samples, minimum=1)
        check_may_bill(execution)
        self._check_fitted("sample")
        samples = None
        with torch.no_grad():
            start = 0
            for latents in self._sample_latents(num_samples, resolve_seed(seed), execution):
                part = self._decode_latents(latents)
                samples = reserve(num_samples, part) if samples is None else samples
                samples[start : start + len(part)] = part
                start += len(part)
        return cast(Tensor, samples)

    def sample_latents(
        self, num_samples: int, *, seed: int | None = None, execution: AbstractExecution | None = None
    ) -> Tensor:
        """Return what the generator makes of the noise of :meth:`sample`, before it becomes pictures or rows.

        Args:
            num_samples: Number of samples.
            seed: Seed of the noise; None draws a fresh one.
            execution: Where the quantum circuits run; None takes the built-in simulator with its defaults.

        Returns:
            float32 tensor on the CPU, (num_samples, number of read-outs).

        Raises:
            ArgumentError: As :meth:`sample`.
            NotFittedError: If the model was neither trained nor loaded.
        """
        check_int("num_samples", num_samples, minimum=1)
        check_may_bill(execution)
        self._check_fitted("sample_latents")
        with torch.no_grad():
            return torch.cat(list(self._sample_latents(num_samples, resolve_seed(seed), execution)))

    def decode_latents(self, latents: Tensor) -> Tensor:
        """Return the samples, as :meth:`sample` does, of what :meth:`sample_latents` returned.

        Raises:
            ArgumentError: If ``latents`` has another shape.
            ArgumentTypeError: If ``latents`` is no tensor.
            NotFittedError: If the model was neither trained nor loaded.
        """
        check_type("latents", latents, Tensor, "a tensor")
        self._check_fitted("decode_latents")
        with torch.no_grad():
            return self._decode_latents(latents)

    def evaluate(
        self,
        data: Any,
        *,
        num_samples: int | None = None,
        reference: Any = None,
        train: Any = None,
        extractor: str | AbstractFeatureExtractor | None = None,
        seed: int | None = 0,
        execution: AbstractExecution | None = None,
        cache: FeatureCache | None = None,
    ) -> dict[str, Any]:
        """Generate samples and score them against real ones, with floors.

        Args:
            data: Real pictures or rows, as for :meth:`fit`; best ones that were not trained on.
            num_samples: Number of samples to generate; None takes as many as there are in ``data``.
            reference: Other real pictures or rows for the floor of real against real; None splits ``data`` in two.
            train: What the model was trained on, all of it and nothing else, to see how often samples are copies of
                it; none of it may be in ``data``. None leaves that out.
            extractor: Name or object of the feature extractor of pictures, see
                :func:`~qiskit_qgen.metrics.get_extractor`; None takes EfficientNet-Lite0. Rows are scored as they are.
            seed: Seed of the samples and of the scores' random parts; None draws a fresh one.
            execution: Where the quantum circuits run; None takes the built-in simulator with its defaults.
            cache: Keeps the features of real pictures.

        Returns:
            What :func:`~qiskit_qgen.metrics.evaluate_images` returns, with the autoencoder's reconstructions of
            ``data`` as a floor; of rows, what :func:`~qiskit_qgen.metrics.evaluate_features` returns.

        Raises:
            ArgumentError: If an argument is out of range or without effect.
            ArgumentTypeError: If an argument has the wrong type.
            DatasetError: If pictures or rows are missing, not finite, out of range or of another shape.
            MissingOptionalLibraryError: If the extractor needs an extra that is not installed.
            NotFittedError: If the model was neither trained nor loaded.
        """
        from qiskit_qgen.metrics import FeatureCache, evaluate_features, evaluate_images, get_extractor
        from qiskit_qgen.metrics.extractors import DEFAULT_EXTRACTOR

        self._check_fitted("evaluate")
        real = self._check_data(data, name="data")
        others: dict[str, Any] = {"reference": reference, "train": train}
        others = {name: None if each is None else self._check_data(each, name=name) for name, each in others.items()}
        if num_samples is not None:
            check_int("num_samples", num_samples, minimum=2)
        check_type("cache", cache, (FeatureCache, type(None)), "a FeatureCache or None")
        shape, network = self._image_shape(), None
        if shape is not None:
            network = get_extractor(
                DEFAULT_EXTRACTOR if extractor is None else extractor, image_shape=shape, name="extractor"
            )
        elif extractor is not None or cache is not None:
            raise ArgumentError("Arguments `extractor` and `cache` must be None for tabular data: rows are scored.")
        seed = resolve_seed(seed)
        generated = self.sample(len(real) if num_samples is None else num_samples, seed=seed, execution=execution)
        with renamed_arguments({"real": "data", "generated": "data"}):
            if network is None:
                return evaluate_features(generated, real, **others, seed=seed)
            options: dict[str, Any] = {"extractor": network, "reconstructions": self._rebuilt(real), "cache": cache}
            return evaluate_images(generated, real, **others, seed=seed, **options)

    def estimate_cost(
        self,
        num_samples: int | None = None,
        *,
        steps: int | None = None,
        batch_size: int = 128,
        execution: AbstractExecution,
    ) -> CostEstimate:
        """Return what sampling or training would cost on an execution, without running anything.

        Args:
            num_samples: Samples to generate; or
            steps: steps of training, as :meth:`fit` counts them, with what happens between the steps left out.
            batch_size: Samples in a batch of the training.
            execution: A billed execution, such as ``RuntimeExecution``.

        Raises:
            ArgumentError: If both or neither of ``num_samples`` and ``steps`` are given, a number is not positive, the
                model runs no circuit, or the execution costs nothing.
        """
        check_type("execution", execution, AbstractExecution, "an execution such as RuntimeExecution")
        if (num_samples is None) == (steps is None):
            raise ArgumentError("Exactly one of the arguments `num_samples` and `steps` must be given.")
        check_int("batch_size", batch_size, minimum=2)
        if steps is None:
            check_int("num_samples", num_samples, minimum=1)
        else:
            check_int("steps", steps, minimum=1)
        costs = [
            execution.estimate_cost(layer.circuit, layer.observables or [], rows, gradient=gradient) * times
            for times, layer, rows, gradient in self._quantum_passes(num_samples, steps, batch_size)
            if times
        ]
        return functools.reduce(operator.add, costs)

    def save_pretrained(self, folder: PathLike) -> None:
        """Write the model to ``folder``: config.json, model.safetensors and, if it has a circuit, circuit.qpy.

        The history is part of it; what only training needs, such as optimisers' states, is not. Of processes that train
        together, the one of rank 0 writes.

        Raises:
            ArgumentTypeError: If ``folder`` is no path.
            CheckpointError: If ``folder`` cannot be written or holds anything but a saved model.
            NotFittedError: If the model was neither trained nor loaded.
        """
        check_path("folder", folder)
        self._check_fitted("save_pretrained")
        if not is_main():
            return
        tensors = {
            f"{name}.{key}": tensor
            for name, network in self._networks().items()
            for key, tensor in network.state_dict().items()
        }
        columns, description = (self._history or History()).to_tensors()
        tensors.update({f"history/{name}": column for name, column in columns.items()})
        circuit, inputs = self._circuit()
        config = {
            "class_name": type(self).__name__,
            "arguments": self._arguments,
            "circuit_inputs": inputs,
            "history": description,
        }
        save_model_folder(folder, config=config, state=tensors, circuit=circuit)

    def _load(self, folder: PathLike, config: dict[str, Any], tensors: dict[str, Tensor]) -> Self:
        """Take the weights, circuit and history of a saved model."""
        circuit = load_circuit(folder)
        inputs, history = config.get("circuit_inputs"), config.get("history")
        if not isinstance(inputs, list) or not isinstance(history, dict):
            raise CheckpointError(f"The file config.json in {str(folder)!r} is damaged: save the model again.")
        self._prepare(circuit, inputs)
        target = {
            f"{name}.{key}": tensor
            for name, network in self._networks().items()
            for key, tensor in network.state_dict().items()
        }
        saved = {name: tensor for name, tensor in tensors.items() if not name.startswith("history/")}
        copy_tensors(saved, target, source=f"Folder {folder}")
        columns = {
            name.removeprefix("history/"): tensor for name, tensor in tensors.items() if name.startswith("history/")
        }
        self._history = History.from_tensors(columns, history)
        self._fitted = True
        return self

    @classmethod
    def _read(cls, folder: PathLike) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Read a saved model of this class.

        Raises:
            ArgumentTypeError: If ``folder`` is no path.
            CheckpointError: If the folder is damaged or holds a model of another class.
        """
        config, tensors = load_model_folder(check_path("folder", folder))
        if config["class_name"] != cls.__name__:
            raise CheckpointError(
                f"The folder {str(folder)!r} holds a {config['class_name']}: load it with "
                f"`{config['class_name']}.from_pretrained`, not with {cls.__name__}."
            )
        return config, tensors

    @classmethod
    def _made_of(cls, arguments: dict[str, Any], folder: PathLike, tensors: dict[str, Tensor]) -> Self:
        """Return a model of saved arguments.

        Raises:
            CheckpointError: If this class does not take them, or they ask for larger networks than were saved.
        """
        try:
            cls._check_saved(arguments, tensors)
            return cls(**arguments)
        except (ArgumentError, TypeError) as error:
            raise CheckpointError(
                f"The file config.json in {str(folder)!r} holds arguments that {cls.__name__} does not take: {error}"
            ) from error

    @classmethod
    @abstractmethod
    def _check_saved(cls, arguments: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        """Raise an ArgumentError if arguments of a saved model need more memory than its ``tensors`` explain."""

    def summary(self) -> str:
        """Return a table of the model's parts with their numbers of trainable parameters."""
        rows = [(name, self._describe(name), _count(network)) for name, network in self._networks().items()]
        rows.append(("total", "", sum(count for _, _, count in rows)))
        name_width = max(len(name) for name, _, _ in rows)
        text_width = max(len(text) for _, text, _ in rows)
        title = f"{type(self).__name__}: {'trained' if self._fitted else 'not trained'}"
        lines = [f"{name:<{name_width}}  {text:<{text_width}}  {count:>12,}" for name, text, count in rows]
        return "\n".join([title, *lines])

    def _check_fitted(self, method: str) -> None:
        if not self._fitted:
            raise NotFittedError(
                f"This {type(self).__name__} has no trained weights: call `fit` or `from_pretrained` before `{method}`."
            )

    @property
    def networks(self) -> dict[str, nn.Module]:
        """The model's networks by name, with fresh weights before the first training."""
        return dict(self._networks())

    @abstractmethod
    def _networks(self) -> dict[str, nn.Module]:
        """All networks by name, built if need be."""

    @abstractmethod
    def _prepare(self, circuit: QuantumCircuit | None, inputs: list[str]) -> None:
        """Build the networks around a saved ``circuit``, whose inputs have the names ``inputs``."""

    @abstractmethod
    def _circuit(self) -> tuple[QuantumCircuit | None, list[str]]:
        """The model's circuit, or None, and the names of its inputs in order."""

    @abstractmethod
    def _describe(self, name: str) -> str:
        """Say in a few words what network ``name`` is."""

    @abstractmethod
    def _sample_latents(self, num_samples: int, seed: int, execution: AbstractExecution | None) -> Iterator[Tensor]:
        """Give the generator's outputs batch by batch; the arguments are checked."""

    @abstractmethod
    def _quantum_passes(self, num_samples: int | None, steps: int | None, batch_size: int) -> list[QuantumPass]:
        """What :meth:`sample` runs on an execution; if ``steps`` are given, what :meth:`fit` runs."""

    @abstractmethod
    def _image_shape(self) -> tuple[int, int, int] | None:
        """Channels, height and width of the pictures; None for tabular data."""

    @abstractmethod
    def _check_data(self, data: Any, *, name: str) -> Tensor:
        """Return real pictures or rows, checked; ``name`` is the argument that they come from."""

    @abstractmethod
    def _rebuilt(self, data: Tensor) -> Tensor | None:
        """What the model's autoencoder makes of ``data``; None without one."""

    @abstractmethod
    def _decode_latents(self, latents: Tensor) -> Tensor:
        """Return samples of the generator's outputs."""


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
