"""The numeric hearts of the scores: pure functions of feature tensors, without state and without networks."""

from qiskit_qgen.metrics.functional.frechet import FeatureStatistics as FeatureStatistics
from qiskit_qgen.metrics.functional.frechet import frechet_distance as frechet_distance
from qiskit_qgen.metrics.functional.jensen_shannon import jensen_shannon_divergence as jensen_shannon_divergence
from qiskit_qgen.metrics.functional.kernel import kernel_distance as kernel_distance

__all__ = ["FeatureStatistics", "frechet_distance", "jensen_shannon_divergence", "kernel_distance"]
