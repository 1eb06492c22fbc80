"""Qiskit V2 primitives on the built-in simulator."""

from qiskit_qgen.primitives.estimator import BatchedStatevectorEstimator
from qiskit_qgen.primitives.exact_probabilities import ExactProbabilities
from qiskit_qgen.primitives.sampler import BatchedStatevectorSampler

__all__ = ["BatchedStatevectorEstimator", "BatchedStatevectorSampler", "ExactProbabilities"]
