"""Feature extractors: they turn images or vectors into the features that the scores compare."""

from qiskit_qgen.metrics.extractors.base import AbstractFeatureExtractor
from qiskit_qgen.metrics.extractors.efficientnet import EfficientNetLite0Extractor
from qiskit_qgen.metrics.extractors.fid_inception import FID_EXTRACTOR, FidInceptionExtractor
from qiskit_qgen.metrics.extractors.identity import IdentityFeatureExtractor
from qiskit_qgen.metrics.extractors.label_classifier import LABELS_EXTRACTOR, LabelFeatureExtractor
from qiskit_qgen.metrics.extractors.module import ModuleFeatureExtractor
from qiskit_qgen.metrics.extractors.nsfw_inception import NSFW_EXTRACTOR, NsfwInceptionExtractor
from qiskit_qgen.metrics.extractors.registry import DEFAULT_EXTRACTOR, PIXEL_EXTRACTOR, get_extractor

__all__ = [
    "DEFAULT_EXTRACTOR",
    "FID_EXTRACTOR",
    "LABELS_EXTRACTOR",
    "NSFW_EXTRACTOR",
    "PIXEL_EXTRACTOR",
    "AbstractFeatureExtractor",
    "EfficientNetLite0Extractor",
    "FidInceptionExtractor",
    "IdentityFeatureExtractor",
    "LabelFeatureExtractor",
    "ModuleFeatureExtractor",
    "NsfwInceptionExtractor",
    "get_extractor",
]
