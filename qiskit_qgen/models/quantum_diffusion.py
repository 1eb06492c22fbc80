"""QuantumDiffusion: a diffusion model with a quantum circuit in its network's bottleneck."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, Self

import torch
from qiskit import QuantumCircuit
from torch import Tensor

from qiskit_qgen._checks import check_int, check_shape, check_type
from qiskit_qgen._random import resolve_seed, torch_generator
from qiskit_qgen._typing import PathLike
from qiskit_qgen.circuits import ParametrizedCircuit
from qiskit_qgen.datasets.subsets import subset
from qiskit_qgen.diffusion import AbstractForwardProcess, NoiseSchedule
from qiskit_qgen.exceptions import CheckpointError, TrainingDivergedError
from qiskit_qgen.execution import AbstractExecution
from qiskit_qgen.models.base import AbstractGenerativeModel, QuantumPass
from qiskit_qgen.models.codecs import check_images, fingerprint
from qiskit_qgen.models.diffusion_arguments import (
    GAUSSIAN,
    check_arguments,
    check_saved_sizes,
    denoising_options,
    sampling_labels,
    training_labels,
    with_own,
)
from qiskit_qgen.models.diffusion_parts import (
    Sources,
    audit,
    build_circuit,
    build_corruption,
    build_networks,
    build_noise,
    build_process,
    executed_on,
    fit_to_data,
    quantum_gate,
)
from qiskit_qgen.models.diffusion_sampling import draw_pictures, network_calls, sampling_options
from qiskit_qgen.models.effects import argument_defaults
from qiskit_qgen.models.fitting import CHECKPOINT_EVERY, choose_callbacks, choose_seed, describe_execution
from qiskit_qgen.networks.bottleneck_gates import Bottleneck
from qiskit_qgen.noise import AbstractNoise
from qiskit_qgen.training import AbstractCallback, History, Trainer
from qiskit_qgen.training.denoising import DenoisingPhase
from qiskit_qgen.training.rank_sources import check_may_bill, rank_execution
from qiskit_qgen.training.schedules import Schedule

_SAMPLE_BATCH = 64
_SAMPLE_STREAM = 0x73616D70


class QuantumDiffusion(AbstractGenerativeModel):
    """A denoising diffusion model whose light U-Net has a circuit in its bottleneck, for small sets of pictures.

    The system of arXiv 2504.00034, repaired: there the circuit's 48 weights have gradients that are identically zero
    (``bottleneck="quantum_published"`` keeps it for the record) and its input was detached. Every arm of ``bottleneck``
    is the same network but for its gate, and each training begins with an audit of the circuit's gradients.

    Args:
        image_shape: Channels, 1 to 4, height and width, divisible by 4, of the pictures.
        bottleneck: "quantum"; "plain" for none; "se" or "se_frozen" for the matched classical gate, trained or with its
            first layer frozen; "quantum_published". See :class:`~qiskit_qgen.networks.ChannelGate`.
        num_qubits: Width of the gate: the circuit's qubits (16 in arXiv 2504.00034).
        num_layers: Layers of the circuit (3 in arXiv 2504.00034).
        architecture: "default", our :class:`~qiskit_qgen.networks.UNet`, or "published",
            :class:`~qiskit_qgen.networks.PublishedUNet`.
        width: Channels at full size, divisible by 8.
        noise: "gaussian"; "quantum" for :class:`~qiskit_qgen.noise.QuantumCircuitNoise`; or a source of your own with
            as many components as a picture, such as a :class:`~qiskit_qgen.noise.NoisePool`.
        process: How pictures drown: "gaussian"; "depolarizing", :class:`~qiskit_qgen.diffusion.DepolarizingProcess`;
            "stochastic_walk", :class:`~qiskit_qgen.diffusion.StochasticWalkProcess`; or a process of your own of
            ``num_steps`` steps. The network of the latter three sees the clean picture in the drowned one.
        schedule: "cosine", "linear", "sigmoid", or "information" for one fitted to the training pictures' spectrum; see
            :func:`~qiskit_qgen.diffusion.information_beta_schedule`.
        num_steps: Number of diffusion steps (1000 in arXiv 2504.00034's code).
        prediction: What the network predicts: "v", "epsilon" or "x0" (own choice; "epsilon" in that code).
        min_snr_gamma: Largest weight of the clean picture's error; None weights the prediction's error (own choice).
        num_classes: Number of labels; None for a model without.
        label_dropout: Part of the labels that is left out in training, for guidance (own choice).
        guidance: Strength g of classifier-free guidance, ``(1 - g) output(no label) + g output(label)``; 1 for none.
        sampler: "ddim", "dpm-solver" or "ddpm" (all steps).
        sampling_steps: Calls of the network for a picture, of "ddim" and "dpm-solver"; None takes at most 50.
        learning_rate: Adam's highest learning rate (own choice).
        betas: Decay rates of Adam's moments (own choice).
        clip_norm: Largest norm of the gradient, None for no limit (own choice).
        ema_decay: Decay of the moving average of the weights, which is what samples.
        lr_schedule: Course of the learning rate: "constant", "linear" or "cosine" (own choice).
        warmup: Part of the steps over which the learning rate rises (own choice).

    Raises:
        ArgumentError: If an argument is out of range, without effect, or does not go with another.
        ArgumentTypeError: If an argument has the wrong type.

    Example:
        >>> model = QuantumDiffusion(image_shape=(1, 8, 8), num_qubits=2, num_layers=1, width=8)
        >>> print(model.summary().splitlines()[0])
        QuantumDiffusion: not trained
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int] = (1, 28, 28),
        bottleneck: Bottleneck = "quantum",
        *,
        num_qubits: int = 16,
        num_layers: int = 3,
        architecture: Literal["default", "published"] = "default",
        width: int = 32,
        noise: Literal["gaussian", "quantum"] | AbstractNoise = "gaussian",
        process: Literal["gaussian", "depolarizing", "stochastic_walk"] | AbstractForwardProcess = "gaussian",
        schedule: Literal["cosine", "linear", "sigmoid", "information"] = "cosine",
        num_steps: int = 1000,
        prediction: Literal["v", "epsilon", "x0"] = "v",
        min_snr_gamma: float | None = 5.0,
        num_classes: int | None = None,
        label_dropout: float = 0.1,
        guidance: float = 1.0,
        sampler: Literal["ddim", "dpm-solver", "ddpm"] = "ddim",
        sampling_steps: int | None = None,
        learning_rate: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.99),
        clip_norm: float | None = 1.0,
        ema_decay: float = 0.999,
        lr_schedule: Schedule = "cosine",
        warmup: float = 0.05,
    ) -> None:
        arguments = dict(locals())
        for name in ("self", "__class__"):
            arguments.pop(name)
        checked, own = check_arguments(arguments, argument_defaults(QuantumDiffusion))
        super().__init__(checked)
        self._options = denoising_options(checked)
        self._sources = Sources(own.noise or build_noise(checked), own.process or build_process(checked))
        self._built: dict[str, Any] | None = None

    @property
    def noise(self) -> AbstractNoise:
        """The source of noise."""
        return self._sources.noise

    @property
    def process(self) -> AbstractForwardProcess | None:
        """The forward process; None for the Gaussian one."""
        return self._sources.process

    @property
    def circuit(self) -> ParametrizedCircuit | None:
        """The bottleneck's circuit; None for a classical bottleneck."""
        return build_circuit(self._arguments)

    @property
    def schedule(self) -> NoiseSchedule:
        """The course of the noise; one that is fitted to data is the cosine schedule before the first training."""
        return self._networks()["schedule"].schedule()

    def fit(
        self,
        data: Any,
        *,
        labels: Tensor | None = None,
        steps: int = 2000,
        batch_size: int = 32,
        num_images: int | None = None,
        subset_seed: int = 0,
        seed: int | None = None,
        execution: AbstractExecution | None = None,
        callbacks: Sequence[AbstractCallback] | None = None,
        checkpoint_dir: PathLike | None = None,
        checkpoint_every: int = CHECKPOINT_EVERY,
        resume: bool = False,
        strict: bool = False,
    ) -> History:
        """Train from fresh weights, after an audit of the circuit's gradients.

        The result depends on the model's arguments, ``data``, ``labels``, ``steps``, ``batch_size``, ``num_images``,
        ``subset_seed`` and ``seed`` alone, bit for bit on one machine with one number of threads and one execution.
        With ``checkpoint_dir``, the run survives being killed at any moment: called again with ``resume=True`` it ends
        with the same bits as if it had not been. Ctrl-C ends the running step, writes a checkpoint and then raises
        KeyboardInterrupt.

        Args:
            data: Pictures (N, C, H, W) of ``image_shape``, float in [0, 1] or uint8, as tensor, array or
                :class:`~qiskit_qgen.datasets.ImageDataset`. There may be fewer than ``batch_size``.
            labels: Labels (N,) from 0, if the model has classes; None takes those of an ``ImageDataset``.
            steps: Optimisation steps.
            batch_size: Pictures in a batch.
            num_images: Number of pictures to train on, drawn from ``data``; None takes all.
            subset_seed: Seed of that draw: equal seeds give equal subsets to every model, and a smaller subset is part
                of a larger one.
            seed: Seed of weights, noise and the order of the data; None draws a fresh one, or takes that of the
                checkpoint that is resumed.
            execution: Where the quantum circuits run; None takes the built-in simulator with its defaults.
            callbacks: What happens between steps; None shows a progress bar if there is a terminal.
            checkpoint_dir: Folder of the checkpoint; None writes nothing.
            checkpoint_every: Steps between two checkpoints.
            resume: Whether to continue that run.
            strict: Whether inert or detached quantum parameters are an error; if not, they are a logged warning.

        Returns:
            Losses of the phase `denoising`.

        Raises:
            ArgumentError: If an argument is out of range or without effect.
            ArgumentTypeError: If an argument has the wrong type.
            CheckpointError: If the checkpoint is damaged or of another run, or there is one and ``resume`` is False.
            DatasetError: If ``data`` or ``labels`` is empty, not finite, out of range or of another shape.
            GradientError: If ``strict`` is True and the audit finds inert or detached parameters.
            KeyboardInterrupt: After Ctrl-C.
            TrainingDivergedError: If a loss or weight becomes NaN or infinite.
        """
        images = self._check_data(data, name="data")
        classes = training_labels(data, labels, len(images), self._arguments["num_classes"])
        images = subset(images, num_images, subset_seed) * 2 - 1
        classes = None if classes is None else subset(classes, num_images, subset_seed)
        check_int("steps", steps, minimum=1)
        check_int("batch_size", batch_size, minimum=1)
        check_type("strict", strict, bool, "True or False")
        hooks = choose_callbacks(callbacks, checkpoint_dir, checkpoint_every)
        seed = choose_seed(seed, checkpoint_dir, resume)
        networks: dict[str, Any] = build_networks(self._arguments, self._sources, seed=seed)
        fit_to_data(networks, images, self._arguments, self._sources)
        audit(networks["denoiser"], self._arguments["bottleneck"], strict=strict)
        phase = DenoisingPhase(
            networks["denoiser"],
            images,
            classes,
            self._arguments["num_classes"] or 0,
            build_corruption(self._arguments, networks["schedule"].schedule(), self._sources),
            options=self._options,
            num_steps=steps,
            batch_size=batch_size,
            seed=seed,
            modules={"schedule": networks["schedule"]},
            to_images=lambda number, generator: self._decode_latents(
                draw_pictures(networks, self._sources, number, generator, None, self._arguments)
            ),
        )
        config = {"steps": steps, "batch_size": batch_size, "seed": seed, **self._arguments}
        config |= {
            "data": fingerprint(*(each for each in (images, classes) if each is not None)),
            "execution": describe_execution(execution),
            "sources": repr(self._sources),
        }
        with executed_on(networks["denoiser"], rank_execution(execution)):
            trainer = Trainer(
                [phase], seed=seed, config=config, callbacks=hooks, checkpoint_dir=checkpoint_dir, resume=resume
            )
            self._built, self._history, self._fitted = networks, trainer.state.history, False
            self._train(trainer, phase)
        return trainer.state.history

    def sample(
        self,
        num_samples: int,
        *,
        seed: int | None = None,
        execution: AbstractExecution | None = None,
        labels: Any = None,
        guidance: float | None = None,
        sampler: Literal["ddim", "dpm-solver", "ddpm"] | None = None,
        sampling_steps: int | None = None,
    ) -> Tensor:
        """Generate pictures; the same seed and execution give the same bits.

        Args:
            num_samples: Number of pictures.
            seed: Seed of the noise; None draws a fresh one.
            execution: Where the quantum circuits run; None takes the built-in simulator with its defaults.
            labels: Of a model with classes: one label for all, or labels (num_samples,); None draws them evenly.
            guidance: Strength of the guidance by labels; None takes the model's.
            sampler: How to sample; None takes the model's.
            sampling_steps: Calls of the network; None takes the model's.

        Returns:
            float32 tensor on the CPU, (num_samples, C, H, W) in [0, 1].

        Raises:
            ArgumentError: If an argument is out of range or without effect, or ``execution`` is given to a model
                without a circuit.
            DatasetError: If ``labels`` are out of range or of another shape.
            NotFittedError: If the model was neither trained nor loaded.
        """
        check_int("num_samples", num_samples, minimum=1)
        check_may_bill(execution)
        self._check_fitted("sample")
        classes = sampling_labels(labels, num_samples, self._arguments["num_classes"])
        changes = {"guidance": guidance, "sampler": sampler, "sampling_steps": sampling_steps}
        options = sampling_options(self._arguments, changes)
        parts = self._sampled(num_samples, resolve_seed(seed), execution, classes, options)
        return torch.cat([self._decode_latents(part) for part in parts])

    @classmethod
    def from_pretrained(
        cls, folder: PathLike, *, noise: AbstractNoise | None = None, process: AbstractForwardProcess | None = None
    ) -> Self:
        """Load a model that :meth:`save_pretrained` wrote.

        Args:
            folder: The saved model.
            noise: If the model was made with a source of noise of your own: the same one.
            process: If the model was made with a forward process of your own: the same one.

        Raises:
            ArgumentError: If ``noise`` or ``process`` is missing, or given though the model has none of its own.
            CheckpointError: If the folder is missing, damaged or holds a model of another class.
        """
        check_type("noise", noise, (AbstractNoise, type(None)), "a source of noise or None")
        check_type("process", process, (AbstractForwardProcess, type(None)), "a forward process or None")
        config, tensors = cls._read(folder)
        arguments = with_own(config["arguments"], {"noise": noise, "process": process})
        return cls._made_of(arguments, folder, tensors)._load(folder, config, tensors)

    @classmethod
    def _check_saved(cls, arguments: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        defaults = argument_defaults(cls)
        check_saved_sizes(check_arguments({**defaults, **arguments}, defaults)[0], tensors)

    def _train(self, trainer: Trainer, phase: DenoisingPhase) -> None:
        """Run ``trainer``; whatever ends it, the network has its averaged weights afterwards."""
        try:
            trainer.run()
        except TrainingDivergedError:
            raise
        except BaseException:
            self._fitted = trainer.state.step > 0
            raise
        else:
            self._fitted = True
        finally:
            phase.average.copy_to_module()

    def _image_shape(self) -> tuple[int, int, int]:
        channels, height, width = self._arguments["image_shape"]
        return channels, height, width

    def _check_data(self, data: Any, *, name: str) -> Tensor:
        return check_images(data, self._image_shape(), name=name)

    def _rebuilt(self, data: Tensor) -> Tensor | None:  # noqa: ARG002 - there is no autoencoder
        return None

    def _sample_latents(self, num_samples: int, seed: int, execution: AbstractExecution | None) -> Iterator[Tensor]:
        return self._sampled(num_samples, seed, execution, None, self._arguments)

    def _sampled(
        self,
        num_samples: int,
        seed: int,
        execution: AbstractExecution | None,
        labels: Tensor | None,
        options: dict[str, Any],
    ) -> Iterator[Tensor]:
        networks = self._networks()
        with executed_on(networks["denoiser"].eval(), execution):
            for index, start in enumerate(range(0, num_samples, _SAMPLE_BATCH)):
                size = min(_SAMPLE_BATCH, num_samples - start)
                chosen = None if labels is None else labels[start : start + size]
                generator = torch_generator(seed, _SAMPLE_STREAM, index)
                yield draw_pictures(networks, self._sources, size, generator, chosen, options)

    def _quantum_passes(self, num_samples: int | None, steps: int | None, batch_size: int) -> list[QuantumPass]:
        layer: Any = quantum_gate(self._networks()["denoiser"]).core
        if steps is not None:
            return [QuantumPass(steps, layer, batch_size, True)]
        calls, (full, rest) = network_calls(self._arguments), divmod(num_samples or 0, _SAMPLE_BATCH)
        return [
            QuantumPass(calls * full, layer, _SAMPLE_BATCH, False),
            QuantumPass(calls * (rest > 0), layer, rest, False),
        ]

    def _decode_latents(self, latents: Tensor) -> Tensor:
        shape = self._image_shape()
        check_shape("latents", latents.shape, f"(N, {', '.join(map(str, shape))})", tuple(latents.shape[1:]) == shape)
        return ((latents + 1) / 2).clamp(0, 1).cpu().contiguous()

    def _networks(self) -> dict[str, Any]:
        if self._built is None:
            self._built = dict(build_networks(self._arguments, self._sources, seed=0))
        return self._built

    def _circuit(self) -> tuple[QuantumCircuit | None, list[str]]:
        found = self.circuit
        return (None, []) if found is None else (found.circuit, [each.name for each in found.circuit.parameters])

    def _prepare(self, circuit: QuantumCircuit | None, inputs: list[str]) -> None:
        expected = self._circuit()[1]
        if inputs != expected or (circuit is not None and [each.name for each in circuit.parameters] != expected):
            raise CheckpointError("The saved circuit does not fit the saved configuration: its parameters differ.")

    def _describe(self, name: str) -> str:
        arguments = self._arguments
        if name == "schedule":
            course = arguments["schedule"] if arguments["process"] == GAUSSIAN else arguments["process"]
            return f"{course}, {arguments['num_steps']} steps"
        return f"{arguments['architecture']} U-Net, bottleneck {arguments['bottleneck']}"
