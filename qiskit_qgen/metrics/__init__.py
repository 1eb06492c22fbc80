"""Scores of generated pictures and vectors, each with its feature extractor, sample sizes and floors.

The functions (:func:`frechet_distance`, :func:`precision_recall` and their like) are pure; the
classes of the same scores are torchmetrics metrics; :func:`evaluate_images` and :func:`evaluate_features` return
everything in one dictionary. torchmetrics takes about a second to import, so its classes are loaded when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from qiskit_qgen.metrics.cache import FeatureCache
from qiskit_qgen.metrics.evaluation import evaluate_features, evaluate_images
from qiskit_qgen.metrics.extractors import (
    AbstractFeatureExtractor,
    EfficientNetLite0Extractor,
    FidInceptionExtractor,
    IdentityFeatureExtractor,
    ModuleFeatureExtractor,
    get_extractor,
)
from qiskit_qgen.metrics.functional.frechet import FeatureStatistics, frechet_distance
from qiskit_qgen.metrics.functional.inception import inception_score
from qiskit_qgen.metrics.functional.jensen_shannon import jensen_shannon_divergence
from qiskit_qgen.metrics.functional.kernel import kernel_distance, kernel_distance_interval
from qiskit_qgen.metrics.functional.marginals import marginal_kl_divergence
from qiskit_qgen.metrics.functional.neighbors import (
    MemorizationScores,
    density_coverage,
    memorization,
    precision_recall,
)
from qiskit_qgen.metrics.functional.reconstruction import reconstruction_quality

if TYPE_CHECKING:
    from qiskit_qgen.metrics.copying import Memorization
    from qiskit_qgen.metrics.fid import FrechetInceptionDistance
    from qiskit_qgen.metrics.inception import InceptionScore
    from qiskit_qgen.metrics.jsd import JensenShannonDivergence
    from qiskit_qgen.metrics.kid import KernelInceptionDistance
    from qiskit_qgen.metrics.ssim import StructuralSimilarityIndexMeasure
    from qiskit_qgen.metrics.support import DensityCoverage, PrecisionRecall

_LAZY = {
    "DensityCoverage": "qiskit_qgen.metrics.support",
    "FrechetInceptionDistance": "qiskit_qgen.metrics.fid",
    "InceptionScore": "qiskit_qgen.metrics.inception",
    "JensenShannonDivergence": "qiskit_qgen.metrics.jsd",
    "KernelInceptionDistance": "qiskit_qgen.metrics.kid",
    "Memorization": "qiskit_qgen.metrics.copying",
    "PrecisionRecall": "qiskit_qgen.metrics.support",
    "StructuralSimilarityIndexMeasure": "qiskit_qgen.metrics.ssim",
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
    "StructuralSimilarityIndexMeasure",
    "density_coverage",
    "evaluate_features",
    "evaluate_images",
    "frechet_distance",
    "get_extractor",
    "inception_score",
    "jensen_shannon_divergence",
    "kernel_distance",
    "kernel_distance_interval",
    "marginal_kl_divergence",
    "memorization",
    "precision_recall",
    "reconstruction_quality",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return __all__
