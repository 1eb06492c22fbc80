"""Principal components in an autoencoder's place, against scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.networks import PrincipalComponents

IMAGES = torch.rand(30, 2, 4, 5, generator=torch.Generator().manual_seed(0))


def test_latents_and_images_are_those_of_scikit_learn():
    components = PrincipalComponents((2, 4, 5), 6)
    components.fit(IMAGES)
    pixels = IMAGES.flatten(1).numpy()
    found = PCA(6).fit(pixels)
    latents = components.encode(IMAGES)
    assert latents.numpy() == pytest.approx(found.transform(pixels), abs=1e-5)
    rebuilt = np.clip(found.inverse_transform(latents.numpy()), 0, 1)
    assert components.decode(latents).flatten(1).numpy() == pytest.approx(rebuilt, abs=1e-5)
    assert components.decode(100 * latents).max() == 1
    assert components.decode(100 * latents).min() == 0


@pytest.mark.parametrize(("latent_dim", "images", "message"), [
    (41, IMAGES, "`latent_dim` must be an integer from 1 to 40, but is 41"),
    (6, IMAGES[:5], "`images` must hold at least 6 images, one for each component, but holds 5"),
    (6, IMAGES[:, :1], r"`images` must have shape \(N, 2, 4, 5\), but has shape \(30, 1, 4, 5\)"),
])  # fmt: skip
def test_too_many_components_are_refused(latent_dim, images, message):
    with pytest.raises(ArgumentError, match=message):
        PrincipalComponents((2, 4, 5), latent_dim).fit(images)
