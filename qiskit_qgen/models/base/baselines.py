"""The trivial baselines of a model: in its latent if it has one, otherwise in data space."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor

from qiskit_qgen.datasets.table_dataset import whole_numbers


class Baselines(NamedTuple):
    """Samples of baselines, by their names in :data:`~qiskit_qgen.metrics.BASELINES`."""

    latents: dict[str, Tensor]
    """In the generator's space, (N, latent_dim); empty for a model without a latent."""
    samples: dict[str, Tensor]
    """Images or rows."""


def baselines_of(model: Any, number: int, train: Tensor | None, labels: Any, seed: int) -> Baselines:
    """Return ``number`` samples of each baseline; without ``train``, only of those that need no training data.

    Baselines in a latent are decoded like the model's own samples. There, "untrained" is the generator with fresh
    weights; as images, it is the whole model with fresh weights, including the decoder. In a whitened latent the fitted
    Gaussian is N(0, I): both names then refer to the same set of images.

    Args:
        model: The generative model.
        number: How many samples.
        train: The checked training data of the model.
        labels: Its classes (N,), or None.
        seed: Seed of all draws.
    """
    from qiskit_qgen.metrics.baselines import fitted_baselines, is_standard, repeated_rows, standard_normal

    fresh = model.untrained(seed)
    fresh._is_trained = True  # no warning about untrained samples: they are requested here
    drawn = fresh.sample_latents(number, seed=seed)
    samples = {"untrained": fresh.decode_latents(drawn)}
    encoded = None if train is None else model.encoded(train)
    if model.latent_dim is None:
        if train is not None:
            samples |= fitted_baselines(train, number, labels=labels, seed=seed)
            if model.image_shape is None:
                samples = {name: whole_numbers(rows, model.columns) for name, rows in samples.items()}
            else:
                del samples["marginals"]  # independent pixels are noise
                samples = {name: images.clamp(0, 1) for name, images in samples.items()}
        return Baselines({}, samples)
    latents = {"untrained": drawn, "standard_normal": standard_normal(number, model.latent_dim, seed=seed)}
    samples["standard_normal"] = model.decode_latents(latents["standard_normal"])
    if train is not None and encoded is not None:
        latents |= fitted_baselines(encoded, number, labels=labels, seed=seed)
        same = is_standard(encoded)
        samples["gaussian"] = samples["standard_normal"] if same else model.decode_latents(latents["gaussian"])
        samples["mixture"] = model.decode_latents(latents["mixture"])
        samples["training"] = train[repeated_rows(len(train), number, seed=seed)]
    return Baselines(latents, samples)
