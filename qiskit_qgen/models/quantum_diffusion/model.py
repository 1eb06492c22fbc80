"""QuantumDiffusion: a diffusion model with a quantum circuit in the bottleneck of its network."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from qiskit_qgen._checks import check_shape, renamed_arguments
from qiskit_qgen._random import torch_generator
from qiskit_qgen.circuits import ParametrizedCircuit
from qiskit_qgen.datasets.streamed import StreamedImages, whole
from qiskit_qgen.diffusion import (
    AbstractForwardProcess,
    NoiseSchedule,
    ddim_sample,
    ddpm_sample,
    dpm_solver_sample,
    process_sample,
    spaced_steps,
)
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.models.base import AbstractGenerativeModel, QuantumPass, quantum_layers
from qiskit_qgen.models.quantum_diffusion.build import (
    Schedule,
    build_networks,
    build_noise,
    build_process,
)
from qiskit_qgen.models.quantum_diffusion.config import GaussianDiffusion, QuantumDiffusionConfig, Sampling
from qiskit_qgen.models.quantum_diffusion.published import PUBLISHED
from qiskit_qgen.networks import AbstractDenoiser
from qiskit_qgen.networks.bottleneck_gates import QuantumBottleneck
from qiskit_qgen.noise import AbstractNoise
from qiskit_qgen.training import AbstractPhase, DenoisingPhase, DenoisingTraining
from qiskit_qgen.training.phases.corruption import GaussianCorruption, ProcessCorruption

_STEP_STREAM = 0x73746570


def _symmetric(data: Any) -> Any:
    """Map images (N, C, H, W) from [0, 1] to [-1, 1]."""
    if isinstance(data, StreamedImages):
        return data.map(_symmetric)
    return data * 2 - 1


class QuantumDiffusion(AbstractGenerativeModel):
    """A denoising diffusion model with a quantum circuit in the bottleneck of a light U-Net, for small image data sets.

    This is the system of arXiv 2504.00034 with two fixes: in the original, the gradients of the circuit's 48 weights
    are identically zero (``bottleneck="quantum_published"`` keeps that circuit for the record), and its input was
    detached. The network is the same for all values of ``bottleneck``, except for the gate.

    A noise vector is the flattened image at the last step: ``model(noise)`` runs the whole sampler from there.

    Args:
        **settings: The settings of :class:`QuantumDiffusionConfig` and of its parts, such as ``image_shape``,
            ``bottleneck="se"``, ``num_qubits``, ``schedule``, ``num_steps``, ``sampler`` or ``guidance``.

    Raises:
        ArgumentError: If a value is out of range, has no effect, or does not go with another.
        ArgumentTypeError: If a name is unknown or a value has the wrong type.

    Example:
        >>> model = QuantumDiffusion(image_shape=(1, 8, 8), num_qubits=2, architecture_width=8, sampling_steps=2)
        >>> model(torch.zeros(3, model.noise_dim)).shape
        torch.Size([3, 1, 8, 8])
    """

    config_class = QuantumDiffusionConfig
    training_class = DenoisingTraining
    published_systems = PUBLISHED
    _sampling_network = "denoiser"
    _sample_batch = 64
    _draws_on_the_way = True
    _has_latent_noise = False
    config: QuantumDiffusionConfig

    def _prepare(self) -> None:
        self._noise, self._process = build_noise(self.config), build_process(self.config)
        chosen = self.config.bottleneck
        self._circuit = chosen.runs(chosen.circuit()) if isinstance(chosen, QuantumBottleneck) else None

    def _build(self, seeded: Callable[[int], None]) -> dict[str, nn.Module]:
        seeded(0)
        return build_networks(self.config, self._process)

    @property
    def circuit(self) -> ParametrizedCircuit | None:
        """The circuit of the bottleneck as it runs; None for a classical bottleneck or control."""
        return self._circuit

    @property
    def noise_dim(self) -> int:
        """Length of a noise vector: the number of components of an image."""
        return math.prod(self.config.image_shape)

    @property
    def num_classes(self) -> int | None:
        """Number of labels; None for a model without labels."""
        return self.config.num_classes

    @property
    def noise(self) -> AbstractNoise:
        """The source of noise."""
        return self._noise

    @property
    def process(self) -> AbstractForwardProcess | None:
        """The forward process; None for the Gaussian one."""
        return self._process

    @property
    def noise_schedule(self) -> NoiseSchedule:
        """The noise schedule; before the first training, "information" is the cosine schedule."""
        return cast(Schedule, self.schedule).schedule()

    def latents(
        self,
        noise: Tensor,
        labels: Tensor | None = None,
        *,
        generator: torch.Generator | None = None,
        sampling: Sampling | None = None,
        **options: Any,
    ) -> Tensor:
        """Run the sampler: map noise (N, noise_dim) to images (N, C, H, W) in [-1, 1]; differentiable."""
        chosen = self.config.sampling if sampling is None else sampling
        source = torch_generator(0, _STEP_STREAM) if generator is None else generator
        count, denoiser = self.config.num_classes, cast(AbstractDenoiser, self.denoiser)
        if count is not None and labels is None:
            labels = torch.randint(count, (len(noise),), generator=source).to(noise.device)

        def fresh(shape: Sequence[int]) -> Tensor:
            return self._noise.sample(shape[0], source).to(noise.device).view(tuple(shape))

        def model(x: Tensor, steps: Tensor) -> Tensor:
            output: Tensor = denoiser(x, steps, labels)
            if labels is None or chosen.guidance == 1:
                return output
            free: Tensor = denoiser(x, steps, torch.full_like(labels, cast(int, count)))
            return free + chosen.guidance * (output - free)

        start = noise.view(-1, *self.config.image_shape)
        num_steps, process = self.config.num_calls(chosen), self.config.process
        if self._process is not None:
            calls = spaced_steps(self._process.num_steps, num_steps)
            drawn = process_sample(lambda x, t: model(2 * x - 1, t), self._process, start, source, steps=calls)
            return 2 * drawn - 1
        assert isinstance(process, GaussianDiffusion)  # noqa: S101 - the others have a process of their own
        kind, schedule = process.prediction, self.noise_schedule
        if chosen.sampler == "ddpm":
            return ddpm_sample(model, start, schedule, noise=fresh, prediction=kind)
        few = {"ddim": ddim_sample, "dpm-solver": dpm_solver_sample}[chosen.sampler]
        return few(model, start, schedule, num_steps=num_steps, prediction=kind)

    def decode(self, latents: Tensor) -> Tensor:
        """Map images (N, C, H, W) from [-1, 1] to [0, 1]; differentiable.

        Raises:
            ArgumentError: If ``latents`` has another shape.
        """
        shape = self.config.image_shape
        check_shape("latents", latents.shape, f"(N, {', '.join(map(str, shape))})", tuple(latents.shape[1:]) == shape)
        return ((latents + 1) / 2).clamp(0, 1)

    def sample(self, num_samples: int | None = None, **options: Any) -> Tensor:
        """Generate images; the same seed and execution give the same bits.

        Args:
            num_samples: As for :meth:`AbstractGenerativeModel.sample`, like ``seed``, ``generator``, ``noise``,
                ``labels`` and ``execution``.
            **options: Also ``guidance``, ``sampler`` and ``sampling_steps``: options of :class:`Sampling` that replace
                those of the model.

        Raises:
            ArgumentError: If an argument is out of range or without effect.
            DatasetError: If ``labels`` are out of range or of another shape.
        """
        return super().sample(num_samples, **options)

    def _sampling_options(self, options: dict[str, Any], more: Collection[str] = ()) -> dict[str, Any]:
        names = {"guidance": "guidance", "sampler": "sampler", "sampling_steps": "steps"}
        given = {names[name]: value for name, value in options.items() if name in names and value is not None}
        super()._sampling_options({name: each for name, each in options.items() if name not in names}, tuple(names))
        former = self.config.sampling
        if given.get("sampler") == "ddpm" and "steps" not in given:
            former = replace(former, steps=None)  # the model's number of steps is for the other samplers
        with renamed_arguments({"steps": "sampling_steps"}):
            sampling = replace(former, **given)
        self.config.check_sampling(sampling)
        return {"sampling": sampling}

    def _check_path(self, labels: Any, options: dict[str, Any]) -> None:
        sampler = options.get("sampler") or self.config.sampling.sampler
        if self._process is not None or sampler == "ddpm":
            case = "sampler='ddpm'" if self._process is None else "a process that is not Gaussian"
            raise ArgumentError(
                f"A QuantumDiffusion with {case} draws noise on the way, so that near noise gives no near images: "
                "interpolate one that samples by 'ddim' or 'dpm-solver'."
            )
        if self.num_classes is not None and labels is None:
            raise ArgumentError("Argument `labels` must be given, one label for all, but is None.")

    def _draw_noise(self, number: int, generator: torch.Generator) -> Tensor:
        if self._process is None:
            return self._noise.sample(number, generator)
        return self._process.prior((number, *self.config.image_shape), generator).flatten(1)

    @torch.no_grad()
    def _phases(
        self, data: Tensor, labels: Tensor | None, training: DenoisingTraining, seed: int, *, warm_start: bool
    ) -> list[AbstractPhase]:
        if self.num_classes is None:
            training.refuse(("label_dropout",), "on a model without classes")
        process, images = self.config.process, _symmetric(data)
        if not warm_start:
            self._fit_to_data(whole(images))
        if isinstance(process, GaussianDiffusion):
            gamma, prediction = training.min_snr_gamma, process.prediction
            corruption: Any = GaussianCorruption(self.noise_schedule, self._noise, prediction, gamma)
        else:
            training.refuse(("min_snr_gamma",), "unless the process is Gaussian")
            corruption = ProcessCorruption(cast(AbstractForwardProcess, self._process))

        def preview(number: int, source: torch.Generator) -> Tensor:
            noise = self._draw_noise(number, source).to(self.device)
            return self.decode(self.latents(noise, generator=source))

        return [
            DenoisingPhase(
                self.get_submodule("denoiser"),
                images,
                labels,
                self.num_classes or 0,
                corruption,
                options=training,
                seed=seed,
                modules={"schedule": self.get_submodule("schedule")},
                to_images=preview,
            )
        ]

    def _fit_to_data(self, images: Tensor) -> None:
        """Fit the parts that are not trained step by step to images (N, C, H, W) in [-1, 1]."""
        if isinstance(self.config.process, GaussianDiffusion) and self.config.process.schedule == "information":
            with renamed_arguments({"images": "data"}):
                cast(Schedule, self.schedule).fit(images)
        if self._process is not None:  # the network begins with the best constant output
            last: Any = self.get_submodule("denoiser").last
            last.bias.copy_(self._process.constant_output((images + 1) / 2))

    def _identity(self) -> dict[str, str]:
        return {"sources": f"{self._noise!r}, {self._process!r}"}

    def _calls_of_network(self) -> int:
        guided = self.num_classes is not None and self.config.sampling.guidance != 1
        return self.config.num_calls(self.config.sampling) * (2 if guided else 1)

    def _training_passes(self, training: DenoisingTraining) -> list[QuantumPass]:
        layers = quantum_layers(self.get_submodule("denoiser"))
        return [QuantumPass(training.steps, layer, training.batch_size, gradient=True) for layer in layers]

    def _describe(self, name: str) -> str:
        config = self.config
        if name == "schedule":
            process = config.process
            course = process.schedule if isinstance(process, GaussianDiffusion) else type(process).__name__
            return f"{course}, {process.num_steps} steps"
        control = getattr(config.bottleneck, "control", None)
        under = f" ({control})" if control else ""
        return f"{config.architecture.kind} U-Net, bottleneck {config.bottleneck.kind}{under}"
