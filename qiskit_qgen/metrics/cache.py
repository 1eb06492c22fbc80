"""Features of real sets, computed once and kept on disk."""

from __future__ import annotations

import warnings
from pathlib import Path

from torch import Tensor

from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import ArgumentError, CheckpointError
from qiskit_qgen.metrics.extractors import AbstractFeatureExtractor
from qiskit_qgen.persistence import CACHE_VARIABLE, cache_folder, digest_tensors, load_tensors, save_tensors

_FORMAT = 1  # changes when an extractor of the same name and weights comes to give other features


class FeatureCache:
    """A folder with the features of sets that are compared with again and again.

    An entry's name is a digest of the samples' bytes, of the extractor's name and of its weights, so a changed image
    or weight never meets an old entry. Files are written atomically and carry a checksum; a damaged one is reported
    and computed again. Entries are never removed by this class: 10,000 samples of 1280 features take 51 MB. The folder
    may be deleted at any time.

    Args:
        folder: The folder, created when first written to. None takes ``features`` in the folder that the environment
            variable ``QISKIT_QGEN_CACHE`` names, or in the platform's cache folder of `qiskit_qgen`.

    Example:
        >>> import tempfile, torch
        >>> from qiskit_qgen.metrics import IdentityFeatureExtractor
        >>> cache = FeatureCache(tempfile.mkdtemp())
        >>> cache.features(torch.zeros(5, 3), IdentityFeatureExtractor(3)).shape
        torch.Size([5, 3])
    """

    def __init__(self, folder: PathLike | None = None) -> None:
        self.folder = cache_folder("features") if folder is None else Path(folder)

    def features(self, samples: Tensor, extractor: AbstractFeatureExtractor) -> Tensor:
        """Return the extractor's features of ``samples``, from the folder if they are there.

        Args:
            samples: Samples of shape (N, ...), as the extractor accepts them.
            extractor: The extractor.

        Returns:
            Features of shape (N, num_features), on the device of ``samples``.

        Raises:
            ArgumentError: If the extractor cannot say what its features depend on, or does not accept ``samples``.
            CheckpointError: If the folder or the file cannot be written.
        """
        path = self._path(samples, extractor)
        if path.is_file():
            found = _read(path, (samples.shape[0], extractor.num_features))
            if found is not None:
                return found.to(samples.device)
        features: Tensor = extractor(samples)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CheckpointError(
                f"Folder {self.folder} could not be created: {error.strerror}; give FeatureCache another folder, or "
                f"set {CACHE_VARIABLE}."
            ) from error
        save_tensors(path, {"features": features}, metadata={"extractor": extractor.name})
        return features

    def _path(self, samples: Tensor, extractor: AbstractFeatureExtractor) -> Path:
        network = extractor.digest()
        if network is None:
            raise ArgumentError(
                f"Argument `extractor` must have a digest to be cached, but '{extractor.name}' wraps a plain function; "
                "wrap an nn.Module, or do without a cache."
            )
        return self.folder / f"{digest_tensors(f'{_FORMAT} {network}', {'samples': samples})}.safetensors"


def _read(path: Path, shape: tuple[int, int]) -> Tensor | None:
    """Return the features of an entry, or None, with a warning, if it is damaged."""
    try:
        features = load_tensors(path)[0].get("features")
    except CheckpointError as error:
        warnings.warn(f"{error} Its features are computed again.", stacklevel=3)
        return None
    if features is None or tuple(features.shape) != shape:
        warnings.warn(f"File {path} does not hold features of shape {shape}. They are computed again.", stacklevel=3)
        return None
    return features
