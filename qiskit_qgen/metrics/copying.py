"""Memorisation of training samples as a torchmetrics metric."""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities.data import dim_zero_cat

from qiskit_qgen._checks import check_choice, check_float
from qiskit_qgen.metrics._features import check_count
from qiskit_qgen.metrics.extractors import DEFAULT_EXTRACTOR, AbstractFeatureExtractor, get_extractor
from qiskit_qgen.metrics.functional.neighbors import COPY_RATIO, MemorizationScores, memorization

KINDS = ("train", "held_out", "fake")


class Memorization(Metric):
    """How often generated samples are copies of training samples, beside how often real, unseen samples are.

    See :func:`~qiskit_qgen.metrics.memorization` for the definitions. All features are kept in memory.

    Args:
        feature: An extractor or its name.
        ratio: Below which ratio of the distances to the nearest and second nearest training sample a sample counts as a
            copy.
        **kwargs: torchmetrics' own options of every metric (``dist_sync_on_step``, ``sync_on_compute``, ...).

    Raises:
        ArgumentError: If no extractor has that name or ``ratio`` is not in (0, 1).
        ArgumentTypeError: If ``feature`` is neither a name nor an extractor.
        MissingOptionalLibraryError: If the named extractor needs an extra that is not installed.

    Example:
        >>> import torch
        >>> from qiskit_qgen.metrics import IdentityFeatureExtractor
        >>> metric = Memorization(IdentityFeatureExtractor(1))
        >>> metric.update(torch.tensor([[0.0], [1.0]]), kind="train")
        >>> metric.update(torch.tensor([[0.5], [0.4]]), kind="held_out")
        >>> metric.update(torch.tensor([[0.01], [0.5]]), kind="fake")
        >>> [float(score) for score in metric.compute()]
        [0.5, 0.0, 0.625]
    """

    higher_is_better: bool = False
    is_differentiable: bool = False
    full_state_update: bool = False

    train_features: list[Tensor]
    held_out_features: list[Tensor]
    fake_features: list[Tensor]

    def __init__(
        self,
        feature: str | AbstractFeatureExtractor = DEFAULT_EXTRACTOR,
        *,
        ratio: float = COPY_RATIO,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.extractor = get_extractor(feature)
        self.ratio = check_float("ratio", ratio, minimum=0, maximum=1, open_minimum=True, open_maximum=True)
        for kind in KINDS:
            self.add_state(f"{kind}_features", [], dist_reduce_fx=None)

    @property
    def extractor_name(self) -> str:
        """The name of the extractor whose features are compared."""
        return self.extractor.name

    def update(self, imgs: Tensor, kind: Literal["train", "held_out", "fake"]) -> None:
        """Add samples.

        Args:
            imgs: Samples of shape (N, ...), images (N, C, H, W) in [0, 1].
            kind: "train" for what the model was trained on, all of it; "held_out" for other real samples; "fake".
        """
        check_choice("kind", kind, KINDS)
        getattr(self, f"{kind}_features").append(self.extractor(imgs))

    def compute(self) -> MemorizationScores:
        """Return the scores of all samples given so far.

        Raises:
            ArgumentError: If fewer than 2 training samples, or no held-out or generated ones, were given.
        """
        found = {kind: getattr(self, f"{kind}_features") for kind in KINDS}
        for kind, batches in found.items():
            check_count(f"{kind} samples", sum(map(len, batches)), minimum=2 if kind == "train" else 1)
        fake, train, held_out = (dim_zero_cat(found[kind]) for kind in ("fake", "train", "held_out"))
        return memorization(fake, train, held_out, ratio=self.ratio)
