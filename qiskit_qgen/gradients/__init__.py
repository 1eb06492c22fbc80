"""Gradients for the QNNs of qiskit-machine-learning."""

from qiskit_qgen.gradients.reverse_estimator import ReverseEstimatorGradient as ReverseEstimatorGradient

__all__ = ["ReverseEstimatorGradient"]
