"""The Inception Score: how sure a classifier is of each image, and how varied the images are (arXiv 1606.03498)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from qiskit_qgen._checks import check_int
from qiskit_qgen._random import torch_generator
from qiskit_qgen._typing import TensorLike
from qiskit_qgen.metrics._features import check_features

_ORDER_STREAM = 0x6973


def inception_score(logits: TensorLike, *, splits: int = 10, seed: int | None = 0) -> tuple[Tensor, Tensor]:
    r"""Compute the Inception Score of a classifier's logits.

    .. math::
        \mathrm{IS} = \exp \mathbb{E}_x\, \mathrm{KL}\bigl(p(y | x) \,\|\, p(y)\bigr)

    The samples are put into a random order and split; the score is taken in each part. It is 1 if all samples look
    alike to the classifier, and the number of classes at most. It depends on the number of samples in a part.

    Args:
        logits: Logits of classes, (N, K).
        splits: Number of parts; at most N.
        seed: Seed of the order; None draws a fresh one.

    Returns:
        Mean and standard deviation over the parts, float64 scalars.

    Raises:
        ArgumentError: If there are fewer samples than ``splits``, or a value is not finite.
    """
    check_int("splits", splits, minimum=1)
    logits = check_features("samples", logits, minimum=max(2, splits))
    order = torch.randperm(len(logits), generator=torch_generator(seed, _ORDER_STREAM)).to(logits.device)
    scores = []
    for part in logits[order].log_softmax(1).tensor_split(splits):
        log_mean = part.logsumexp(0) - math.log(len(part))
        scores.append((part.exp() * (part - log_mean)).sum(1).mean().exp())
    stacked = torch.stack(scores)
    return stacked.mean(), stacked.std(unbiased=False)
