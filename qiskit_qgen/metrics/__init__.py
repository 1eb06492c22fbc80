"""Scores of generated pictures and vectors, each with its feature extractor, sample sizes and floors.

The functions (:func:`frechet_distance`, :func:`precision_recall` and their like) are pure; the
classes of the same scores are torchmetrics metrics; :func:`evaluate_images` and :func:`evaluate_features` return
everything in one dictionary. torchmetrics takes about a second to import, so its classes are loaded when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from qiskit_qgen.metrics.cache import FeatureCache as FeatureCache
from qiskit_qgen.metrics.evaluation import evaluate_features as evaluate_features
from qiskit_qgen.metrics.evaluation import evaluate_images as evaluate_images
from qiskit_qgen.metrics.extractors import AbstractFeatureExtractor as AbstractFeatureExtractor
from qiskit_qgen.metrics.extractors import EfficientNetLite0Extractor as EfficientNetLite0Extractor
from qiskit_qgen.metrics.extractors import FidInceptionExtractor as FidInceptionExtractor
from qiskit_qgen.metrics.extractors import IdentityFeatureExtractor as IdentityFeatureExtractor
from qiskit_qgen.metrics.extractors import ModuleFeatureExtractor as ModuleFeatureExtractor
from qiskit_qgen.metrics.extractors import get_extractor as get_extractor
from qiskit_qgen.metrics.functional import FeatureStatistics as FeatureStatistics
from qiskit_qgen.metrics.functional import MemorizationScores as MemorizationScores
from qiskit_qgen.metrics.functional import density_coverage as density_coverage
from qiskit_qgen.metrics.functional import frechet_distance as frechet_distance
from qiskit_qgen.metrics.functional import inception_score as inception_score
from qiskit_qgen.metrics.functional import jensen_shannon_divergence as jensen_shannon_divergence
from qiskit_qgen.metrics.functional import kernel_distance as kernel_distance
from qiskit_qgen.metrics.functional import kernel_distance_interval as kernel_distance_interval
from qiskit_qgen.metrics.functional import memorization as memorization
from qiskit_qgen.metrics.functional import precision_recall as precision_recall

if TYPE_CHECKING:
    from qiskit_qgen.metrics.copying import Memorization as Memorization
    from qiskit_qgen.metrics.fid import FrechetInceptionDistance as FrechetInceptionDistance
    from qiskit_qgen.metrics.inception import InceptionScore as InceptionScore
    from qiskit_qgen.metrics.jsd import JensenShannonDivergence as JensenShannonDivergence
    from qiskit_qgen.metrics.kid import KernelInceptionDistance as KernelInceptionDistance
    from qiskit_qgen.metrics.support import DensityCoverage as DensityCoverage
    from qiskit_qgen.metrics.support import PrecisionRecall as PrecisionRecall

_LAZY = {
    "DensityCoverage": "qiskit_qgen.metrics.support",
    "FrechetInceptionDistance": "qiskit_qgen.metrics.fid",
    "InceptionScore": "qiskit_qgen.metrics.inception",
    "JensenShannonDivergence": "qiskit_qgen.metrics.jsd",
    "KernelInceptionDistance": "qiskit_qgen.metrics.kid",
    "Memorization": "qiskit_qgen.metrics.copying",
    "PrecisionRecall": "qiskit_qgen.metrics.support",
}

__all__ = [
    "AbstractFeatureExtractor",
    "DensityCoverage",
    "EfficientNetLite0Extractor",
    "FeatureCache",
    "FeatureStatistics",
    "FidInceptionExtractor",
    "FrechetInceptionDistance",
    "IdentityFeatureExtractor",
    "InceptionScore",
    "JensenShannonDivergence",
    "KernelInceptionDistance",
    "Memorization",
    "MemorizationScores",
    "ModuleFeatureExtractor",
    "PrecisionRecall",
    "density_coverage",
    "evaluate_features",
    "evaluate_images",
    "frechet_distance",
    "get_extractor",
    "inception_score",
    "jensen_shannon_divergence",
    "kernel_distance",
    "kernel_distance_interval",
    "memorization",
    "precision_recall",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return __all__
