"""StyleQGAN: a style-based quantum GAN in the latent space of an autoencoder."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any, Literal, Self

from qiskit import QuantumCircuit
from torch import Tensor, nn

from qiskit_qgen._checks import check_int, check_shape, check_type
from qiskit_qgen._random import torch_generator
from qiskit_qgen._typing import PathLike
from qiskit_qgen.circuits import ParametrizedCircuit
from qiskit_qgen.datasets.subsets import subset
from qiskit_qgen.exceptions import ArgumentError, TrainingDivergedError
from qiskit_qgen.execution import AbstractExecution
from qiskit_qgen.models.base import AbstractGenerativeModel, QuantumPass
from qiskit_qgen.models.codecs import check_images, check_rows, decode, encode, fingerprint
from qiskit_qgen.models.effects import argument_defaults, effective_arguments, refuse_idle
from qiskit_qgen.models.fitting import CHECKPOINT_EVERY, choose_callbacks, choose_seed, describe_execution
from qiskit_qgen.models.style_arguments import (
    CUSTOM_AUTOENCODER,
    check_arguments,
    check_autoencoder_steps,
    has_autoencoder,
    latent_size,
    noise_size,
    reconstruction_options,
    wasserstein_options,
)
from qiskit_qgen.models.style_effects import RULES
from qiskit_qgen.models.style_parts import build_circuit, build_networks, executed_on, quantum_layer, saved_circuit
from qiskit_qgen.models.style_phases import build_phases
from qiskit_qgen.models.style_sizes import check_saved_sizes
from qiskit_qgen.noise import GaussianNoise
from qiskit_qgen.training import AbstractCallback, AbstractPhase, History, Trainer
from qiskit_qgen.training.rank_sources import rank_execution
from qiskit_qgen.training.schedules import Schedule

_SAMPLE_BATCH = 512
_SAMPLE_STREAM = 0x73616D70


class StyleQGAN(AbstractGenerativeModel):
    """A GAN whose generator is a quantum circuit with noise in every rotation angle, for pictures and for tables.

    Pictures are compressed by a classical autoencoder to short vectors. The generator turns noise ``z`` into angles
    ``W z + b`` and reads X and Z of each qubit; a classical critic compares these vectors with those of real pictures
    by the Wasserstein loss with gradient penalty; the decoder turns them into pictures. Without an autoencoder, on
    tables, this is the style-qGAN of arXiv 2110.06933.

    Of the latent model, arXiv 2601.05036 is known to use 12 qubits, 24 latent components, up to 8 layers, the
    Wasserstein loss with gradient penalty and gradient-norm clipping; all other defaults are our own choice.

    Args:
        image_shape: Channels, height and width of the pictures; None for tabular data.
        num_qubits: Qubits of the generator (12 in arXiv 2601.05036).
        num_layers: Layers of rotations and entanglers, before a last layer of rotations (8 in arXiv 2601.05036).
        num_features: Columns of tabular data; only with ``image_shape=None``.
        generator: "quantum", or "classical" for a multilayer perceptron in its place.
        rotations: Rotation gates of each qubit in a layer (own choice).
        final_rotations: Rotation gates after the last layer; None takes ``rotations`` (own choice).
        entanglement: Which qubits are entangled; see :func:`~qiskit_qgen.circuits.style_ansatz` (own choice).
        entangler: Two-qubit gate, or a list of several (own choice).
        observables: Pauli letters read out of each qubit; "XZ" gives 24 numbers of 12 qubits (arXiv 2601.05036).
        noise_dim: Length of a noise vector; None takes two components per qubit (own choice).
        cyclic_style: Whether each angle depends on one noise component only, as in arXiv 2110.06933, in place of all.
        init: Where the angles start, "gaussian" or "uniform"; see
            :class:`~qiskit_qgen.networks.QuantumStyleGenerator` (own choice).
        init_scale: Bound of the initial weights of the angle map: small angles avoid flat gradients (own choice).
        readout_std: Spread of the expectation values that stands for one standard deviation of the latent (own choice).
            Only with an autoencoder; without one, expectation values are the generated numbers.
        generator_width: Width of the classical generator's hidden layers (own choice).
        generator_depth: Number of the classical generator's hidden layers (own choice).
        autoencoder: "conv"; None to generate pixels directly; or a module with ``encode``, (N, C, H, W) to
            (N, latent_dim), and ``decode``, the reverse with values in [0, 1]. Tabular data have none.
        latent_dim: Length of a latent vector, at most the number of read-outs; None takes that number.
        autoencoder_width: Channels of the first convolution (own choice).
        autoencoder_hidden: Width of the layer beside the latent (own choice).
        latent_bound: "norm" keeps the latent's components at mean 0 and variance 1 over the training pictures, "tanh"
            in (-1, 1) (own choice).
        latent_transform: What is done to latents before the generator learns them, fitted to the training pictures:
            "pca", "zca", "standard" or "none"; see :class:`~qiskit_qgen.networks.LatentNormalizer` (own choice).
        scaling: How columns of tabular data are mapped to [-1, 1]: "range" or "quantile" (own choice).
        autoencoder_learning_rate: AdamW's highest learning rate for the autoencoder (own choice).
        autoencoder_weight_decay: AdamW's weight decay (own choice).
        autoencoder_warmup: Part of the steps over which the autoencoder's learning rate rises (own choice).
        absolute_error: Weight of the mean absolute error beside the squared one (own choice).
        latent_noise: Standard deviation of the noise on latents while the autoencoder trains (own choice).
        latent_shape: Weight that draws the latents' distribution to the normal one (own choice).
        critic_width: Width of the critic's hidden layers (own choice).
        critic_depth: Number of the critic's hidden layers (own choice).
        n_critic: Critic steps for each generator step (own choice).
        gradient_penalty: Weight of the gradient penalty (own choice).
        replay: Number of the generator's last batches from which the critic's generated samples are drawn; 0 draws
            fresh ones (own choice).
        generator_batch_size: Samples in a batch of the generator; None takes half of the data's batch (own choice).
        generator_learning_rate: Adam's highest learning rate for the generator (own choice).
        critic_learning_rate: Adam's highest learning rate for the critic (own choice).
        betas: Decay rates of Adam's moments for both networks (own choice).
        clip_norm: Largest norm of each network's gradient, None for no limit (arXiv 2601.05036 clips; own value).
        ema_decay: Decay of the moving average of the generator's weights, which is what samples (own choice).
        lr_schedule: Course of all learning rates: "constant", "linear" or "cosine" (own choice).
        warmup: Part of the steps over which generator's and critic's learning rates rise (own choice).

    Raises:
        ArgumentError: If an argument is out of range, or does not go with another.
        ArgumentTypeError: If ``autoencoder`` is a module without ``encode`` and ``decode``.

    Example:
        >>> model = StyleQGAN(image_shape=(1, 8, 8), num_qubits=2, num_layers=1)
        >>> print(model.summary().splitlines()[0])
        StyleQGAN: not trained
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int] | None = (1, 28, 28),
        num_qubits: int = 12,
        num_layers: int = 8,
        *,
        num_features: int | None = None,
        generator: Literal["quantum", "classical"] = "quantum",
        rotations: Sequence[str] = ("ry", "rz"),
        final_rotations: Sequence[str] | None = None,
        entanglement: Any = "brick",
        entangler: str | Sequence[str] = "cx",
        observables: str = "XZ",
        noise_dim: int | None = None,
        cyclic_style: bool = False,
        init: Literal["gaussian", "uniform"] = "gaussian",
        init_scale: float = 0.1,
        readout_std: float | None = None,
        generator_width: int = 64,
        generator_depth: int = 2,
        autoencoder: Literal["conv"] | nn.Module | None = "conv",
        latent_dim: int | None = None,
        autoencoder_width: int = 32,
        autoencoder_hidden: int = 256,
        latent_bound: Literal["norm", "tanh"] = "norm",
        latent_transform: Literal["pca", "zca", "standard", "none"] = "pca",
        scaling: Literal["range", "quantile"] = "range",
        autoencoder_learning_rate: float = 2e-3,
        autoencoder_weight_decay: float = 1e-3,
        autoencoder_warmup: float = 0.15,
        absolute_error: float = 0.2,
        latent_noise: float = 0.2,
        latent_shape: float = 0.02,
        critic_width: int = 256,
        critic_depth: int = 3,
        n_critic: int = 3,
        gradient_penalty: float = 0.1,
        replay: int = 16,
        generator_batch_size: int | None = None,
        generator_learning_rate: float = 1e-3,
        critic_learning_rate: float = 1e-3,
        betas: tuple[float, float] = (0.0, 0.9),
        clip_norm: float | None = None,
        ema_decay: float = 0.999,
        lr_schedule: Schedule = "cosine",
        warmup: float = 0.03,
    ) -> None:
        arguments = dict(locals())
        for name in ("self", "__class__"):
            arguments.pop(name)
        self._autoencoder = autoencoder if isinstance(autoencoder, nn.Module) else None
        if self._autoencoder is not None:
            arguments["autoencoder"] = CUSTOM_AUTOENCODER
        super().__init__(check_arguments(arguments, self._autoencoder))
        refuse_idle(self._arguments, argument_defaults(StyleQGAN), RULES)
        self._options = (reconstruction_options(self._arguments), wasserstein_options(self._arguments))
        self._noise = GaussianNoise(noise_size(self._arguments))
        self._parametrized_circuit = build_circuit(self._arguments)
        self._built: dict[str, nn.Module] | None = None
        self._origin: str | None = None

    @property
    def circuit(self) -> ParametrizedCircuit | None:
        """The generator's circuit, whose inputs are its angles; None for a classical generator."""
        return self._parametrized_circuit

    def fit(
        self,
        data: Any,
        *,
        steps: int = 1500,
        autoencoder_steps: int | None = None,
        batch_size: int = 128,
        num_images: int | None = None,
        subset_seed: int = 0,
        seed: int | None = None,
        execution: AbstractExecution | None = None,
        callbacks: Sequence[AbstractCallback] | None = None,
        checkpoint_dir: PathLike | None = None,
        checkpoint_every: int = CHECKPOINT_EVERY,
        resume: bool = False,
        warm_start: bool = False,
    ) -> History:
        """Train from fresh weights: first the autoencoder, then generator and critic.

        The result depends on the model's arguments, ``data``, ``steps``, ``autoencoder_steps``, ``batch_size``,
        ``num_images``, ``subset_seed`` and ``seed`` alone, bit for bit on one machine with one number of threads and
        one execution: another number of threads or another precision of the circuits changes the last digits of a step,
        and over many steps the result; executions with shots draw others each time. A second call starts anew; a module
        given as ``autoencoder`` starts from the weights that it was given with, and is itself left unchanged.

        With ``warm_start=True``, the training begins with the weights that the model has, from an earlier call or from
        :meth:`from_pretrained`, and those decide the result too. Only generator and critic are trained: autoencoder
        and normalizer stay as they are. This is how a model that was trained on the simulator goes on on a device.

        With ``checkpoint_dir``, the run survives being killed at any moment: called again with ``resume=True`` it ends
        with the same bits as if it had not been. It must be resumed with the same settings, data and execution. A
        folder without a checkpoint is started in, with a logged warning, so that a job script can always pass
        ``resume=True``. Ctrl-C ends the running step, writes a checkpoint and then raises KeyboardInterrupt; what is
        trained by then can be sampled. A second Ctrl-C ends at once.

        Args:
            data: Pictures (N, C, H, W) of ``image_shape``, float in [0, 1] or uint8, as tensor, array or
                :class:`~qiskit_qgen.datasets.ImageDataset`; or rows (N, num_features). There may be fewer than
                ``batch_size``.
            steps: Generator steps.
            autoencoder_steps: Steps of the autoencoder; None takes 1500. 0 keeps a module of your own as it is.
            batch_size: Samples in a batch, at least 2.
            num_images: Number of pictures or rows to train on, drawn from ``data``; None takes all.
            subset_seed: Seed of that draw: equal seeds give equal subsets to every model, and a smaller subset is part
                of a larger one.
            seed: Seed of weights, noise and the order of the data; None draws a fresh one, or takes that of the
                checkpoint that is resumed.
            execution: Where the quantum circuits run; None takes the built-in simulator with its defaults.
            callbacks: What happens between steps; None shows a progress bar if there is a terminal.
            checkpoint_dir: Folder of the checkpoint; None writes nothing.
            checkpoint_every: Steps between two checkpoints, unless ``callbacks`` has its own
                :class:`~qiskit_qgen.training.Checkpoint`.
            resume: Whether to continue the run in ``checkpoint_dir``.
            warm_start: Whether to begin with the model's own weights, in place of fresh ones.

        Returns:
            Losses and scores of the phases `autoencoder` and `adversarial`.

        Raises:
            ArgumentError: If an argument is out of range or without effect.
            ArgumentTypeError: If an argument has the wrong type, such as ``data`` that holds no pictures or rows.
            CheckpointError: If the checkpoint is damaged or of another run, or there is one and ``resume`` is False.
            DatasetError: If ``data`` is empty, not finite, out of range or of another shape.
            KeyboardInterrupt: After Ctrl-C.
            NotFittedError: If ``warm_start`` is True and the model was neither trained nor loaded.
            TrainingDivergedError: If a loss or weight becomes NaN or infinite.
        """
        samples = subset(self._check_data(data, name="data"), num_images, subset_seed)
        check_int("steps", steps, minimum=1)
        check_int("batch_size", batch_size, minimum=2)
        if check_type("warm_start", warm_start, bool, "True or False"):
            self._check_fitted("fit(warm_start=True)")
        autoencoder_steps = check_autoencoder_steps(self._arguments, autoencoder_steps, warm_start=warm_start)
        hooks = choose_callbacks(callbacks, checkpoint_dir, checkpoint_every)
        seed = choose_seed(seed, checkpoint_dir, resume)
        if warm_start:
            networks = copy.deepcopy(self._networks())
        else:
            networks = build_networks(self._arguments, self._autoencoder, self.circuit, seed=seed)
        budget = {"autoencoder_steps": autoencoder_steps, "steps": steps, "batch_size": batch_size, "seed": seed}
        phases = build_phases(
            self._arguments, networks, samples, self._noise, self._options, budget, warm_start=warm_start
        )
        config = {**budget, **self._arguments, "data": fingerprint(samples), "execution": describe_execution(execution)}
        if self._autoencoder is not None:
            config["autoencoder"] = fingerprint(*self._autoencoder.state_dict().values())
        if warm_start:
            weights = (tensor for network in networks.values() for tensor in network.state_dict().values())
            config["warm_start"] = (resume and self._origin) or fingerprint(*weights)
        with executed_on(networks["generator"], rank_execution(execution)):
            trainer = Trainer(
                phases, seed=seed, config=config, callbacks=hooks, checkpoint_dir=checkpoint_dir, resume=resume
            )
            self._built, self._history, self._fitted = networks, trainer.state.history, warm_start
            self._origin = config.get("warm_start")  # known until the training is finished, to be resumed
            self._train(trainer, phases[-1])
        return trainer.state.history

    def reconstruct(self, images: Any) -> Tensor:
        """Return what the autoencoder makes of ``images``: the best that any generator in its latent can do.

        Raises:
            ArgumentError: If the model has no autoencoder.
            DatasetError: If ``images`` is empty, out of range or of another shape than ``image_shape``.
            NotFittedError: If the model was neither trained nor loaded.
        """
        if not has_autoencoder(self._arguments):
            raise ArgumentError("This StyleQGAN has no autoencoder, so there is nothing to reconstruct.")
        self._check_fitted("reconstruct")
        codec = self._networks()["autoencoder"]
        latents = encode(codec, self._check_data(images, name="images"))
        return decode(codec, latents, is_image=True)

    @classmethod
    def from_pretrained(cls, folder: PathLike, *, autoencoder: nn.Module | None = None) -> Self:
        """Load a model that :meth:`save_pretrained` wrote.

        Args:
            folder: The saved model.
            autoencoder: If the model was made with a module of your own: one of the same form, whose weights are
                replaced in a copy.

        Raises:
            ArgumentError: If ``autoencoder`` is missing, or given though the model has none of its own.
            CheckpointError: If the folder is missing, damaged or holds a model of another class.
        """
        check_type("autoencoder", autoencoder, (nn.Module, type(None)), "a module or None")
        config, tensors = cls._read(folder)
        arguments = effective_arguments(config["arguments"], argument_defaults(StyleQGAN), RULES)
        custom = arguments["autoencoder"] == CUSTOM_AUTOENCODER
        if custom != (autoencoder is not None):
            rule = "the module that the model was made with" if custom else "None: the model has no module of its own"
            raise ArgumentError(f"Argument `autoencoder` must be {rule}, but is {type(autoencoder).__name__}.")
        if custom:
            arguments["autoencoder"] = autoencoder
        return cls._made_of(arguments, folder, tensors)._load(folder, config, tensors)

    @classmethod
    def _check_saved(cls, arguments: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        own = arguments["autoencoder"] if isinstance(arguments["autoencoder"], nn.Module) else None
        saved = arguments if own is None else arguments | {"autoencoder": CUSTOM_AUTOENCODER}
        check_saved_sizes(check_arguments(saved, own), tensors)

    def _train(self, trainer: Trainer, adversarial: AbstractPhase) -> None:
        """Run ``trainer``; whatever ends it, the generator has its averaged weights afterwards."""
        try:
            trainer.run()
        except TrainingDivergedError:
            self._fitted = False
            raise
        except BaseException:
            self._fitted = self._fitted or (trainer.state.phase is adversarial and trainer.state.step > 0)
            raise
        else:
            self._fitted, self._origin = True, None
        finally:
            adversarial.averages["generator"].copy_to_module()

    def _image_shape(self) -> tuple[int, int, int] | None:
        shape = self._arguments["image_shape"]
        return None if shape is None else (shape[0], shape[1], shape[2])

    def _check_data(self, data: Any, *, name: str) -> Tensor:
        shape = self._image_shape()
        if shape is None:
            return check_rows(data, self._arguments["num_features"], name=name)
        return check_images(data, shape, name=name)

    def _rebuilt(self, data: Tensor) -> Tensor | None:
        return self.reconstruct(data) if has_autoencoder(self._arguments) else None

    def _sample_latents(self, num_samples: int, seed: int, execution: AbstractExecution | None) -> Iterator[Tensor]:
        generator = self._networks()["generator"].eval()
        with executed_on(generator, execution):
            for index, start in enumerate(range(0, num_samples, _SAMPLE_BATCH)):
                size = min(_SAMPLE_BATCH, num_samples - start)
                yield generator(self._noise.sample(size, torch_generator(seed, _SAMPLE_STREAM, index))).cpu()

    def _quantum_passes(self, num_samples: int | None, steps: int | None, batch_size: int) -> list[QuantumPass]:
        layer = quantum_layer(self._networks()["generator"])
        if steps is None:
            full, rest = divmod(num_samples or 0, _SAMPLE_BATCH)
            calls = [(full, _SAMPLE_BATCH, False), (int(rest > 0), rest, False)]
        else:
            calls = self._options[1].generator_passes(steps, batch_size)
        return [QuantumPass(times, layer, rows, gradient) for times, rows, gradient in calls]

    def _decode_latents(self, latents: Tensor) -> Tensor:
        networks: dict[str, Any] = self._networks()
        codec, normalizer = (networks[name].eval() for name in ("autoencoder", "normalizer"))
        size = latent_size(self._arguments)
        check_shape("latents", latents.shape, f"(N, {size})", latents.dim() == 2 and latents.shape[1] == size)
        return decode(codec, normalizer.inverse(latents), is_image=self._arguments["image_shape"] is not None).cpu()

    def _networks(self) -> dict[str, nn.Module]:
        if self._built is None:
            self._built = build_networks(self._arguments, self._autoencoder, self.circuit, seed=0)
        return self._built

    def _prepare(self, circuit: QuantumCircuit | None, inputs: list[str]) -> None:
        if circuit is not None:
            self._parametrized_circuit = saved_circuit(circuit, inputs)

    def _circuit(self) -> tuple[QuantumCircuit | None, list[str]]:
        circuit = self.circuit
        if circuit is None:
            return None, []
        return circuit.circuit, [parameter.name for parameter in circuit.input_params]

    def _describe(self, name: str) -> str:
        arguments = self._arguments
        if name == "generator" and self.circuit is not None:
            angles = len(self.circuit.input_params)
            return f"quantum, {arguments['num_qubits']} qubits, {arguments['num_layers']} layers, {angles} angles"
        return type(self._networks()[name]).__name__
