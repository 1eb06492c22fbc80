"""Training of a diffusion model's network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from qiskit_qgen._checks import check_choice, check_float
from qiskit_qgen._random import torch_generator
from qiskit_qgen.diffusion.noise_schedule import PREDICTIONS, Prediction
from qiskit_qgen.training.averaging import ExponentialMovingAverage
from qiskit_qgen.training.corruption import AbstractCorruption, Corrupted
from qiskit_qgen.training.distributed import average_gradients, check_divisible, part_of
from qiskit_qgen.training.phase import AbstractPhase
from qiskit_qgen.training.schedules import SCHEDULES, Schedule
from qiskit_qgen.training.synchronized import synchronized

_PREVIEW_STREAM = 2


@dataclass(frozen=True, kw_only=True)
class DenoisingOptions:
    """How a diffusion model is trained. All defaults are our own choice, but for those of arXiv 2504.00034's code."""

    prediction: Prediction = "v"
    """What the network predicts: "epsilon", "x0" or "v"."""

    min_snr_gamma: float | None = 5.0
    """Largest weight of the clean picture's error, min-SNR of arXiv 2303.09556; None weights the prediction's error
    alike at all steps."""

    label_dropout: float = 0.1
    """Part of the labels that is left out, for classifier-free guidance, in [0, 1)."""

    learning_rate: float = 1e-3
    """Learning rate of Adam at its highest."""

    betas: tuple[float, float] = (0.9, 0.99)
    """Decay rates of Adam's moments, each in [0, 1)."""

    clip_norm: float | None = 1.0
    """Largest norm of the gradient; None for no limit."""

    ema_decay: float = 0.999
    """Decay of the moving average of the weights, in [0, 1) (arXiv 2504.00034's code)."""

    lr_schedule: Schedule = "cosine"
    """Schedule of the learning rate: "constant", "linear" or "cosine"."""

    warmup: float = 0.05
    """Part of the steps over which the learning rate rises from 0, in [0, 1)."""

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ArgumentError: If one is out of its range.
        """
        check_choice("prediction", self.prediction, PREDICTIONS)
        if self.min_snr_gamma is not None:
            check_float("min_snr_gamma", self.min_snr_gamma, minimum=0, open_minimum=True)
        if self.clip_norm is not None:
            check_float("clip_norm", self.clip_norm, minimum=0, open_minimum=True)
        check_float("learning_rate", self.learning_rate, minimum=0, open_minimum=True)
        for index, beta in enumerate(self.betas):
            check_float(f"betas[{index}]", beta, minimum=0, maximum=1, open_maximum=True)
        for name in ("label_dropout", "ema_decay", "warmup"):
            check_float(name, getattr(self, name), minimum=0, maximum=1, open_maximum=True)
        check_choice("lr_schedule", self.lr_schedule, SCHEDULES)


class DenoisingPhase(AbstractPhase):
    """Trains a network to see the clean picture in noisy ones: a weighted mean of squared errors at random steps.

    Args:
        denoiser: Noisy pictures (N, C, H, W), steps (N,) and labels or None to predictions.
        images: Training pictures (N, C, H, W) in [-1, 1].
        labels: Their labels (N,), or None.
        no_label: The number that stands for no label.
        corruption: Drowns pictures, and says what the network is to find in them.
        options: Settings of the loss and the optimiser.
        num_steps: Number of steps.
        batch_size: Pictures in a batch.
        seed: Seed of the run.
        modules: Further networks that a checkpoint must hold, by name.
        to_images: Draws pictures in [0, 1] for previews, of a number and a generator.

    Raises:
        ArgumentError: If ``num_steps`` is negative, or ``batch_size`` is not positive or not divisible by the number of
            processes that train together.
    """

    def __init__(
        self,
        denoiser: nn.Module,
        images: Tensor,
        labels: Tensor | None,
        no_label: int,
        corruption: AbstractCorruption,
        *,
        options: DenoisingOptions,
        num_steps: int,
        batch_size: int,
        seed: int,
        modules: dict[str, nn.Module],
        to_images: Callable[[int, torch.Generator], Tensor],
    ) -> None:
        weights = [parameter for parameter in denoiser.parameters() if parameter.requires_grad]
        rates = (float(options.betas[0]), float(options.betas[1]))
        self.average = ExponentialMovingAverage(denoiser, options.ema_decay)
        super().__init__(
            "denoising",
            num_steps=num_steps,
            seed=seed,
            modules={**modules, "denoiser": denoiser},
            optimizers={"denoiser": torch.optim.Adam(weights, lr=options.learning_rate, betas=rates)},
            averages={"denoiser": self.average},
            lr_schedule=options.lr_schedule,
            warmup=options.warmup,
        )
        self._denoiser, self._images, self._labels, self._no_label = denoiser, images, labels, no_label
        self._corruption, self._options, self._to_images = corruption, options, to_images
        self._order = self.batch_order(len(images), check_divisible("batch_size", batch_size))

    def train_step(self, step: int) -> dict[str, Tensor]:
        """Do one step of Adam and return `loss`."""
        options, generator = self._options, self.step_generator(step)
        chosen = self._order.batch(step)
        labels = None
        if self._labels is not None:
            dropped = torch.rand(len(chosen), generator=generator) < options.label_dropout
            labels = self._labels[chosen].masked_fill(dropped, self._no_label)
        whole = self._corruption(self._images[chosen], generator)
        batch = Corrupted(*map(part_of, whole))
        self._denoiser.train()
        with synchronized(self._denoiser):
            output = self._denoiser(batch.x, batch.steps, None if labels is None else part_of(labels))
        loss = (batch.weights * self._corruption.error(output, batch.target)).mean()
        optimizer = self.optimizers["denoiser"]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        average_gradients(self._denoiser.parameters())
        if options.clip_norm is not None:
            nn.utils.clip_grad_norm_(self._denoiser.parameters(), options.clip_norm)
        optimizer.step()
        self.average.update(step)
        return {"loss": loss.detach()}

    @torch.no_grad()
    def preview(self, num_images: int, seed: int) -> Tensor:
        """Return pictures of the averaged network."""
        with self.average.applied() as denoiser:
            denoiser.eval()
            return self._to_images(num_images, torch_generator(seed, self._stream, _PREVIEW_STREAM))
