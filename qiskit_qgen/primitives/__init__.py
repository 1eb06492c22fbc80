"""Qiskit V2 primitives on the built-in simulator."""

from qiskit_qgen.primitives.estimator import BatchedStatevectorEstimator as BatchedStatevectorEstimator
from qiskit_qgen.primitives.exact_probabilities import ExactProbabilities as ExactProbabilities
from qiskit_qgen.primitives.sampler import BatchedStatevectorSampler as BatchedStatevectorSampler

__all__ = ["BatchedStatevectorEstimator", "BatchedStatevectorSampler", "ExactProbabilities"]
