"""What all generative models share: a torch module with typed settings, one way to train, sample, score, save and load."""

from __future__ import annotations

import copy
import functools
import inspect
import logging
import operator
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import torch
from torch import Tensor, nn

from qiskit_qgen._checks import check_int, check_type, renamed_arguments
from qiskit_qgen._random import resolve_seed, torch_generator
from qiskit_qgen._settings import Settings
from qiskit_qgen._typing import PathLike
from qiskit_qgen.circuits import ParametrizedCircuit
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, NotFittedError, TrainingDivergedError
from qiskit_qgen.execution import AbstractExecution
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.models import saving
from qiskit_qgen.models.codecs import check_images, fingerprint, reserve
from qiskit_qgen.models.labels import sampling_labels, training_labels
from qiskit_qgen.models.run_settings import (
    CHECKPOINT_EVERY,
    audit_circuits,
    choose_callbacks,
    choose_seed,
    describe_execution,
    executed_on,
)
from qiskit_qgen.training import AbstractCallback, AbstractPhase, History, Trainer
from qiskit_qgen.training.rank_sources import check_may_bill, rank_execution

if TYPE_CHECKING:
    from qiskit_qgen.execution.runtime.cost import CostEstimate
    from qiskit_qgen.metrics import AbstractFeatureExtractor, FeatureCache

_LOGGER = logging.getLogger(__name__)
_SAMPLE_STREAM, _WEIGHT_STREAM = 0x73616D70, 0x696E6974


class QuantumPass(NamedTuple):
    """Calls of a quantum layer."""

    times: int
    layer: QuantumLayer
    num_rows: int
    gradient: bool


class AbstractGenerativeModel(nn.Module, ABC):
    """Base of the generative models: a module whose networks are its children.

    A model begins with weights of seed 0, in evaluation mode. It is made of settings, given as keywords or as one
    object (:meth:`from_config`), which :attr:`config` gives back.

    Args:
        **settings: The settings of ``config_class``; those of its parts may be given by their own names too, see
            ``Settings.of``.

    Raises:
        ArgumentError: If a value is out of range, has no effect, or does not go with another.
        ArgumentTypeError: If a name is unknown or a value has the wrong type.
    """

    config_class: ClassVar[type[Settings]]
    """The class of the model's settings."""
    training_class: ClassVar[type[Settings]]
    """The class of the settings of its training."""
    _sampling_network: ClassVar[str] = "generator"
    _sample_batch: ClassVar[int] = 512
    config: Any
    """The model's settings."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if hasattr(cls, "config_class"):
            cls.__signature__ = inspect.signature(cls.config_class)  # type: ignore[attr-defined]

    def __init__(self, **settings: Any) -> None:
        for name in settings:
            if name in self.training_class.names() and name not in self.config_class.names():
                raise ArgumentTypeError(
                    f"{type(self).__name__} has no option `{name}`, which says how it is trained: pass "
                    f"`training={self.training_class.__name__}({name}=...)` to `fit`."
                )
        self._set_up(self.config_class.of(**settings))

    @classmethod
    def from_config(cls, config: Settings) -> Self:
        """Return an untrained model of these settings.

        Raises:
            ArgumentTypeError: If ``config`` is not of ``config_class``.
        """
        check_type("config", config, cls.config_class, f"a {cls.config_class.__name__}")
        model = cls.__new__(cls)
        model._set_up(config)
        return model

    def _set_up(self, config: Settings) -> None:
        self._begin(config)
        self._add_networks()

    def _begin(self, config: Settings) -> None:
        """Take the settings, before there are networks."""
        nn.Module.__init__(self)
        self.config = config
        self.history: History | None = None
        """Losses and scores of the training; None before the first."""
        self._is_trained = False
        self._origin: str | None = None
        self._prepare()

    def _add_networks(self) -> None:
        for name, network in self._fresh_networks(0).items():
            self.add_module(name, network)
        self.eval()

    def _fresh_networks(self, seed: int) -> dict[str, nn.Module]:
        """Return all networks with weights that depend on ``seed`` alone; torch's global generator stays as it is."""

        def seeded(number: int) -> None:
            torch.default_generator.manual_seed(torch_generator(seed, _WEIGHT_STREAM, number).initial_seed())

        with torch.random.fork_rng(devices=[]):
            return self._build(seeded)

    @torch.no_grad()
    def _restart(self, seed: int) -> None:
        """Overwrite all weights by fresh ones."""
        for name, network in self._fresh_networks(seed).items():
            own = self.get_submodule(name).state_dict()
            for key, tensor in network.state_dict().items():
                own[key].copy_(tensor)

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return next(self.parameters()).device

    @property
    def networks(self) -> dict[str, nn.Module]:
        """The networks by name."""
        return dict(self.named_children())

    @property
    @abstractmethod
    def circuit(self) -> ParametrizedCircuit | None:
        """The model's circuit; None if it has none."""

    @property
    @abstractmethod
    def noise_dim(self) -> int:
        """Length of a noise vector."""

    @property
    def image_shape(self) -> tuple[int, int, int] | None:
        """Channels, height and width of the images; None for tabular data."""
        shape: tuple[int, int, int] | None = self.config.image_shape
        return shape

    @property
    def num_classes(self) -> int | None:
        """Number of labels; None for a model without."""
        return None

    @abstractmethod
    def latents(
        self, noise: Tensor, labels: Tensor | None = None, *, generator: torch.Generator | None = None, **options: Any
    ) -> Tensor:
        """Return what the generator makes of noise (N, noise_dim), before it becomes images or rows; differentiable."""

    @abstractmethod
    def decode(self, latents: Tensor) -> Tensor:
        """Return the images or rows of what :meth:`latents` gives; differentiable.

        Raises:
            ArgumentError: If ``latents`` has another shape.
        """

    def forward(
        self, noise: Tensor, labels: Tensor | None = None, *, generator: torch.Generator | None = None
    ) -> Tensor:
        """Map noise to samples, on the model's device, differentiable through the circuit.

        Args:
            noise: (N, noise_dim), on the model's device.
            labels: Of a model with classes: (N,), int64.
            generator: What else is random, for samplers that draw noise on the way; None draws the same each time.

        Returns:
            Images (N, C, H, W) in [0, 1], or rows (N, num_features).

        Raises:
            ArgumentError: If ``noise`` has another shape.
        """
        if noise.dim() != 2 or noise.shape[1] != self.noise_dim:
            raise ArgumentError(
                f"Argument `noise` must have shape (N, {self.noise_dim}), but has shape {tuple(noise.shape)}."
            )
        return self.decode(self.latents(noise, labels, generator=generator))

    def fit(
        self,
        data: Any,
        *,
        labels: Any = None,
        steps: int | None = None,
        batch_size: int | None = None,
        seed: int | None = None,
        training: Settings | None = None,
        execution: AbstractExecution | None = None,
        callbacks: Sequence[AbstractCallback] | None = None,
        checkpoint_dir: PathLike | None = None,
        checkpoint_every: int = CHECKPOINT_EVERY,
        resume: bool = False,
        warm_start: bool = False,
        strict: bool = False,
    ) -> History:
        """Train from fresh weights, on the model's device, after an audit of the circuits' gradients.

        The result depends on the model's settings, ``data``, ``labels``, ``training``, ``steps``, ``batch_size`` and
        ``seed`` alone, bit for bit on one machine with one number of threads, one device and one execution: another
        number of threads or precision changes the last digits of a step, and over many steps the result; executions
        with shots draw others each time. What is random is drawn on the CPU, so that a seed means the same everywhere.

        With ``checkpoint_dir``, the run survives being killed at any moment: called again with ``resume=True`` it ends
        with the same bits as if it had not been. It must be resumed with the same settings, data and execution, but may
        be given more ``steps``, and then goes on; its learning rates are then those of the longer training. A folder
        without a checkpoint is started in, with a logged warning, so that a job script can always pass
        ``resume=True``. Ctrl-C ends the running step, writes a checkpoint and then raises KeyboardInterrupt; what is
        trained by then can be sampled. A second Ctrl-C ends at once.

        Args:
            data: Images (N, C, H, W) of ``image_shape``, float in [0, 1] or uint8, as tensor, array or
                :class:`~qiskit_qgen.datasets.ImageDataset`; or rows (N, num_features). There may be fewer than
                ``batch_size``.
            labels: Labels (N,) from 0, if the model has classes; None takes those of an ``ImageDataset``.
            steps: Steps of the training; None takes ``training.steps``.
            batch_size: Samples in a batch; None takes ``training.batch_size``.
            seed: Seed of weights, noise and the order of the data; None draws a fresh one, or takes that of the
                checkpoint that is resumed.
            training: How to train: settings of the model's ``training_class``; None takes its defaults.
            execution: Where the quantum circuits run; None takes the built-in simulator with its defaults. Gradient
                penalties through a circuit need second derivatives, which only the built-in simulator has.
            callbacks: What happens between steps; None shows a progress bar if there is a terminal.
            checkpoint_dir: Folder of the checkpoint; None writes nothing.
            checkpoint_every: Steps between two checkpoints, unless ``callbacks`` has its own
                :class:`~qiskit_qgen.training.Checkpoint`.
            resume: Whether to continue the run in ``checkpoint_dir``.
            warm_start: Whether to begin with the model's own weights, of an earlier training or of
                :meth:`from_pretrained`, which then decide the result too. An autoencoder and what was fitted to data
                stay as they are. This is how a model that was trained on the simulator goes on on a device.
            strict: Whether inert or detached quantum parameters are an error; if not, they are a logged warning.

        Returns:
            Losses and scores by phase.

        Raises:
            ArgumentError: If an argument is out of range or without effect.
            ArgumentTypeError: If an argument has the wrong type.
            CheckpointError: If the checkpoint is damaged or of another run, or there is one and ``resume`` is False.
            DatasetError: If ``data`` or ``labels`` is empty, not finite, out of range or of another shape.
            GradientError: If ``strict`` is True and the audit finds inert or detached parameters, or a gradient penalty
                is asked for on an execution without second derivatives.
            KeyboardInterrupt: After Ctrl-C.
            NotFittedError: If ``warm_start`` is True and the model was neither trained nor loaded.
            TrainingDivergedError: If a loss or weight becomes NaN or infinite.
        """
        options = self._training(training, steps, batch_size)
        samples = self._check_data(data, name="data")
        classes = training_labels(data, labels, len(samples), self.num_classes)
        for name, value in (("warm_start", warm_start), ("strict", strict)):
            check_type(name, value, bool, "True or False")
        if warm_start and not self._is_trained:
            raise NotFittedError(
                f"This {type(self).__name__} has no trained weights to begin with: call `fit` or `from_pretrained` "
                "before `fit(warm_start=True)`."
            )
        hooks = choose_callbacks(callbacks, checkpoint_dir, checkpoint_every)
        seed = choose_seed(seed, checkpoint_dir, resume)
        origin = None
        if warm_start:
            origin = (resume and self._origin) or fingerprint(*self.state_dict().values())
        config = {
            "seed": seed,
            "model": self.config.to_dict(),
            "training": {name: value for name, value in options.to_dict().items() if name != "steps"},
            "data": fingerprint(*(each for each in (samples, classes) if each is not None)),
            "execution": describe_execution(execution),
            "warm_start": origin,
            **self._identity(),
        }
        before = {name: tensor.clone() for name, tensor in self.state_dict().items()}
        with executed_on(self, rank_execution(execution)):
            try:
                if not warm_start:
                    self._restart(seed)
                phases = self._phases(samples, classes, options, seed, warm_start=warm_start)
                audit_circuits(self.networks, strict=strict)
                trainer = Trainer(
                    phases, seed=seed, config=config, callbacks=hooks, checkpoint_dir=checkpoint_dir, resume=resume
                )
            except BaseException:
                self._copy(before)  # nothing has been trained: the model stays what it was
                raise
            del before
            self.history, self._origin = trainer.state.history, origin
            self._run(trainer, phases[-1])
        return trainer.state.history

    def _run(self, trainer: Trainer, last: AbstractPhase) -> None:
        """Train; whatever ends it, the network that samples has its averaged weights afterwards."""
        try:
            trainer.run()
        except TrainingDivergedError:
            self._is_trained = False
            raise
        finally:
            last.averages[self._sampling_network].copy_to_module()
            self.eval()
            self._is_trained = self._is_trained or (trainer.state.phase is last and trainer.state.step > 0)

    def _training(self, training: Settings | None, steps: int | None, batch_size: int | None) -> Any:
        """Return the settings of a training, with what was given beside them."""
        kind = self.training_class
        options = kind() if training is None else check_type("training", training, kind, f"a {kind.__name__} or None")
        given = {"steps": steps, "batch_size": batch_size}
        return replace(options, **{name: value for name, value in given.items() if value is not None})

    @torch.no_grad()
    def _copy(self, tensors: dict[str, Tensor]) -> None:
        for name, tensor in self.state_dict().items():
            tensor.copy_(tensors[name])

    def load_state_dict(self, *args: Any, **options: Any) -> Any:
        """As of :class:`torch.nn.Module`; the weights count as trained ones."""
        result = super().load_state_dict(*args, **options)
        self._is_trained = True
        return result

    def sample(
        self,
        num_samples: int | None = None,
        *,
        seed: int | None = None,
        generator: torch.Generator | None = None,
        noise: Tensor | None = None,
        labels: Any = None,
        execution: AbstractExecution | None = None,
        **options: Any,
    ) -> Tensor:
        """Generate samples; the same seed and execution give the same bits.

        Samples are made in batches of bounded size, in evaluation mode and without gradient. Results of another number
        of threads, device or precision can differ in the last digits.

        Args:
            num_samples: Number of samples; with ``noise``, as many as there are vectors.
            seed: Seed of the noise; None draws a fresh one.
            generator: Source of the noise, on the CPU, in place of a seed.
            noise: The noise itself, (num_samples, noise_dim).
            labels: Of a model with classes: one label for all, or labels (num_samples,); None draws them evenly.
            execution: Where the quantum circuits run; None takes the built-in simulator with its defaults.
            **options: What a model's way of sampling offers beside these.

        Returns:
            float32 tensor on the CPU: images (num_samples, C, H, W) in [0, 1], or rows (num_samples, num_features) in
            the units of tabular data.

        Raises:
            ArgumentError: If an argument is out of range or without effect, or ``execution`` is given to a model whose
                sampling runs no circuit, or is billed and this is not the process of rank 0.
            DatasetError: If ``labels`` are out of range or of another shape.
        """
        samples: Tensor | None = None
        start = 0
        number, parts = self._latent_parts(num_samples, seed, generator, noise, labels, execution, options)
        for latents in parts:
            part = self.decode_latents(latents)
            samples = reserve(number, part) if samples is None else samples
            samples[start : start + len(part)] = part
            start += len(part)
        assert samples is not None  # noqa: S101 - there is at least one part
        return samples

    def sample_latents(
        self,
        num_samples: int | None = None,
        *,
        seed: int | None = None,
        generator: torch.Generator | None = None,
        noise: Tensor | None = None,
        labels: Any = None,
        execution: AbstractExecution | None = None,
        **options: Any,
    ) -> Tensor:
        """Return what the generator makes of the noise of :meth:`sample`, before it becomes images or rows.

        The arguments are those of :meth:`sample`, and what they raise.

        Returns:
            float32 tensor on the CPU, (num_samples, ...).
        """
        _, parts = self._latent_parts(num_samples, seed, generator, noise, labels, execution, options)
        return torch.cat([part.cpu() for part in parts])

    @torch.no_grad()
    def decode_latents(self, latents: Tensor) -> Tensor:
        """Return the samples, as :meth:`sample` does, of what :meth:`sample_latents` returned.

        Raises:
            ArgumentError: If ``latents`` has another shape.
            ArgumentTypeError: If ``latents`` is no tensor.
        """
        check_type("latents", latents, Tensor, "a tensor")
        with self._evaluating():
            parts = latents.to(self.device).split(self._sample_batch)
            return torch.cat([self.decode(part).cpu() for part in parts]).contiguous()

    def _latent_parts(
        self,
        num_samples: int | None,
        seed: int | None,
        generator: torch.Generator | None,
        noise: Tensor | None,
        labels: Any,
        execution: AbstractExecution | None,
        options: dict[str, Any],
    ) -> tuple[int, Iterator[Tensor]]:
        """Return the number of samples, and the generator's outputs batch by batch."""
        if noise is not None:
            check_type("noise", noise, Tensor, "a tensor")
            if noise.dim() != 2 or noise.shape[1] != self.noise_dim or num_samples not in (None, len(noise)):
                number = "N" if num_samples is None else num_samples
                raise ArgumentError(
                    f"Argument `noise` must have shape ({number}, {self.noise_dim}), but has shape {tuple(noise.shape)}."
                )
        elif num_samples is None:
            raise ArgumentError("Argument `num_samples` must be given unless `noise` is.")
        if generator is not None:
            check_type("generator", generator, torch.Generator, "a torch.Generator or None")
        if (seed is not None) + (generator is not None) > 1:
            raise ArgumentError("At most one of the arguments `seed` and `generator` can be given.")
        number = check_int("num_samples", len(noise) if noise is not None else num_samples, minimum=1)
        check_may_bill(execution)
        classes = sampling_labels(labels, number, self.num_classes)
        chosen = self._sampling_options(options)
        if not self._is_trained:
            _LOGGER.warning("These samples come from a %s that was neither trained nor loaded.", type(self).__name__)
        return number, self._drawn(number, resolve_seed(seed), generator, noise, classes, execution, chosen)

    @torch.no_grad()
    def _drawn(
        self,
        number: int,
        seed: int,
        generator: torch.Generator | None,
        noise: Tensor | None,
        labels: Tensor | None,
        execution: AbstractExecution | None,
        options: dict[str, Any],
    ) -> Iterator[Tensor]:
        with self._evaluating(), executed_on(self.get_submodule(self._sampling_network), execution):
            for index, start in enumerate(range(0, number, self._sample_batch)):
                rows = slice(start, min(start + self._sample_batch, number))
                source = torch_generator(seed, _SAMPLE_STREAM, index) if generator is None else generator
                z = self._draw_noise(rows.stop - start, source) if noise is None else noise[rows]
                classes = None if labels is None else labels[rows].to(self.device)
                if classes is None and self.num_classes is not None:
                    drawn = torch.randint(self.num_classes, (rows.stop - start,), generator=source)
                    classes = drawn.to(self.device)
                yield self.latents(z.to(self.device), classes, generator=source, **options)

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """Hold the model in evaluation mode while the context lasts."""
        training = self.training
        self.eval()
        try:
            yield
        finally:
            self.train(training)

    def reconstruct(self, images: Any) -> Tensor:
        """Return what the model's autoencoder makes of ``images``: the best that any generator in its latent can do.

        Raises:
            ArgumentError: If the model has no autoencoder.
            DatasetError: If ``images`` is empty, out of range or of another shape than ``image_shape``.
        """
        rebuilt = self._rebuilt(self._check_data(images, name="images"))
        if rebuilt is None:
            raise ArgumentError(f"This {type(self).__name__} has no autoencoder, so there is nothing to reconstruct.")
        return rebuilt

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
            data: Real images or rows, as for :meth:`fit`; best ones that were not trained on.
            num_samples: Number of samples to generate; None takes as many as there are in ``data``.
            reference: Other real images or rows for the floor of real against real; None splits ``data`` in two.
            train: What the model was trained on, all of it and nothing else, to see how often samples are copies of
                it; none of it may be in ``data``. None leaves that out.
            extractor: Name or object of the feature extractor of images, see
                :func:`~qiskit_qgen.metrics.get_extractor`; None takes EfficientNet-Lite0. Rows are scored as they are.
            seed: Seed of the samples and of the scores' random parts; None draws a fresh one.
            execution: Where the quantum circuits run; None takes the built-in simulator with its defaults.
            cache: Keeps the features of real images.

        Returns:
            What :func:`~qiskit_qgen.metrics.evaluate_images` returns, with the autoencoder's reconstructions of
            ``data`` as a floor; of rows, what :func:`~qiskit_qgen.metrics.evaluate_features` returns.

        Raises:
            ArgumentError: If an argument is out of range or without effect.
            ArgumentTypeError: If an argument has the wrong type.
            DatasetError: If images or rows are missing, not finite, out of range or of another shape.
            MissingOptionalLibraryError: If the extractor needs an extra that is not installed.
        """
        from qiskit_qgen.metrics import FeatureCache, evaluate_features, evaluate_images, get_extractor
        from qiskit_qgen.metrics.extractors import DEFAULT_EXTRACTOR

        real = self._check_data(data, name="data")
        others: dict[str, Any] = {"reference": reference, "train": train}
        others = {name: None if each is None else self._check_data(each, name=name) for name, each in others.items()}
        if num_samples is not None:
            check_int("num_samples", num_samples, minimum=2)
        check_type("cache", cache, (FeatureCache, type(None)), "a FeatureCache or None")
        shape, network = self.image_shape, None
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
        batch_size: int | None = None,
        training: Settings | None = None,
        execution: AbstractExecution,
    ) -> CostEstimate:
        """Return what sampling or training would cost on an execution, without running anything.

        Args:
            num_samples: Samples to generate; or
            steps: steps of a training, with what happens between the steps left out.
            batch_size: Samples in a batch of the training; None takes ``training.batch_size``.
            training: How it trains, as for :meth:`fit`.
            execution: A billed execution, such as ``RuntimeExecution``.

        Raises:
            ArgumentError: If both or neither of ``num_samples`` and ``steps`` are given, a number is not positive, the
                model runs no circuit, or the execution costs nothing.
        """
        check_type("execution", execution, AbstractExecution, "an execution such as RuntimeExecution")
        if (num_samples is None) == (steps is None):
            raise ArgumentError("Exactly one of the arguments `num_samples` and `steps` must be given.")
        options = self._training(training, steps, batch_size)
        if steps is None:
            number = check_int("num_samples", num_samples, minimum=1)
            passes = self._sampling_passes(number)
        else:
            passes = self._training_passes(options)
        if not passes:
            raise ArgumentError("Argument `execution` must be None where no circuit runs.")
        costs = [
            execution.estimate_cost(layer.circuit, layer.observables or [], rows, gradient=gradient) * times
            for times, layer, rows, gradient in passes
            if times
        ]
        return functools.reduce(operator.add, costs)

    def _sampling_passes(self, number: int) -> list[QuantumPass]:
        """What :meth:`sample` runs on an execution."""
        full, rest = divmod(number, self._sample_batch)
        calls = ((full, self._sample_batch), (int(rest > 0), rest))
        layers = quantum_layers(self.get_submodule(self._sampling_network))
        return [
            QuantumPass(times * self._calls_of_network(), layer, rows, gradient=False)
            for layer in layers
            for times, rows in calls
        ]

    def save_pretrained(self, folder: PathLike) -> None:
        """Write the model to ``folder``: config.json, model.safetensors and, if it has a circuit, circuit.qpy.

        The history is part of it; what only training needs, such as optimizers' states, is not. Of processes that train
        together, the one of rank 0 writes.

        Raises:
            ArgumentTypeError: If ``folder`` is no path.
            CheckpointError: If ``folder`` cannot be written or holds anything but a saved model.
        """
        saving.save_model(self, folder)

    @classmethod
    def from_pretrained(cls, folder: PathLike, **own: Any) -> Self:
        """Load a model that :meth:`save_pretrained` wrote.

        Args:
            folder: The saved model.
            **own: What the model was made with that is your own, by the setting's name: an ``autoencoder`` of the same
                form, whose weights are replaced in a copy; the same ``backbone``, ``noise`` or ``process``.

        Raises:
            ArgumentError: If such an object is missing, or given though the model has none of its own.
            CheckpointError: If the folder is missing, damaged or holds a model of another class.
            MissingOptionalLibraryError: If a part needs a library that is not installed.
        """
        return saving.load_model(cls, folder, own)

    def summary(self) -> str:
        """Return a table of the model's parts with their numbers of trainable parameters."""
        rows = [(name, self._describe(name), count(network)) for name, network in self.named_children()]
        rows.append(("total", "", sum(number for _, _, number in rows)))
        name_width = max(len(name) for name, _, _ in rows)
        text_width = max(len(text) for _, text, _ in rows)
        title = f"{type(self).__name__}: {'trained' if self._is_trained else 'not trained'}"
        lines = [f"{name:<{name_width}}  {text:<{text_width}}  {number:>12,}" for name, text, number in rows]
        return "\n".join([title, *lines])

    def __repr__(self) -> str:
        return self.summary()

    def _check_data(self, data: Any, *, name: str) -> Tensor:
        """Return real images or rows, checked; ``name`` is the argument that they come from."""
        assert self.image_shape is not None  # noqa: S101 - models of tables have their own check
        return check_images(data, self.image_shape, name=name)

    def _rebuilt(self, data: Tensor) -> Tensor | None:  # noqa: ARG002 - most models have no autoencoder
        """Return what the model's autoencoder makes of ``data``; None without one."""
        return None

    def _sampling_options(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return what :meth:`latents` takes beside noise and labels, checked."""
        for name in options:
            raise ArgumentTypeError(f"{type(self).__name__}.sample has no option `{name}`.")
        return {}

    def _calls_of_network(self) -> int:
        """How often the sampling network runs for a batch."""
        return 1

    def _identity(self) -> dict[str, str]:
        """Return digests of what is the user's own, by which a resumed training knows it again."""
        return {}

    @abstractmethod
    def _prepare(self) -> None:
        """Make what belongs to the model and is no trained network: circuit, sources, frozen features."""

    @abstractmethod
    def _build(self, seeded: Any) -> dict[str, nn.Module]:
        """Return all networks by name; ``seeded(k)`` makes what follows draw its weights from stream k of the seed."""

    @abstractmethod
    def _draw_noise(self, number: int, generator: torch.Generator) -> Tensor:
        """Draw noise (number, noise_dim) on the CPU."""

    @abstractmethod
    def _phases(
        self, data: Tensor, labels: Tensor | None, training: Any, seed: int, *, warm_start: bool
    ) -> list[AbstractPhase]:
        """Return the phases of a training, the last of which has a moving average of the network that samples."""

    @abstractmethod
    def _training_passes(self, training: Any) -> list[QuantumPass]:
        """What :meth:`fit` runs on an execution."""

    @abstractmethod
    def _describe(self, name: str) -> str:
        """Say in a few words what network ``name`` is."""


def quantum_layers(module: nn.Module) -> list[QuantumLayer]:
    """Return the layers of ``module`` that run circuits."""
    return [each for each in module.modules() if isinstance(each, QuantumLayer)]


def count(module: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def own_copy(module: nn.Module) -> nn.Module:
    """Return a copy of a user's module, which is itself left unchanged."""
    return copy.deepcopy(module)
