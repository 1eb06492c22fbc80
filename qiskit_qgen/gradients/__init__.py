"""Gradients for the QNNs of qiskit-machine-learning."""

from qiskit_qgen.gradients.broadcast_estimator import (
    BroadcastParamShiftEstimatorGradient as BroadcastParamShiftEstimatorGradient,
)
from qiskit_qgen.gradients.broadcast_estimator import BroadcastSPSAEstimatorGradient
from qiskit_qgen.gradients.broadcast_sampler import (
    BroadcastParamShiftSamplerGradient as BroadcastParamShiftSamplerGradient,
)
from qiskit_qgen.gradients.reverse_estimator import ReverseEstimatorGradient
from qiskit_qgen.gradients.reverse_sampler import ReverseSamplerGradient

__all__ = [
    "BroadcastParamShiftEstimatorGradient",
    "BroadcastParamShiftSamplerGradient",
    "BroadcastSPSAEstimatorGradient",
    "ReverseEstimatorGradient",
    "ReverseSamplerGradient",
]
