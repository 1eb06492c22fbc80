"""Experiments with models: each answers one question with intervals, floors and the numbers behind them."""

from qiskit_qgen.studies.executions import ExecutionComparison as ExecutionComparison
from qiskit_qgen.studies.executions import compare_executions as compare_executions
from qiskit_qgen.studies.gradient_audit import audit_gradients as audit_gradients
from qiskit_qgen.studies.twins import ClassicalTwin as ClassicalTwin
from qiskit_qgen.studies.twins import classical_twin as classical_twin
from qiskit_qgen.training.gradient_audit import GradientReport as GradientReport

__all__ = [
    "ClassicalTwin",
    "ExecutionComparison",
    "GradientReport",
    "audit_gradients",
    "classical_twin",
    "compare_executions",
]
