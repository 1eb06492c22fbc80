"""Extractors by name."""

from __future__ import annotations

import re

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.metrics.extractors.base import AbstractFeatureExtractor
from qiskit_qgen.metrics.extractors.efficientnet import EfficientNetLite0Extractor

DEFAULT_EXTRACTOR = "efficientnet-lite0-96px"


def get_extractor(feature: str | AbstractFeatureExtractor) -> AbstractFeatureExtractor:
    """Return an extractor given by name, or the given one itself.

    Args:
        feature: "efficientnet-lite0-Spx" for :class:`EfficientNetLite0Extractor` at S pixels, or an extractor.

    Returns:
        The extractor.

    Raises:
        ArgumentError: If no extractor has that name.
        ArgumentTypeError: If ``feature`` is neither a name nor an extractor.
        MissingOptionalLibraryError: If the named extractor needs an extra that is not installed.
    """
    if isinstance(feature, AbstractFeatureExtractor):
        return feature
    if not isinstance(feature, str):
        raise ArgumentTypeError(
            f"Argument `feature` must be an extractor or its name, but is of type {type(feature).__name__}; "
            "wrap a network in ModuleFeatureExtractor, take vectors with IdentityFeatureExtractor."
        )
    match = re.fullmatch(r"efficientnet-lite0-(\d+)px", feature)
    if match is None:
        raise ArgumentError(
            f"Argument `feature` must be a name such as '{DEFAULT_EXTRACTOR}' or an extractor, but is {feature!r}."
        )
    return EfficientNetLite0Extractor(int(match[1]))
