"""How near reconstructions come to their images, pixel by pixel: scikit-image's two measures."""

from __future__ import annotations

import numpy as np

from qiskit_qgen._checks import check_shape
from qiskit_qgen.datasets import as_images
from qiskit_qgen.datasets.images import ImageData

_WINDOW = 11


def reconstruction_quality(reconstructions: ImageData, images: ImageData) -> dict[str, float | None]:
    """Return peak signal-to-noise ratio and structural similarity of reconstructions, by scikit-image.

    The first is ``-10 log10`` of the mean squared error of all pixels. The second is that of Wang et al. (2004), with a
    Gaussian window of standard deviation 1.5 on 11 x 11 pixels that lies within the image, averaged over all images.

    Args:
        reconstructions: Images of shape (N, C, H, W) in [0, 1].
        images: What they are reconstructions of, in the same order.

    Returns:
        `peak_signal_to_noise_ratio` in dB, None if there is no error at all, and `structural_similarity` in [-1, 1],
        None for images of less than 11 pixels in height or width. Of both, higher is better.

    Raises:
        ArgumentError: If the shapes differ.
        ArgumentTypeError: If an argument is not a tensor or array.
        DatasetError: If an argument holds no images.

    Example:
        >>> import torch
        >>> images = torch.zeros(2, 1, 16, 16)
        >>> round(reconstruction_quality(images + 0.1, images)["peak_signal_to_noise_ratio"], 3)
        20.0
    """
    from skimage import metrics  # slow to import

    y = as_images(images, name="images").double().cpu().numpy()
    x = as_images(reconstructions, name="reconstructions").double().cpu().numpy()
    check_shape("reconstructions", x.shape, f"{y.shape} as `images`", x.shape == y.shape)
    noise = None if np.array_equal(x, y) else float(metrics.peak_signal_noise_ratio(y, x, data_range=1))
    options = {"data_range": 1, "channel_axis": 0, "gaussian_weights": True, "use_sample_covariance": False}
    large = min(y.shape[2:]) >= _WINDOW
    pairs = zip(x, y, strict=True)
    similar = float(np.mean([metrics.structural_similarity(*pair, **options) for pair in pairs])) if large else None
    return {"peak_signal_to_noise_ratio": noise, "structural_similarity": similar}
