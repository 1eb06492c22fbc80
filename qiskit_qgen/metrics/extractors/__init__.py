"""Feature extractors: they turn pictures or vectors into the features that the scores compare."""

from qiskit_qgen.metrics.extractors.base import AbstractFeatureExtractor as AbstractFeatureExtractor
from qiskit_qgen.metrics.extractors.efficientnet import EfficientNetLite0Extractor as EfficientNetLite0Extractor
from qiskit_qgen.metrics.extractors.fid_inception import FID_EXTRACTOR as FID_EXTRACTOR
from qiskit_qgen.metrics.extractors.fid_inception import FidInceptionExtractor as FidInceptionExtractor
from qiskit_qgen.metrics.extractors.identity import IdentityFeatureExtractor as IdentityFeatureExtractor
from qiskit_qgen.metrics.extractors.module import ModuleFeatureExtractor as ModuleFeatureExtractor
from qiskit_qgen.metrics.extractors.registry import DEFAULT_EXTRACTOR as DEFAULT_EXTRACTOR
from qiskit_qgen.metrics.extractors.registry import PIXEL_EXTRACTOR as PIXEL_EXTRACTOR
from qiskit_qgen.metrics.extractors.registry import get_extractor as get_extractor

__all__ = [
    "DEFAULT_EXTRACTOR",
    "FID_EXTRACTOR",
    "PIXEL_EXTRACTOR",
    "AbstractFeatureExtractor",
    "EfficientNetLite0Extractor",
    "FidInceptionExtractor",
    "IdentityFeatureExtractor",
    "ModuleFeatureExtractor",
    "get_extractor",
]
