"""The classifier two-sample test: how well a classifier tells generated samples from real ones (arXiv 1610.06545)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from qiskit_qgen._checks import check_int
from qiskit_qgen._random import torch_generator
from qiskit_qgen._typing import TensorLike
from qiskit_qgen.metrics._features import check_features

DEFAULT_FOLDS = 5
_STREAM = 0x6332
_MOST = 1000  # samples of each set: a support vector machine takes time in the square of their number
_PENALTY = 10.0


def classifier_accuracy(x: TensorLike, y: TensorLike, *, folds: int = DEFAULT_FOLDS, seed: int | None = 0) -> Tensor:
    """Return the part of held-out samples that a classifier puts to the right side, generated or real.

    That is the mean of :func:`classified`; 1/2 of equal distributions, 1 of such as can be told from each other
    sample by sample. It depends on the number of samples: compare only values of the same numbers.

    Args:
        x: Samples of shape (N, D), for example generated latents.
        y: Real samples of shape (M, D).
        folds: Number of parts, of which each is classified by a classifier trained on the others.
        seed: Seed of the parts; None draws fresh ones.

    Returns:
        The accuracy, a float64 scalar in [0, 1].

    Raises:
        ArgumentError: If shapes do not fit, a set holds fewer than ``folds`` samples, a value is not finite or
            ``folds`` is below 2.

    Example:
        >>> import torch
        >>> x = torch.linspace(0, 1, 20)[:, None]
        >>> float(classifier_accuracy(x, x + 5))
        1.0
    """
    return classified(x, y, folds=folds, seed=seed).double().mean()


def classified(x: TensorLike, y: TensorLike, *, folds: int = DEFAULT_FOLDS, seed: int | None = 0) -> Tensor:
    """Return whether each held-out sample was put to the right side, bool, of as many of ``x`` as of ``y``.

    The classifier is scikit-learn's support vector machine with the kernel ``exp(-|a - b|^2 / (D v))``, where v is the
    variance of all values, and the penalty C = 10; of each set the same number counts, at most 1000 random ones.

    Args:
        x: Samples of shape (N, D).
        y: Real samples of shape (M, D).
        folds: Number of parts.
        seed: Seed of the parts and of the choice; None draws fresh ones.

    Raises:
        ArgumentError: As :func:`classifier_accuracy`.
    """
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.svm import SVC

    check_int("folds", folds, minimum=2)
    real = check_features("y", y, minimum=folds)
    samples = check_features("x", x, num_features=real.shape[1], minimum=folds)
    count = min(len(samples), len(real), _MOST)
    generator = torch_generator(seed, _STREAM)
    chosen = [each[torch.randperm(len(each), generator=generator).to(each.device)[:count]] for each in (samples, real)]
    features = torch.cat(chosen).cpu().numpy()
    sides = np.repeat([0, 1], count)
    parts = StratifiedKFold(folds, shuffle=True, random_state=int(torch.randint(2**31 - 1, (), generator=generator)))
    return torch.from_numpy(cross_val_predict(SVC(C=_PENALTY), features, sides, cv=parts) == sides)
