"""The numeric hearts of the scores: pure functions of feature tensors, without state and without networks."""

from qiskit_qgen.metrics.functional.frechet import FeatureStatistics as FeatureStatistics
from qiskit_qgen.metrics.functional.frechet import frechet_distance as frechet_distance
from qiskit_qgen.metrics.functional.inception import inception_score as inception_score
from qiskit_qgen.metrics.functional.jensen_shannon import jensen_shannon_divergence as jensen_shannon_divergence
from qiskit_qgen.metrics.functional.kernel import kernel_distance as kernel_distance
from qiskit_qgen.metrics.functional.kernel import kernel_distance_interval as kernel_distance_interval
from qiskit_qgen.metrics.functional.neighbors import MemorizationScores as MemorizationScores
from qiskit_qgen.metrics.functional.neighbors import density_coverage as density_coverage
from qiskit_qgen.metrics.functional.neighbors import memorization as memorization
from qiskit_qgen.metrics.functional.neighbors import precision_recall as precision_recall

__all__ = [
    "FeatureStatistics",
    "MemorizationScores",
    "density_coverage",
    "frechet_distance",
    "inception_score",
    "jensen_shannon_divergence",
    "kernel_distance",
    "kernel_distance_interval",
    "memorization",
    "precision_recall",
]
