"""Experiments with models: each answers one question with intervals, floors and the numbers behind them."""

from qiskit_qgen.studies.executions import ExecutionComparison as ExecutionComparison
from qiskit_qgen.studies.executions import compare_executions as compare_executions

__all__ = ["ExecutionComparison", "compare_executions"]
