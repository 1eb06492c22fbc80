"""Qiskit V2 primitives on the built-in simulator."""

from qiskit_qgen.primitives.estimator import BatchedStatevectorEstimator as BatchedStatevectorEstimator

__all__ = ["BatchedStatevectorEstimator"]
