"""The built-in simulator: a circuit is lowered once to a flat program, and batches of it run on CPU kernels."""

from qiskit_qgen.simulator.expectation import ExpectationValues
from qiskit_qgen.simulator.programs.lowering import lower
from qiskit_qgen.simulator.programs.program import Program

__all__ = ["ExpectationValues", "Program", "lower"]
