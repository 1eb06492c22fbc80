"""Scores of generated images and vectors, each with its feature extractor, sample sizes and floors.

The functions (:func:`frechet_distance`, :func:`precision_recall` and their like) are pure; the
classes of the same scores are torchmetrics metrics; :func:`evaluate_images` and :func:`evaluate_features` return
everything in one dictionary. torchmetrics takes about a second to import, so its classes are loaded when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from qiskit_qgen.metrics.baselines import BASELINES, Baseline, fitted_baselines, standard_normal
from qiskit_qgen.metrics.cache import FeatureCache
from qiskit_qgen.metrics.evaluation import evaluate_features, evaluate_images
from qiskit_qgen.metrics.extractors import (
    AbstractFeatureExtractor,
    EfficientNetLite0Extractor,
    FidInceptionExtractor,
    IdentityFeatureExtractor,
    LabelFeatureExtractor,
    ModuleFeatureExtractor,
    NsfwInceptionExtractor,
    get_extractor,
)
from qiskit_qgen.metrics.fitness import Verdict, judge_score
from qiskit_qgen.metrics.functional.classifier import classifier_accuracy
from qiskit_qgen.metrics.functional.frechet import FeatureStatistics, frechet_distance
from qiskit_qgen.metrics.functional.gaussian_kernel import (
    kernel_two_sample_test,
    maximum_mean_discrepancy,
    maximum_mean_discrepancy_interval,
    median_distance,
)
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
from qiskit_qgen.metrics.functional.sliced_wasserstein import sliced_wasserstein_distance

if TYPE_CHECKING:
    from qiskit_qgen.metrics.copying import Memorization
    from qiskit_qgen.metrics.fid import FrechetInceptionDistance
    from qiskit_qgen.metrics.inception import InceptionScore
    from qiskit_qgen.metrics.jsd import JensenShannonDivergence
    from qiskit_qgen.metrics.kid import KernelInceptionDistance
    from qiskit_qgen.metrics.ssim import StructuralSimilarityIndexMeasure
    from qiskit_qgen.metrics.support import DensityCoverage, PrecisionRecall
    from qiskit_qgen.metrics.two_sample import (
        ClassifierTwoSampleAccuracy,
        MaximumMeanDiscrepancy,
        SlicedWassersteinDistance,
    )

_LAZY = {
    "ClassifierTwoSampleAccuracy": "qiskit_qgen.metrics.two_sample",
    "DensityCoverage": "qiskit_qgen.metrics.support",
    "FrechetInceptionDistance": "qiskit_qgen.metrics.fid",
    "InceptionScore": "qiskit_qgen.metrics.inception",
    "JensenShannonDivergence": "qiskit_qgen.metrics.jsd",
    "KernelInceptionDistance": "qiskit_qgen.metrics.kid",
    "MaximumMeanDiscrepancy": "qiskit_qgen.metrics.two_sample",
    "Memorization": "qiskit_qgen.metrics.copying",
    "PrecisionRecall": "qiskit_qgen.metrics.support",
    "SlicedWassersteinDistance": "qiskit_qgen.metrics.two_sample",
    "StructuralSimilarityIndexMeasure": "qiskit_qgen.metrics.ssim",
}

__all__ = [
    "BASELINES",
    "AbstractFeatureExtractor",
    "Baseline",
    "ClassifierTwoSampleAccuracy",
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
    "LabelFeatureExtractor",
    "MaximumMeanDiscrepancy",
    "Memorization",
    "MemorizationScores",
    "ModuleFeatureExtractor",
    "NsfwInceptionExtractor",
    "PrecisionRecall",
    "SlicedWassersteinDistance",
    "StructuralSimilarityIndexMeasure",
    "Verdict",
    "classifier_accuracy",
    "density_coverage",
    "evaluate_features",
    "evaluate_images",
    "fitted_baselines",
    "frechet_distance",
    "get_extractor",
    "inception_score",
    "jensen_shannon_divergence",
    "judge_score",
    "kernel_distance",
    "kernel_distance_interval",
    "kernel_two_sample_test",
    "marginal_kl_divergence",
    "maximum_mean_discrepancy",
    "maximum_mean_discrepancy_interval",
    "median_distance",
    "memorization",
    "precision_recall",
    "reconstruction_quality",
    "sliced_wasserstein_distance",
    "standard_normal",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return __all__
