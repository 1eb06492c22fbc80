"""Training of the network of a diffusion model."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from qiskit_qgen._random import torch_generator
from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.training.averaging import ExponentialMovingAverage
from qiskit_qgen.training.distributed import check_divisible, part_of
from qiskit_qgen.training.phases.base import AbstractPhase, adam
from qiskit_qgen.training.phases.corruption import AbstractCorruption, Corrupted
from qiskit_qgen.training.schedules import Schedule
from qiskit_qgen.training.synchronized import synchronized

_PREVIEW_STREAM = 2


class DenoisingTraining(Settings):
    """How to train a diffusion model."""

    steps: int = setting("Optimization steps", default=2000, minimum=1)
    batch_size: int = setting("Images per batch", default=32, minimum=1)
    min_snr_gamma: float | None = setting(
        "Maximum weight of the clean image's error (min-SNR gamma), for the Gaussian process only; None "
        "weights the prediction error equally at all steps",
        default=5.0,
        source="arXiv 2303.09556",
        above=0,
    )
    label_dropout: float = setting(
        "Fraction of the labels to drop, for classifier-free guidance", default=0.1, minimum=0, below=1
    )
    learning_rate: float = setting("Peak learning rate of Adam", default=1e-3, above=0)
    betas: tuple[float, float] = setting("Decay rates of Adam's moments", default=(0.9, 0.99), minimum=0, below=1)
    clip_norm: float | None = setting("Maximum norm of the gradient; None for no limit", default=1.0, above=0)
    ema_decay: float = setting(
        "Decay of the moving average of the weights, which is used for sampling",
        default=0.999,
        source="code of arXiv 2504.00034",
        minimum=0,
        below=1,
    )
    lr_schedule: Schedule = setting("Schedule of the learning rate", default="cosine")
    warmup: float = setting(
        "Fraction of the steps over which the learning rate warms up", default=0.05, minimum=0, below=1
    )


class DenoisingPhase(AbstractPhase):
    """Trains a network to denoise images, with a weighted mean of squared errors at random steps.

    Args:
        denoiser: Maps noisy images (N, C, H, W), steps (N,) and labels or None to predictions.
        images: Training images (N, C, H, W) in [-1, 1].
        labels: Their labels (N,), or None.
        no_label: The label number that means "no label".
        corruption: Corrupts images and defines the training target of the network.
        options: Settings of the loss and the optimizer.
        seed: Seed of the run.
        modules: Further networks that a checkpoint must hold, by name.
        to_images: Draws images in [0, 1] for previews, given their number and a generator.

    Raises:
        ArgumentError: If the batch size is not divisible by the number of processes that train together.
    """

    def __init__(
        self,
        denoiser: nn.Module,
        images: Tensor,
        labels: Tensor | None,
        no_label: int,
        corruption: AbstractCorruption,
        *,
        options: DenoisingTraining,
        seed: int,
        modules: dict[str, nn.Module],
        to_images: Callable[[int, torch.Generator], Tensor],
    ) -> None:
        self.average = ExponentialMovingAverage(denoiser, options.ema_decay)
        super().__init__(
            "denoising",
            num_steps=options.steps,
            seed=seed,
            modules={**modules, "denoiser": denoiser},
            optimizers={"denoiser": adam(denoiser.parameters(), options.learning_rate, options.betas)},
            averages={"denoiser": self.average},
            lr_schedule=options.lr_schedule,
            warmup=options.warmup,
        )
        self._denoiser, self._images, self._labels, self._no_label = denoiser, images, labels, no_label
        self._corruption, self._options, self._to_images = corruption, options, to_images
        self._order = self.batch_order(len(images), check_divisible("batch_size", options.batch_size))

    def begin(self) -> None:
        """Move images and labels to the network's device."""
        self._images = self._images.to(self.device)
        self._labels = None if self._labels is None else self._labels.to(self.device)

    def train_step(self, step: int) -> dict[str, Tensor]:
        """Do one step of Adam and return `loss`."""
        options, generator = self._options, self.step_generator(step)
        chosen = self._order.batch(step).to(self.device)
        labels = None
        if self._labels is not None:
            dropped = torch.rand(len(chosen), generator=generator).to(self.device) < options.label_dropout
            labels = self._labels[chosen].masked_fill(dropped, self._no_label)
        whole = self._corruption(self._images[chosen], generator)
        batch = Corrupted(*map(part_of, whole))
        self._denoiser.train()
        with synchronized(self._denoiser):
            output = self._denoiser(batch.x, batch.steps, None if labels is None else part_of(labels))
        loss = (batch.weights * self._corruption.error(output, batch.target)).mean()
        self.descend("denoiser", loss, self._denoiser.parameters(), options.clip_norm)
        self.average.update(step)
        return {"loss": loss.detach()}

    @torch.no_grad()
    def preview(self, num_images: int, seed: int) -> Tensor:
        """Return images from the averaged network."""
        with self.average.applied() as denoiser:
            denoiser.eval()
            return self._to_images(num_images, torch_generator(seed, self._stream, _PREVIEW_STREAM))
