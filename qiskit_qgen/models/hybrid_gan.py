"""HybridGAN: variational circuits in the generator, the discriminator, both or neither, with transfer learning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Self

import torch
from qiskit import QuantumCircuit
from torch import Tensor, nn

from qiskit_qgen._checks import check_int, check_type
from qiskit_qgen._random import torch_generator
from qiskit_qgen._typing import PathLike
from qiskit_qgen.circuits import ParametrizedCircuit
from qiskit_qgen.datasets.subsets import subset
from qiskit_qgen.exceptions import ArgumentError, TrainingDivergedError
from qiskit_qgen.execution import AbstractExecution
from qiskit_qgen.models.base import AbstractGenerativeModel, QuantumPass
from qiskit_qgen.models.codecs import check_images, fingerprint
from qiskit_qgen.models.fitting import choose_callbacks, choose_seed, describe_execution
from qiskit_qgen.models.hybrid_arguments import (
    CUSTOM,
    adversarial_options,
    check_arguments,
    check_saved_sizes,
    quantum_parts,
)
from qiskit_qgen.models.hybrid_parts import (
    build_backbone,
    build_circuit,
    build_networks,
    build_noise,
    executed_on,
    quantum_layers,
    saved_circuit,
)
from qiskit_qgen.networks import AbstractBackbone
from qiskit_qgen.noise import AbstractNoise
from qiskit_qgen.training import AbstractCallback, AdversarialPhase, History, Trainer
from qiskit_qgen.training.rank_sources import rank_execution
from qiskit_qgen.training.schedules import Schedule

_SAMPLE_BATCH = 256
_SAMPLE_STREAM = 0x68736D70


class HybridGAN(AbstractGenerativeModel):
    """A GAN of pictures whose generator and discriminator each have a small block that may be a quantum circuit.

    The generator turns noise by its block into a short vector, and that by upsampling and convolution into pictures.
    The discriminator sees pictures through a pretrained, frozen network; one hidden layer leads to its block, the block
    to a score. A block is a variational circuit, or two fully connected layers with as many parameters; all else is
    equal, and starts from equal weights for equal seeds, so that what differs is what the circuit does.

    Of the system of arXiv 2507.09706 it is known that noise has 5 dimensions, a circuit 5 qubits, each block 15
    parameters, and pictures grow from 4 x 4 to 32 x 32. All else is our own choice.

    So that configurations can be compared, the arguments of the circuit and ``block_activation`` may be given whatever
    ``quantum_in`` is; those of blocks that there are not change nothing, but for the number of parameters.

    Args:
        image_shape: Channels (1, 3 or 4), height and width (8 to 128) of the pictures.
        quantum_in: Where the blocks are circuits: "none", "generator", "discriminator" or "both".
        num_qubits: Qubits of a circuit, and inputs of a classical block.
        latent_dim: Length of a noise vector; if it is not ``num_qubits``, a linear map leads to the block.
        backbone: "efficientnet-lite0" (extra `pretrained`); "resnet18" or "inception_v3" (torchvision, weights from a
            file); "conv", trained from scratch; or an :class:`~qiskit_qgen.networks.AbstractBackbone`.
        backbone_options: Further arguments of the backbone that is named, such as ``{"input_size": 96, "grid": 2}``;
            see :class:`~qiskit_qgen.networks.EfficientNetLite0Backbone`,
            :class:`~qiskit_qgen.networks.TorchvisionBackbone` and :class:`~qiskit_qgen.networks.ConvBackbone`. The
            network's ``input_size`` is the pictures' longer side, or the least that it takes (64 for "resnet18").
        noise: "gaussian", "uniform" in [-1, 1], or a source of noise.
        ansatz: "hardware_efficient", "strongly_entangling" or "data_reuploading"; see
            :func:`~qiskit_qgen.circuits.hardware_efficient_ansatz` and its like.
        num_layers: Layers of the circuit; None takes 3, or 1 of "strongly_entangling": 15 weights of 5 qubits.
        encoding: Gates that bring the inputs in.
        rotations: Rotation gates of a layer; None takes one RY, or RY, RZ, RY of "strongly_entangling", whose usual
            last RZ would have no effect on Z.
        entanglement: Which qubits are entangled; None takes a ring.
        entangler: Two-qubit gate, or a list of several.
        observables: Pauli letters read out of each qubit.
        block_activation: Non-linearity of classical blocks: "leaky_relu", "relu" (arXiv 2507.09706) or "tanh". With one
            hidden unit, "relu" gives no gradient at all wherever that unit is off, from the start for some seeds.
        generator_width: Channels of the first two stages of the generator, a multiple of 8 from 16 on.
        discriminator_width: Width of the hidden layer before the discriminator's block.
        spectral_normalization: Whether the discriminator's layers have spectral norm 1.
        loss: "wgan-gp", "hinge" or "bce".
        n_critic: Discriminator steps for each generator step.
        gradient_penalty: Weight of the gradient penalty; only with "wgan-gp", where None takes 1, or 10 with the
            backbone "conv".
        augmentations: Differentiable changes of all pictures that the discriminator sees, of "color", "translation"
            and "cutout", for small data sets; see :func:`~qiskit_qgen.training.augment`.
        generator_learning_rate: Adam's highest learning rate for the generator.
        discriminator_learning_rate: Adam's highest learning rate for the discriminator.
        betas: Decay rates of Adam's moments for both networks.
        clip_norm: Largest norm of each network's gradient, None for no limit.
        ema_decay: Decay of the moving average of the generator's weights, which is what samples.
        lr_schedule: Course of both learning rates: "constant", "linear" or "cosine".
        warmup: Part of the steps over which the learning rates rise.

    Raises:
        ArgumentError: If an argument is out of range, or without effect.
        ArgumentTypeError: If an argument has the wrong type.
        MissingOptionalLibraryError: If the backbone needs a library that is not installed.

    Example:
        >>> model = HybridGAN((1, 8, 8), "both", backbone="conv")
        >>> print(model.summary().splitlines()[0])
        HybridGAN: not trained
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int] = (3, 32, 32),
        quantum_in: Literal["none", "generator", "discriminator", "both"] = "both",
        num_qubits: int = 5,
        latent_dim: int = 5,
        backbone: str | AbstractBackbone = "efficientnet-lite0",
        *,
        backbone_options: Mapping[str, Any] | None = None,
        noise: str | AbstractNoise = "gaussian",
        ansatz: Literal["hardware_efficient", "strongly_entangling", "data_reuploading"] = "hardware_efficient",
        num_layers: int | None = None,
        encoding: str | Sequence[str] = "ry",
        rotations: Sequence[str] | None = None,
        entanglement: Any = None,
        entangler: str | Sequence[str] = "cx",
        observables: str = "Z",
        block_activation: Literal["leaky_relu", "relu", "tanh"] = "leaky_relu",
        generator_width: int = 64,
        discriminator_width: int = 128,
        spectral_normalization: bool = False,
        loss: Literal["wgan-gp", "hinge", "bce"] = "wgan-gp",
        n_critic: int = 1,
        gradient_penalty: float | None = None,
        augmentations: Sequence[str] = (),
        generator_learning_rate: float = 1e-3,
        discriminator_learning_rate: float = 1e-3,
        betas: tuple[float, float] = (0.5, 0.9),
        clip_norm: float | None = None,
        ema_decay: float = 0.99,
        lr_schedule: Schedule = "cosine",
        warmup: float = 0.03,
    ) -> None:
        arguments = dict(locals())
        for name in ("self", "__class__"):
            arguments.pop(name)
        own_backbone = backbone if isinstance(backbone, AbstractBackbone) else None
        own_noise = noise if isinstance(noise, AbstractNoise) else None
        if own_backbone is not None:
            arguments["backbone"] = CUSTOM
        if own_noise is not None:
            arguments["noise"] = CUSTOM
        super().__init__(check_arguments(arguments, own_backbone, own_noise))
        self._options = adversarial_options(self._arguments)
        self._block_circuit = build_circuit(self._arguments)
        self._noise = build_noise(self._arguments) if own_noise is None else own_noise
        self._backbone = build_backbone(self._arguments) if own_backbone is None else own_backbone
        self._backbone.check_channels(self._arguments["image_shape"][0], name="image_shape")
        self._built: dict[str, nn.Module] | None = None

    @property
    def circuit(self) -> ParametrizedCircuit | None:
        """The circuit of the quantum blocks; None if there is none."""
        return self._block_circuit if quantum_parts(self._arguments) else None

    @property
    def backbone(self) -> AbstractBackbone:
        """What the discriminator sees with."""
        return self._backbone

    @property
    def noise(self) -> AbstractNoise:
        """The source of the generator's noise."""
        return self._noise

    def fit(
        self,
        data: Any,
        *,
        steps: int = 1000,
        batch_size: int = 32,
        num_images: int | None = None,
        subset_seed: int = 0,
        seed: int | None = None,
        execution: AbstractExecution | None = None,
        callbacks: Sequence[AbstractCallback] | None = None,
        checkpoint_dir: PathLike | None = None,
        checkpoint_every: int = 100,
        resume: bool = False,
    ) -> History:
        """Train generator and discriminator from fresh weights.

        The result depends on the model's arguments, ``data``, ``steps``, ``batch_size``, ``num_images``,
        ``subset_seed`` and ``seed`` alone, bit for bit on one machine with one number of threads and one execution.

        With ``checkpoint_dir``, the run survives being killed at any moment: called again with ``resume=True`` it ends
        with the same bits as if it had not been. Ctrl-C ends the running step, writes a checkpoint and then raises
        KeyboardInterrupt; what is trained by then can be sampled.

        Args:
            data: Pictures (N, C, H, W) of ``image_shape``, float in [0, 1] or uint8, as tensor, array or
                :class:`~qiskit_qgen.datasets.ImageDataset`. There may be fewer than ``batch_size``.
            steps: Generator steps.
            batch_size: Pictures in a batch, at least 2.
            num_images: Number of pictures to train on, drawn from ``data``; None takes all.
            subset_seed: Seed of that draw: equal seeds give equal subsets to every model, and a smaller subset is part
                of a larger one.
            seed: Seed of weights, noise and the order of the data; None draws a fresh one, or takes that of the
                checkpoint that is resumed.
            execution: Where the quantum circuits run; None takes the built-in simulator with its defaults. The gradient
                penalty through a quantum block needs second derivatives, which only the built-in simulator has.
            callbacks: What happens between steps; None shows a progress bar if there is a terminal.
            checkpoint_dir: Folder of the checkpoint; None writes nothing.
            checkpoint_every: Steps between two checkpoints, unless ``callbacks`` has its own
                :class:`~qiskit_qgen.training.Checkpoint`.
            resume: Whether to continue the run in ``checkpoint_dir``.

        Returns:
            Losses and scores of the phase `adversarial`.

        Raises:
            ArgumentError: If an argument is out of range or without effect.
            ArgumentTypeError: If an argument has the wrong type, such as ``data`` that holds no pictures.
            CheckpointError: If the checkpoint is damaged or of another run, or there is one and ``resume`` is False.
            DatasetError: If ``data`` is empty, not finite, out of range or of another shape.
            GradientError: If a gradient penalty is asked for on an execution without second derivatives.
            KeyboardInterrupt: After Ctrl-C.
            TrainingDivergedError: If a loss or weight becomes NaN or infinite.
        """
        images = subset(self._check_data(data, name="data"), num_images, subset_seed)
        check_int("steps", steps, minimum=1)
        check_int("batch_size", batch_size, minimum=2)
        hooks = choose_callbacks(callbacks, checkpoint_dir, checkpoint_every)
        seed = choose_seed(seed, checkpoint_dir, resume)
        networks = build_networks(self._arguments, self._backbone, self._block_circuit, seed=seed)
        phase = AdversarialPhase(
            networks["generator"],
            networks["discriminator"],
            self._backbone,
            self._noise,
            images,
            options=self._options,
            num_steps=steps,
            batch_size=batch_size,
            seed=seed,
        )
        config = {"steps": steps, "batch_size": batch_size, "seed": seed, **self._arguments}
        config |= {"data": fingerprint(images), "execution": describe_execution(execution)}
        config |= {"backbone_weights": self._backbone.digest(), "noise_source": repr(self._noise)}
        with executed_on(list(networks.values()), rank_execution(execution)):
            trainer = Trainer(
                [phase], seed=seed, config=config, callbacks=hooks, checkpoint_dir=checkpoint_dir, resume=resume
            )
            self._built, self._history, self._fitted = networks, trainer.state.history, False
            self._train(trainer, phase)
        return trainer.state.history

    @classmethod
    def from_pretrained(
        cls, folder: PathLike, *, backbone: AbstractBackbone | None = None, noise: AbstractNoise | None = None
    ) -> Self:
        """Load a model that :meth:`save_pretrained` wrote.

        Args:
            folder: The saved model.
            backbone: If the model was made with a backbone of your own: the same one.
            noise: If the model was made with a source of noise of your own: the same one.

        Raises:
            ArgumentError: If ``backbone`` or ``noise`` is missing, or given though the model has none of its own.
            CheckpointError: If the folder is missing, damaged or holds a model of another class.
            MissingOptionalLibraryError: If the backbone needs a library that is not installed.
        """
        check_type("backbone", backbone, (AbstractBackbone, type(None)), "a backbone or None")
        check_type("noise", noise, (AbstractNoise, type(None)), "a source of noise or None")
        config, tensors = cls._read(folder)
        arguments = dict(config["arguments"])
        for name, own in (("backbone", backbone), ("noise", noise)):
            custom = arguments.get(name) == CUSTOM
            if custom != (own is not None):
                rule = "what the model was made with" if custom else "None: the model has none of its own"
                raise ArgumentError(f"Argument `{name}` must be {rule}, but is {type(own).__name__}.")
            if custom:
                arguments[name] = own
        return cls._made_of(arguments, folder, tensors)._load(folder, config, tensors)

    @classmethod
    def _check_saved(cls, arguments: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        backbone, noise = arguments["backbone"], arguments["noise"]
        own_backbone = backbone if isinstance(backbone, AbstractBackbone) else None
        own_noise = noise if isinstance(noise, AbstractNoise) else None
        names = {"backbone": CUSTOM if own_backbone else backbone, "noise": CUSTOM if own_noise else noise}
        check_saved_sizes(check_arguments({**arguments, **names}, own_backbone, own_noise), tensors)

    def _train(self, trainer: Trainer, phase: AdversarialPhase) -> None:
        """Run ``trainer``; whatever ends it, the generator has its averaged weights afterwards."""
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
        shape = self._arguments["image_shape"]
        return shape[0], shape[1], shape[2]

    def _check_data(self, data: Any, *, name: str) -> Tensor:
        return check_images(data, self._image_shape(), name=name)

    def _rebuilt(self, data: Tensor) -> Tensor | None:  # noqa: ARG002 - there is no autoencoder
        return None

    def _sample_latents(self, num_samples: int, seed: int, execution: AbstractExecution | None) -> Iterator[Tensor]:
        generator: Any = self._networks()["generator"].eval()
        with executed_on([generator], execution):
            for index, start in enumerate(range(0, num_samples, _SAMPLE_BATCH)):
                size = min(_SAMPLE_BATCH, num_samples - start)
                yield generator.latents(self._noise.sample(size, torch_generator(seed, _SAMPLE_STREAM, index))).cpu()

    def _quantum_passes(self, num_samples: int | None, steps: int | None, batch_size: int) -> list[QuantumPass]:
        networks = self._networks()
        layers = {part: quantum_layers([networks[part]]) for part in networks}
        if steps is None:
            full, rest = divmod(num_samples or 0, _SAMPLE_BATCH)
            calls = {"generator": [(full, _SAMPLE_BATCH, False), (int(rest > 0), rest, False)], "discriminator": []}
        else:
            if self._options.loss == "wgan-gp" and layers["discriminator"]:
                raise ArgumentError(
                    "Argument `steps` must be None for a model with `loss`='wgan-gp' and a quantum block in the "
                    "discriminator, since its penalty needs second derivatives, which only LocalExecution has: take "
                    "'hinge' or 'bce'."
                )
            updates = steps * self._options.n_critic
            calls = {
                "generator": [(updates - steps, batch_size, False), (steps, batch_size, True)],
                "discriminator": [(updates * 2 + steps, batch_size, True)],
            }
        passes = [
            QuantumPass(times, layer, rows, gradient)
            for part, several in calls.items()
            for layer in layers[part]
            for times, rows, gradient in several
        ]
        if not passes:
            raise ArgumentError("Argument `execution` must be None where no quantum block runs.")
        return passes

    def _decode_latents(self, latents: Tensor) -> Tensor:
        generator: Any = self._networks()["generator"].eval()
        parts = [generator.decode(part) for part in latents.split(_SAMPLE_BATCH)]
        return torch.cat(parts).clamp(0, 1).cpu()

    def _networks(self) -> dict[str, nn.Module]:
        if self._built is None:
            self._built = build_networks(self._arguments, self._backbone, self._block_circuit, seed=0)
        return self._built

    def _prepare(self, circuit: QuantumCircuit | None, inputs: list[str]) -> None:
        if circuit is not None:
            self._block_circuit = saved_circuit(circuit, inputs, self._arguments["num_qubits"])

    def _circuit(self) -> tuple[QuantumCircuit | None, list[str]]:
        if self.circuit is None:
            return None, []
        ordered = self.circuit.input_params + self.circuit.weight_params
        return self.circuit.circuit, [parameter.name for parameter in ordered]

    def _describe(self, name: str) -> str:
        block: Any = self._networks()[name].block
        count = sum(parameter.numel() for parameter in block.parameters())
        kind = "quantum" if name in quantum_parts(self._arguments) else "classical"
        seen = f" on {self._backbone.name}" if name == "discriminator" else ""
        return f"{kind} block of {count} parameters{seen}"
